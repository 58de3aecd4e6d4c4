"""The suite jupyter_kernel_test, with everything that this kernel supports."""

import time
from unittest import mock

import jupyter_kernel_test

from installed import KERNEL

PATIENCE_S = 60
HTML = 'corebook::display::html("<b>bold</b>");'


class TestKernel(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "rust"
    file_extension = ".rs"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The first cell waits for the evaluator. On a busy machine that may take longer than the suite waits.
        reply = cls.kc.execute_interactive("", store_history=False, timeout=300)
        assert reply["content"]["status"] == "ok", reply
        # rust-analyzer starts with the first question. Until it is ready, only the notebook's own names are offered.
        deadline = time.monotonic() + PATIENCE_S
        while not cls.kc.complete("String::from_utf8_l", reply=True)["content"]["matches"]:
            assert time.monotonic() < deadline, "rust-analyzer does not answer"

    def execute_helper(self, code, timeout=PATIENCE_S, **options):
        """The suite waits 0.1 s for each message. This waits longer, for a busy machine."""
        channel = self.kc.iopub_channel
        get_msg = channel.get_msg
        with mock.patch.object(channel, "get_msg", lambda timeout: get_msg(timeout=PATIENCE_S)):
            return super().execute_helper(code, timeout, **options)

    code_hello_world = 'println!("hello, world")'
    code_stderr = 'eprintln!("oops")'
    completion_samples = [
        {"text": "%time", "matches": {"%time", "%timeit", "%%time", "%%timeit"}},
        {"text": "std::f64::consts::LOG2_1", "matches": {"LOG2_10"}},
        {"text": "vec![1].le"},
    ]
    complete_code_samples = [
        "1 + 2",
        "let x = 1;",
        'println!("(");',
        "fn f() -> u32 {\n    1\n}",
        "%timeit 1 + 1",
        "// only a comment",
    ]
    incomplete_code_samples = [
        "fn f() {",
        "let x = (1,",
        'println!("unfinished',
        "/* unfinished",
        "%timeit f(1,",
    ]
    invalid_code_samples = ["fn f() { ) }", "]"]
    code_page_something = "%timeit?"
    code_generate_error = 'panic!("x")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "(1..=3).collect::<Vec<_>>()", "result": "[1, 2, 3]"},
        {"code": '"text".to_owned()', "result": '"text"'},
    ]
    code_display_data = [{"code": HTML, "mime": "text/html"}]
    code_history_pattern = "1 +*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "String::new"
    code_clear_output = "corebook::display::clear_output(false);"


class TestIopubWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True
