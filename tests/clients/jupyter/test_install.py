"""`corebook install` in each mode: what `jupyter kernelspec list` shows, and whether the kernel starts.

Each test has its own home, with a space and an é in its path. Only the built runtime is shared, to save time.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CACHE = "COREBOOK_CACHE_DIR"
RUN_CELL = str(Path(__file__).with_name("run_cell.py"))
TIMEOUT_S = 200
# Not the default name: tests/run has installed a kernel of that name into the environment of these tests.
NAME = "at-home"


class Home:
    """A user's home, a program in it, and the environment of the user's commands."""

    def __init__(self, folder: Path, binary: str):
        self.folder = folder
        self.program = folder / "programs é" / "corebook"
        self.program.parent.mkdir(parents=True)
        shutil.copy2(binary, self.program)
        real_home = Path.home()
        self.env = {
            **os.environ,
            "HOME": str(folder),
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(real_home / ".cargo")),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real_home / ".rustup")),
            CACHE: os.environ.get(CACHE, str(real_home / ".cache" / "corebook")),
        }
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "JUPYTER_PATH", "JUPYTER_DATA_DIR", "XDG_DATA_HOME"):
            self.env.pop(name, None)

    def corebook(self, *arguments, env=None, code=0):
        done = subprocess.run(
            [self.program, *arguments], env=env or self.env, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def python(self, *arguments, env=None, python=sys.executable):
        """Runs the Python of an environment."""
        return subprocess.run(
            [python, *arguments],
            env=env or self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def listed(self, **kwargs):
        """The kernels that `jupyter kernelspec list` lists."""
        done = self.python("-m", "jupyter_client.kernelspecapp", "list", "--json", **kwargs)
        return json.loads(done.stdout)["kernelspecs"]

    def run(self, name, code, **kwargs):
        """The output of `code` in the kernel of this name."""
        done = self.python(RUN_CELL, name, code, **kwargs)
        return done.stdout + done.stderr


@pytest.fixture
def home(tmp_path, kernelspec):
    return Home(tmp_path / "home é with space", kernelspec.argv[0])


def files(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_for_a_user_it_is_listed_started_and_removed(home):
    report = json.loads(home.corebook("install", "--user", "--name", NAME, "--json"))
    spec_dir = home.folder / ".local/share/jupyter/kernels" / NAME
    assert report == {"done": "installed", "name": NAME, "kernelspec": str(spec_dir)}
    listed = home.listed()[NAME]
    assert listed["resource_dir"] == str(spec_dir)
    assert listed["spec"]["argv"][0] == str(home.program)
    assert listed["spec"]["display_name"] == "Rust (corebook)"
    assert listed["spec"]["interrupt_mode"] == "message"
    assert home.run(NAME, 'println!("from {}", 6 * 7);').endswith("from 42\n")
    report = json.loads(home.corebook("uninstall", "--user", "--name", NAME, "--json"))
    assert report == {"done": "removed", "name": NAME, "kernelspec": str(spec_dir)}
    assert NAME not in home.listed()
    assert files(spec_dir.parent) == []


def test_in_an_environment_it_is_seen_there_only(home):
    environment = home.folder / "environment é"
    venv.create(environment, symlinks=True)
    python = str(environment / "bin" / "python")
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    inside = {**home.env, "VIRTUAL_ENV": str(environment), "PYTHONPATH": packages}
    home.corebook("install", "--sys-prefix", "--name", NAME, env=inside)
    spec_dir = str(environment / "share/jupyter/kernels" / NAME)
    assert home.listed(env=inside, python=python)[NAME]["resource_dir"] == spec_dir
    assert NAME not in home.listed()
    # Started outside of the environment, and with a PATH without Rust, as on a desktop.
    desktop = {**inside, "PATH": "/usr/bin:/bin"}
    desktop.pop("VIRTUAL_ENV")
    code = 'let x = 20;\nprintln!("{}", x + 1);'
    assert home.run(NAME, code, env=desktop, python=python).endswith("21\n")
    home.corebook("uninstall", "--sys-prefix", "--name", NAME, env=inside)
    assert NAME not in home.listed(env=inside, python=python)


def test_below_a_prefix_with_all_options(home):
    prefix = home.folder / "prefix é"
    options = ["--name", "Rust-Class", "--display-name", "Rust für die Klasse"]
    options += ["--env", "GREETING=grüß = dich", "--workers", "1", "--env", "RUST_BACKTRACE=0"]
    home.corebook("install", "--prefix", str(prefix), *options)
    env = {**home.env, "JUPYTER_PATH": str(prefix / "share" / "jupyter")}
    listed = home.listed(env=env)["rust-class"]
    assert listed["spec"]["display_name"] == "Rust für die Klasse"
    assert listed["spec"]["env"]["COREBOOK_WORKERS"] == "1"
    code = '%pool\nprintln!("{}", std::env::var("GREETING").unwrap());'
    printed = home.run("rust-class", code, env=env)
    assert "pool: 1 worker" in printed
    assert printed.endswith("grüß = dich\n")
    home.corebook("uninstall", "--prefix", str(prefix), "--name", "Rust-Class")
    assert "rust-class" not in home.listed(env=env)


def test_a_missing_toolchain_changes_nothing(home):
    message = home.corebook("install", "--toolchain", "no-such-toolchain", code=2)
    assert "the Rust toolchain no-such-toolchain cannot be used" in message
    assert not (home.folder / ".local").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "my kernel"], "`my kernel` cannot be a kernel's name"),
        (["--display-name", " "], "the display name is empty"),
        (["--workers", "0"], "0 workers cannot map anything"),
        (["--env", "NOVALUE"], "`NOVALUE` is not NAME=VALUE"),
        (["--with", "9lives"], "`9lives` is not a crate"),
        (["--user", "--sys-prefix"], "cannot be used with"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_done(home, arguments, words):
    assert words in home.corebook("install", *arguments, code=2)
    assert not (home.folder / ".local").exists()


def test_an_unwritable_prefix_is_refused_at_once(home):
    # A path below a file, because root, as which tests may run, may write everywhere else.
    file = home.folder / "file"
    file.write_text("")
    message = home.corebook("install", "--prefix", str(file), code=2)
    assert str(file) in message
    # It is refused before the slow build: the cache is not created.
    cache = home.folder / "cache"
    home.corebook("install", "--prefix", str(file), env={**home.env, CACHE: str(cache)}, code=2)
    assert not cache.exists()
    assert "no kernel `corebook` is installed in" in home.corebook("uninstall", code=2)


def test_a_folder_that_is_read_only_is_named(home):
    prefix = home.folder / "prefix"
    prefix.mkdir()
    # Permissions do not stop root, so a read-only file system is mounted.
    mount = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
    with_mount = ["unshare", "--map-root-user", "--mount", "--", "sh", "-c", mount]
    command = [*with_mount, str(prefix), str(home.program), "install", "--prefix", str(prefix)]
    if subprocess.run([*with_mount, str(prefix), "true"], capture_output=True).returncode != 0:
        pytest.skip("mounting in a namespace is forbidden here")
    done = subprocess.run(command, env=home.env, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{prefix} can't be changed: use --user, or --prefix DIR with a folder of your own" in done.stderr


def test_an_upgrade_through_a_link_and_a_moved_program(home):
    link = home.folder / "bin" / "corebook"
    link.parent.mkdir()
    link.symlink_to(home.program)
    subprocess.run([link, "install", "--name", NAME], env=home.env, check=True, capture_output=True)
    assert home.listed()[NAME]["spec"]["argv"][0] == str(link)
    # A package manager installs the new version beside the old one and changes the link.
    newer = home.folder / "newer" / "corebook"
    newer.parent.mkdir()
    home.program.rename(newer)
    link.unlink()
    link.symlink_to(newer)
    assert home.run(NAME, 'println!("upgraded");').endswith("upgraded\n")
    # The program moves and the link is gone: doctor says so, and installing again fixes it.
    link.unlink()
    home.program = newer
    doctor = subprocess.run([newer, "doctor"], env=home.env, capture_output=True, text=True)
    assert doctor.returncode == 1
    assert f"starts {link}, which is gone: run `corebook install` again" in doctor.stdout
    home.corebook("install", "--name", NAME)
    assert home.listed()[NAME]["spec"]["argv"][0] == str(newer)


def test_doctor_finds_no_problem_after_an_installation(home):
    home.corebook("install", "--user", "--name", NAME)
    bin_dir = str(Path(sys.executable).parent)
    env = {**home.env, "PATH": bin_dir + os.pathsep + home.env["PATH"]}
    findings = json.loads(home.corebook("doctor", "--json", env=env))
    assert [finding for finding in findings if not finding["ok"]] == []
    checks = {finding["check"] for finding in findings}
    assert checks == {
        "cargo", "rustc", "rust-src", "linker", "prebuilt session", "network", "kernelspec", "Jupyter", "disk space", "cores",
        "evcxr's settings",
    }  # fmt: skip
    texts = [finding["text"] for finding in findings]
    assert any(text.startswith("`jupyter kernelspec list` names ") and NAME in text for text in texts)
    assert any(str(home.program) in text for text in texts)
