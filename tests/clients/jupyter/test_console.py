"""jupyter console in a terminal, alone and beside another client."""

import re
import sys
import time

import pexpect
import pytest
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from installed import KERNEL

PATIENCE_S = 120
PROMPT = r"In \[\d+\]: "


@pytest.fixture
def console(kernelspec):
    """Starts a console, and waits for its first prompt."""
    started = []

    def start(*options):
        terminal = pexpect.spawn(
            sys.executable,
            ["-m", "jupyter", "console", "--simple-prompt", *options],
            timeout=PATIENCE_S,
            encoding="utf-8",
            dimensions=(40, 200),
        )
        started.append(terminal)
        terminal.expect(PROMPT)
        return terminal

    yield start
    for terminal in started:
        terminal.close(force=True)


@pytest.fixture
def alone(console):
    return console("--kernel", KERNEL)


def output_of(terminal, code, until=""):
    """The output of a cell, up to the prompt after the text `until`, a regular expression."""
    terminal.sendline(code)
    terminal.expect(PROMPT)
    text = terminal.before
    deadline = time.monotonic() + PATIENCE_S
    # The console first asks whether the cell is complete. If the idle status of that request comes late, the console
    # takes it for the end of the cell. It shows the rest when an empty line is entered.
    while not re.search(until, text):
        assert time.monotonic() < deadline, text
        terminal.sendline(" ")
        terminal.expect(PROMPT)
        text += terminal.before
    return text


def test_a_cell_shows_its_text_its_result_and_its_error(alone):
    output_of(alone, 'println!("hello");', until=r"hello\r\n")
    output_of(alone, "6 * 7", until=r"Out\[\d+\]: *42\r\n")
    output_of(alone, 'panic!("oh");', until="Panic")
    output_of(alone, '"kept"', until=r'Out\[\d+\]: *"kept"\r\n')


def test_a_progress_bar_is_written_over_in_place(alone):
    nap = "std::thread::sleep(std::time::Duration::from_millis(40))"
    loop = f"for _ in progress(0..30) {{ {nap}; }} println!(\"done\");"
    text = output_of(alone, loop, until=r"done\r\n")
    bars = re.findall(r"\r(\d+)/30 \[", text)
    assert len(bars) > 3 and bars[-1] == "30" and bars == sorted(bars, key=int), text
    # The bar is one line, and the text after it is on the next one.
    assert re.search(r"\r30/30 [^\r\n]*\r\ndone\r\n", text), text
    assert text.count("/30 [") == len(bars), text


def test_ctrl_c_stops_a_cell_and_keeps_variables(alone):
    output_of(alone, "let kept = 7;")
    alone.sendline('println!("go"); for _ in progress(0..100_000) { std::thread::sleep(std::time::Duration::from_millis(5)); }')
    alone.expect(r"\d+/100000 \[")
    alone.sendintr()
    alone.expect("Interrupted")
    alone.expect(PROMPT)
    output_of(alone, "kept + 1", until=r"Out\[\d+\]: *8\r\n")


def test_leaving_the_console_ends_it(alone):
    output_of(alone, "1 + 1")
    alone.sendeof()
    alone.expect([r"exit .*\?", pexpect.EOF])
    if alone.isalive():
        alone.sendline("y")
        alone.expect(pexpect.EOF)
    alone.wait()
    assert alone.exitstatus == 0


def test_a_console_joins_a_kernel_that_another_client_uses(console, kernelspec):
    manager, client = start_new_kernel(kernel_name=KERNEL)
    try:
        client.execute_interactive("let shared = 20;", timeout=PATIENCE_S)
        beside = console("--existing", manager.connection_file)
        output_of(beside, "shared + 1", until=r"Out\[\d+\]: *21\r\n")
        output_of(beside, "let theirs = 5;")
        replies = []
        reply = client.execute_interactive("theirs + shared", timeout=PATIENCE_S, output_hook=replies.append)
        assert reply["content"]["status"] == "ok"
        results = [it["content"]["data"]["text/plain"] for it in replies if it["msg_type"] == "execute_result"]
        assert results == ["25"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_two_clients_at_once_get_their_own_answers(kernelspec):
    manager, first = start_new_kernel(kernel_name=KERNEL)
    try:
        second = BlockingKernelClient(connection_file=manager.connection_file)
        second.load_connection_file()
        second.start_channels()
        second.wait_for_ready(timeout=PATIENCE_S)
        clients = {0: first, 1: second}
        requests = {
            client.execute(f"{number} * 10 + {side}"): (side, number)
            for number in range(10)
            for side, client in clients.items()
        }
        for side, client in clients.items():
            own = [request for request, (of, _) in requests.items() if of == side]
            replies = [client.get_shell_msg(timeout=PATIENCE_S) for _ in own]
            assert [it["parent_header"]["msg_id"] for it in replies] == own
            assert {it["content"]["status"] for it in replies} == {"ok"}
            results = {}
            while len(results) < len(requests):
                message = client.get_iopub_msg(timeout=PATIENCE_S)
                if message["msg_type"] == "execute_result":
                    results[message["parent_header"]["msg_id"]] = message["content"]["data"]["text/plain"]
            # Both see the results of both.
            assert results == {it: str(number * 10 + of) for it, (of, number) in requests.items()}
        second.stop_channels()
    finally:
        first.stop_channels()
        manager.shutdown_kernel(now=True)
