"""What a user does in JupyterLab with this kernel, in a real browser."""

import re

from playwright.sync_api import expect

from lab import ARTEFACTS

SLEEPING = """use std::thread::sleep;
use std::time::Duration;

fn sleeping(item: i32) -> i32 {
    sleep(Duration::from_millis(100));
    item
}"""
COMPARE = """%%compare
serial: (0..8).map(sleeping).collect::<Vec<_>>()
---
pool: pool.map(sleeping, 0..8)"""
MAP = 'println!("in the map"); pool.map(sleeping, 0..100_000);'
TUTORIAL_TIMEOUT_MS = 300_000
# If a browser takes this for HTML, it runs a script and sends a request to another machine.
ATTACK = "<img src=https://attack.invalid/a.png onerror=alert(1)><script>alert(2)</script>"
HOSTILE = f"""const ATTACK: &str = "{ATTACK}";

/// {ATTACK}
///
/// ![picture](https://attack.invalid/picture.png) [link](javascript:alert(3)) `` ` {ATTACK} ` ``
fn documented() {{}}

#[allow(non_camel_case_types)]
#[derive(Debug, Clone)]
struct script;

/// {ATTACK}
struct Hostile;

impl std::fmt::Debug for Hostile {{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
        f.write_str(ATTACK)
    }}
}}"""
# All elements in outputs and tooltips that can run or load something.
ACTIVE = """all => all.flatMap(area => [...area.querySelectorAll("*")]).filter(element =>
    element.matches("script, iframe, object, embed, link, meta, base, form, img, a[href^='javascript:' i]") ||
    element.getAttributeNames().some(name => name.startsWith("on"))).map(element => element.outerHTML)"""


def test_the_tutorial_runs_from_top_to_bottom(page, open_notebook):
    notebook = open_notebook(name="01-running-code-in-parallel.ipynb")
    notebook.choose("Run", "Run All Cells")
    last = max(index for index, cell in enumerate(notebook.saved()["cells"]) if cell["cell_type"] == "code")
    notebook.wait_for(last, TUTORIAL_TIMEOUT_MS)
    notebook.wait_until_idle()

    cells = [cell for cell in notebook.saved()["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        errors = [output["evalue"] for output in cell["outputs"] if output["output_type"] == "error"]
        assert len(errors) == ("raises-exception" in cell["metadata"].get("tags", [])), (cell["id"], errors)

    line = re.compile(r"\d+ loops?, best of \d+: .+ per loop")
    timings = notebook.panel.locator(".jp-OutputArea-output", has_text=line)
    timing = timings.first
    timing.scroll_into_view_if_needed()
    expect(timing).to_be_visible()


def test_a_comparison_is_a_chart_in_light_and_dark(page, open_notebook):
    notebook = open_notebook(SLEEPING, "%cpus", "%pool", "%timeit pool.map(sleeping, 0..8)", COMPARE)
    for index in range(5):
        notebook.run(index)
    expect(notebook.outputs(4).first).to_contain_text("speed-up")
    chart = notebook.cell(4).locator(".jp-OutputArea-output svg")
    chart.scroll_into_view_if_needed()
    expect(chart).to_be_visible()

    notebook.panel.screenshot(path=ARTEFACTS / "jupyterlab-light.png")
    light = text_colours(chart)
    notebook.choose("Settings", "Theme", "JupyterLab Dark")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    chart.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # the colours fade over
    notebook.panel.screenshot(path=ARTEFACTS / "jupyterlab-dark.png")
    dark = text_colours(chart)

    assert light and all(brightness(colour) < 128 for colour in light), light
    assert dark and all(brightness(colour) > 128 for colour in dark), dark


def text_colours(chart):
    """The colours of the chart's texts in the browser."""
    return set(chart.locator("text").evaluate_all("texts => texts.map(text => getComputedStyle(text).fill)"))


def brightness(colour):
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_a_progress_bar_moves(open_notebook):
    notebook = open_notebook(SLEEPING, "for item in progress(0..30) { sleeping(item); }")
    notebook.run(0)
    notebook.start(1)
    outputs = notebook.outputs(1)
    expect(outputs).to_contain_text(re.compile(r"\b[1-9]/30\b"))
    expect(outputs).to_contain_text(re.compile(r"\b2\d/30\b"))
    notebook.wait_for(1)
    # There is one output, which was rewritten for each state.
    expect(outputs).to_have_count(1)
    expect(outputs).to_contain_text("30/30")


def test_stop_ends_a_map_and_keeps_variables(open_notebook):
    notebook = open_notebook(SLEEPING, "%pool\nlet kept = 7;", MAP, "kept")
    for index in range(2):
        notebook.run(index)
    notebook.start(2)
    expect(notebook.outputs(2)).to_contain_text("in the map")
    notebook.stop()
    notebook.wait_for(2)
    expect(notebook.outputs(2).last).to_contain_text("Interrupted")
    notebook.run(3)
    expect(notebook.outputs(3)).to_have_text(re.compile(r"^7\s*$"))


def test_stop_ends_an_endless_loop_and_keeps_variables(open_notebook):
    notebook = open_notebook("let kept = 6;", 'println!("in the loop"); loop {}', "kept * 7")
    notebook.run(0)
    notebook.start(1)
    expect(notebook.outputs(1)).to_contain_text("in the loop")
    notebook.stop()
    notebook.wait_for(1)
    expect(notebook.outputs(1).last).to_contain_text("variables are kept")
    notebook.run(2)
    expect(notebook.outputs(2)).to_have_text(re.compile(r"^42\s*$"))


def test_restart_loses_variables_and_run_all_runs_all(open_notebook):
    notebook = open_notebook("let number = 6;", "number * 7")
    notebook.run(0)
    notebook.choose("Kernel", "Restart Kernel…")
    notebook.confirm()
    notebook.wait_until_idle()
    notebook.run(1)
    expect(notebook.outputs(1)).to_contain_text("cannot find value `number`")

    notebook.choose("Kernel", "Restart Kernel and Run All Cells…")
    notebook.confirm()
    expect(notebook.outputs(1)).to_have_text(re.compile(r"^42\s*$"))


def test_tab_completes_and_shift_tab_explains(page, open_notebook):
    notebook = open_notebook("%pool", "", "%magics", "")
    notebook.run(0)
    notebook.type_at_end(1, "pool.")
    offered = notebook.complete()
    expect(offered).to_contain_text("for_each")
    expect(offered).not_to_contain_text("evcxr")
    names = offered.locator(".jp-Completer-match").all_text_contents()
    assert names[0] == "apply" and not {"number", "chunk", "label"} & set(names), names
    page.keyboard.press("Escape")

    page.keyboard.type("map")
    page.keyboard.press("Shift+Tab")
    tooltip = page.locator(".jp-Tooltip:visible")
    expect(tooltip).to_contain_text("pub fn map")
    expect(tooltip).to_contain_text("in the order of the items")
    expect(tooltip).not_to_contain_text("# let pool")
    page.screenshot(path=ARTEFACTS / "shift-tab.png")
    page.keyboard.press("Escape")

    notebook.run(2)
    table = notebook.outputs(2).locator("table")
    expect(table.locator("tr").filter(has_text="%timeit")).to_be_visible()
    places = table.locator("th, td").evaluate_all("cells => cells.map(cell => getComputedStyle(cell).textAlign)")
    assert set(places) == {"left"}, places

    notebook.type_at_end(3, "%timeit pool.ma")
    expect(notebook.complete()).to_contain_text("map_reduce")
    page.screenshot(path=ARTEFACTS / "tab-in-timeit.png")
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Tab")
    expect(tooltip).to_contain_text("best of N")
    page.screenshot(path=ARTEFACTS / "shift-tab-on-a-magic.png")


def test_rust_below_a_magic_is_highlighted(open_notebook):
    notebook = open_notebook("%timeit -n 3 (1 + 1)\n%pool 2 --name small\nfn double(x: u64) -> u64 { 2 * x }")
    keyword = notebook.editor(0).locator("span").get_by_text("fn", exact=True)
    expect(keyword).to_have_css("font-weight", "700")


def test_a_console_attached_to_the_notebook_shares_its_kernel(page, open_notebook):
    notebook = open_notebook("let shared = 41;", "from_console * 6")
    notebook.run(0)
    notebook.choose("File", "New Console for Notebook")
    console = page.locator(".jp-ConsolePanel:visible")
    prompt = console.locator(".jp-CodeConsole-promptCell .cm-content")
    results = console.locator(".jp-OutputArea-output")

    prompt.click()
    page.keyboard.type("shared + 1")
    page.keyboard.press("Shift+Enter")
    expect(results).to_have_text(re.compile(r"^42\s*$"))
    page.keyboard.type("%timeit -n 1 -r 1 shared")
    page.keyboard.press("Shift+Enter")
    expect(results.last).to_contain_text("1 loop, best of 1")
    page.keyboard.type("let from_console = 7;")
    page.keyboard.press("Shift+Enter")
    expect(console.locator(".jp-CodeConsole-content .jp-InputPrompt").last).to_have_text("[4]:")

    notebook.run(1)
    expect(notebook.outputs(1)).to_have_text(re.compile(r"^42\s*$"))


def test_names_values_and_documentation_are_never_markup(page, lab, open_notebook):
    dialogs, requests_outside = [], []

    def dismiss(dialog):
        dialogs.append(dialog.message)
        dialog.dismiss()

    def note(request):
        if not request.url.startswith((f"{lab.url}/", "data:", "blob:")):
            requests_outside.append(request.url)

    page.on("dialog", dismiss)
    page.on("request", note)
    # Each cell, and the text in its output.
    cells = {
        HOSTILE: None,
        "let types = vec![Some(script)];": None,
        ":type types": "types: std::vec::Vec<std::option::Option<script>>",
        ":vars": "std::vec::Vec<std::option::Option<script>>",
        "Hostile": ATTACK,
        "[(ATTACK, Hostile), (ATTACK, Hostile)]": ATTACK,
        '[("$a$", 1), ("$b$", 2)]': '"$a$"',
        "for item in progress(0..3).label(ATTACK) { drop(item); }": ATTACK,
        '%%compare\n"<script>alert(4)</script>".len()\n---\n"<img src=x onerror=alert(5)>".len()': "<script>alert(4)",
        '%timeit -n 1 -r 2 -o timing "<script>alert(6)</script>".len()\ntiming': "per loop",
        "panic!(\"{ATTACK}\")": ATTACK,
        "Err(ATTACK)?": ATTACK,
        "%pool 2 --name <script>alert(7)</script>": "<script>",
        "%timeit --<script>alert(8)</script>": "<script>",
        ":dep <script>alert(9)</script>": "<script>",
        "let x: script = <script>alert(10)</script>;": "<script>",
        "%magics": "%timeit",
    }
    notebook = open_notebook(*cells, "documented", "html(ATTACK);")
    areas = page.locator(".jp-OutputArea, .jp-Tooltip")
    for index, shown in enumerate(cells.values()):
        notebook.run(index)
        if shown:
            expect(notebook.cell(index).locator(".jp-OutputArea")).to_contain_text(shown)

    explained, own_html = len(cells), len(cells) + 1
    notebook.type_at_end(explained, "")
    expect(notebook.explain()).to_contain_text("onerror=alert(1)")
    assert areas.evaluate_all(ACTIVE) == []
    page.keyboard.press("Escape")

    # HTML that code sends on purpose is shown as HTML. It proves that this browser reports dialogs and requests.
    before = (list(dialogs), list(requests_outside))
    notebook.run(own_html)
    expect(notebook.outputs(own_html).locator("img")).to_have_count(1)
    page.wait_for_timeout(1000)
    assert before == ([], [])
    assert len(areas.evaluate_all(ACTIVE)) == 2
    assert set(dialogs) == {"1", "2"} and set(requests_outside) == {"https://attack.invalid/a.png"}
