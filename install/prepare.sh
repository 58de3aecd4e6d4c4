# Sourced by install/lab and tests/run: checks for build tools, and makes Python environments. Bash; the caller has set
# -euo pipefail.

# Prints why the script stops and what to do, and stops it.
give_up() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Finds cargo, also in rustup's folder if that is not on PATH, and a C++ compiler for libzmq.
check_build_tools() {
    if ! command -v cargo > /dev/null; then
        local cargo_bin="${CARGO_HOME:-$HOME/.cargo}/bin"
        [ -x "$cargo_bin/cargo" ] || give_up 'There is no cargo: install Rust with rustup, then try again.'
        export PATH="$cargo_bin:$PATH"
    fi
    local compiler
    for compiler in "${CXX:-c++}" g++ clang++; do
        if command -v "$compiler" > /dev/null; then return; fi
    done
    give_up 'There is no C++ compiler. Install one, then try again, for example with' \
        '  apt install g++     (Debian, Ubuntu)' \
        '  dnf install gcc-c++ (Fedora)' \
        '  xcode-select --install (macOS)'
}

# make_venv DIR REQUIREMENTS: makes a Python environment with these packages only, unless it is there.
make_venv() {
    local dir=$1 requirements=$2 stamp=$1/installed-requirements.txt
    if cmp -s "$requirements" "$stamp"; then return; fi
    command -v python3 > /dev/null || give_up 'There is no python3: install Python 3.10 or newer, then try again.'
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        give_up "$(python3 --version) is too old: JupyterLab needs Python 3.10 or newer."
    # Debian has these in a package of its own, without which venv stops half way.
    python3 -c 'import ensurepip, venv' 2> /dev/null ||
        give_up 'This Python cannot make environments: run `apt install python3-venv`, then try again.'
    rm -rf "$dir"
    echo "Making the Python environment $dir"
    python3 -m venv "$dir"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$stamp"
}

# install_kernel VENV: installs the built kernel into that environment, and prebuilds what cells link to. The toolchain
# is named, because a kernel reads its folder's toolchain file only at the first cell, and would build again then.
install_kernel() {
    local toolchain=()
    if command -v rustup > /dev/null; then
        toolchain=(--toolchain "$(rustup show active-toolchain | cut -d ' ' -f 1)")
    fi
    VIRTUAL_ENV="$(cd "$1" && pwd)" "${CARGO_TARGET_DIR:-target}/release/corebook" install --sys-prefix "${toolchain[@]}"
}
