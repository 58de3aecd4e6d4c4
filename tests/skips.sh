# Sourced by tests/run, .ci/run and .ci/dependencies: the list of tests that could not run on this machine. Bash; the
# caller has set -euo pipefail.

# new_list_of_skips: makes an empty file for the names of tests that cannot run here, and prints its path.
new_list_of_skips() {
    local folder
    folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")
    mkdir -p "$folder"
    : > "$folder/not-tested.txt"
    echo "$folder/not-tested.txt"
}

# end_with_skips STATUS MAY_SKIP FILE: prints that list and ends with STATUS, or with 1 if the list is not empty and
# MAY_SKIP is not 1.
end_with_skips() {
    if [ ! -s "$3" ]; then
        echo 'not tested here: nothing, no test was skipped'
        exit "$1"
    fi
    echo 'not tested here:'
    sed 's/^/  /' "$3"
    if [ "$1" = 0 ] && [ "$2" != 1 ]; then
        echo 'all other tests passed; set COREBOOK_TEST_MAY_SKIP=1 to let these be skipped'
        exit 1
    fi
    exit "$1"
}

# skip_or_fail NAME REASON: the rule for a check that cannot run here. It is listed if COREBOOK_TEST_MAY_SKIP is 1, and
# fails if not.
skip_or_fail() {
    if [ "${COREBOOK_TEST_MAY_SKIP:-}" != 1 ]; then
        echo "not tested: $2; set COREBOOK_TEST_MAY_SKIP=1 to let such tests be skipped" >&2
        exit 1
    fi
    echo "not tested: $1: $2" >&2
    if [ -n "${COREBOOK_TEST_SKIPS:-}" ]; then
        echo "$1: $2" >> "$COREBOOK_TEST_SKIPS"
    fi
}
