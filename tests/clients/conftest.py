"""The rule for tests that cannot run on this machine: they fail, unless COREBOOK_TEST_MAY_SKIP is 1.

`tests/e2e/harness/skip.rs` and `magics/runtime/tests` follow the same rule with the same two variables.
"""

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    # An expected failure counts as skipped too.
    if report.skipped and not hasattr(report, "wasxfail"):
        _path, _line, message = report.longrepr
        apply_rule(report, f"tests/clients/{item.nodeid}", message.removeprefix("Skipped: "))
    return report


def apply_rule(report, name, reason):
    """Turns a skip into a failure, or notes it in the file that COREBOOK_TEST_SKIPS names."""
    if os.environ.get("COREBOOK_TEST_MAY_SKIP") != "1":
        report.outcome = "failed"
        report.longrepr = f"not tested: {reason}; set COREBOOK_TEST_MAY_SKIP=1 to let such tests be skipped"
    elif file := os.environ.get("COREBOOK_TEST_SKIPS"):
        with open(file, "a") as skips:
            skips.write(f"{name}: {reason}\n")
