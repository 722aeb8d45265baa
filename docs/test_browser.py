"""The pages that run in a browser, in a real one: `make docs-test` runs a few, with everything outside blocked.

LITSOCK_BROWSER_PAGES=all runs every page (twenty minutes), any other value those named in it: what became of their cells goes to
docs/browser.json, which the site shows. The table of a run is left in build/browser/pages.md, screenshots in build/screens.
"""

import json
import os
import shutil
import sys
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import sync_playwright

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "docs"))

import browser_book

SITE, SCREENS, TABLE = TOP / "_docs", TOP / "build" / "screens", TOP / "build" / "browser" / "pages.md"
RESULTS = TOP / "docs" / "browser.json"  # what the site shows
FEW = "00_core 20_timeouts 31_streams 51_timeline 75_network"
CHOSEN = os.environ.get("LITSOCK_BROWSER_PAGES", FEW)
PAGES = browser_book.SETTINGS["pages"] if CHOSEN == "all" else CHOSEN.split()
LONG_ONES = {"24_how_do_i", "24a_more_questions", "25_errors", "22_timeout_questions", "23_happy_eyeballs"}  # much of them needs a real Linux
LEAST = 0.8  # of a page's cells run; of those pages, half
PREFIX = "/some/where/"  # the site need not lie at the root of its server
PATIENCE = 240  # seconds for a page on a machine that is busy
RUN = """async () => {
  const widget = window.jupyterapp.shell.currentWidget;
  await widget.context.ready; await widget.sessionContext.ready;
  window.ran = false;
  window.jupyterapp.commands.execute("notebook:run-all-cells").then(() => { window.ran = true; });
}"""
CELLS = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
  return [...Array(cells.length).keys()].map(at => cells.get(at)).filter(cell => cell.type === "code")
    .map(cell => [cell.id, cell.sharedModel.source, cell.executionCount, cell.outputs.toJSON()]);
}"""
HEAD = "| page | run | marked | failed | not run | first output, s | all, s |", "|---|--:|--:|--:|--:|--:|--:|"
ROWS: list[str] = []


class Handler(SimpleHTTPRequestHandler):
    "A server of files, below a prefix, that says nothing."

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def translate_path(self, path):
        return super().translate_path(path.removeprefix(PREFIX.rstrip("/")))

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    "A server to whom it is all the same when the browser has closed a connection."

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture(scope="module")
def address():
    assert (SITE / "run").exists(), "there are no pages that run: make docs"
    with Server(("127.0.0.1", 0), partial(Handler, directory=SITE)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


@pytest.fixture(scope="module")
def context(address):
    "A browser that reaches this server and nothing else."
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1280, "height": 1000}, service_workers="block")
        context.asked_outside = []

        def decide(route):
            if route.request.url.startswith((address, "data:", "blob:", "file:")):
                return route.continue_()
            context.asked_outside.append(route.request.url)
            route.abort()

        context.route("**/*", decide)
        yield context
        chromium.close()


def run_all(frame, tab):
    "Run all cells; the cells, and the seconds until the first output and until the end."
    began, first = time.monotonic(), 0.0
    frame.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=PATIENCE * 1000)
    frame.evaluate(RUN)
    while time.monotonic() < began + PATIENCE:
        cells = frame.evaluate(CELLS)
        first = first or any(cell[3] for cell in cells) and time.monotonic() - began
        if frame.evaluate("() => window.ran"):
            break
        tab.wait_for_timeout(300)
    return frame.evaluate(CELLS), first, time.monotonic() - began


def sorted_out(cells):
    "The cells by what became of them. Empty ones, and the one that prepares the page, do not count."
    found: dict[str, list] = {"run": [], "marked": [], "failed": [], "not run": []}
    for cell, source, count, outputs in cells:
        if source.strip() and source != browser_book.FIRST_CELL:
            kind = "failed" if any(output["output_type"] == "error" for output in outputs) else "marked" if "not-here" in json.dumps(outputs) else "run" if count else "not run"
            found[kind].append((cell, outputs))
    return found


def note_row(name, counts, first, took):
    "Add a row to the tables. They are written at once, for whoever stops the run."
    ROWS.append(f"| {name} | {' | '.join(map(str, counts))} | {first:.0f} | {took:.0f} |")
    TABLE.write_text("\n".join([*HEAD, *ROWS, ""]), encoding="utf-8")
    if CHOSEN != FEW:
        found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        pages = {**found.get("pages", {}), name: counts}
        found |= {"date": time.strftime("%Y-%m-%d"), "pages": {page: pages[page] for page in browser_book.SETTINGS["pages"] if page in pages}}
        rows = ",\n".join(f"  {json.dumps(page)}: {json.dumps(counts)}" for page, counts in found.pop("pages").items())
        head = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in found.items())
        RESULTS.write_text(f'{{\n{head}"pages": {{\n{rows}\n}}\n}}\n', encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_page(name, address, context):
    "Every cell of a page runs, or says why it cannot."
    tab = context.new_page()
    tab.goto(f"{address}run/notebooks/index.html?path={name}.ipynb")
    cells, first, took = run_all(tab.main_frame, tab)
    found = sorted_out(cells)
    note_row(name, [len(part) for part in found.values()], first, took)
    if name in FEW.split():
        SCREENS.mkdir(parents=True, exist_ok=True)
        tab.evaluate("document.querySelector('.jp-OutputArea-output svg')?.scrollIntoView({block: 'center'})")
        tab.screenshot(path=SCREENS / f"run-{name}.png")
    tab.close()
    problems = [(cell, [(output["ename"], output["evalue"]) for output in outputs if output["output_type"] == "error"]) for kind in ("failed", "not run") for cell, outputs in found[kind]]
    assert not problems
    assert len(found["run"]) >= (0.5 if name in LONG_ONES else LEAST) * sum(map(len, found.values()))
    assert not context.asked_outside


def test_playground(address, context):
    "The note on the way, and a slider that changes the picture."
    tab = context.new_page()
    tab.goto(f"{address}run/open.html?page=playground")
    assert tab.locator("#note").is_visible()
    frame = tab.wait_for_selector("iframe").content_frame()
    cells, *_ = run_all(frame, tab)
    found = sorted_out(cells)
    assert not found["failed"] and not found["not run"] and not found["marked"]
    frame.wait_for_selector(".widget-html-content svg")
    before = frame.locator(".widget-html-content").first.inner_text()
    assert "200,000 bytes" in before and " 0 of them lost" in before
    loss = frame.locator(".widget-readout").nth(1)
    loss.click()
    tab.keyboard.press("Control+A")
    tab.keyboard.type("5")
    tab.keyboard.press("Enter")
    frame.wait_for_function("before => document.querySelector('.widget-html-content').innerText !== before", arg=before, timeout=PATIENCE * 1000)
    after = frame.locator(".widget-html-content").first.inner_text()
    assert "200,000 bytes" in after and " 0 of them lost" not in after
    tab.screenshot(path=SCREENS / "run-playground.png")
    tab.close()


def test_button(address, context):
    "A page of the site offers it; a page that cannot run does not; without HTTP nobody does."
    tab = context.new_page()
    tab.goto(f"{address}31_streams.html")
    link = tab.locator("a.run-here").first
    assert link.is_visible() and link.get_attribute("href") == "run/open.html?page=31_streams"
    tab.goto(f"{address}91_fast_path.html")
    assert not tab.locator("a.run-here").count()
    tab.goto((SITE / "31_streams.html").as_uri())
    assert not tab.locator("a.run-here").first.is_visible()
    tab.close()
