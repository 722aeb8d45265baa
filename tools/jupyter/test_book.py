"""The book in JupyterLab, in a real browser: every page is opened and run, nothing fails, and the pictures are on the screen.

A JupyterLab server works on a copy of the notebooks, and a headless Chromium reads them, one page after the other. What it saw is
kept in build/screens, each page in the light theme and in the dark one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

import litsock

TOP = Path(__file__).resolve().parent.parent.parent
missing = runpy.run_path(str(TOP / "conftest.py"))["missing"]  # why a cell's need is not met, if it is not
PAGES = sorted(path.name for path in (TOP / "nbs").glob("*.ipynb"))
SCREENS = TOP / "build" / "screens"
LIMIT = 240  # seconds for one page
WIDTH, TALLEST, BARS = 1200, 4_000, 110  # pixels: the window, its height for a screenshot, and what is not the page
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SETTINGS = {  # of JupyterLab: nothing that asks or moves, and all cells of a page in the document at once
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "scrollPastEnd": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


def lacking():
    """Why the browser cannot be tried here; `None` if it can."""
    for module, package in (("jupyterlab", "jupyterlab"), ("playwright", "playwright")):
        if importlib.util.find_spec(module) is None:
            return f"{package} is not installed (make test-lab installs it)"
    return None if CHROMIUM else "Chromium is not installed (Debian: apt install chromium)"


pytestmark = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))


# The server


def prepared(folder: Path) -> Path:
    """A copy of the book. A cell that needs what this machine lacks may fail: it is tagged so."""
    shutil.copytree(TOP / "nbs", folder / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("litsock", "tests", "bench", "tools", "docs"):
        if (TOP / name).exists():
            (folder / name).symlink_to(TOP / name)
    for path in (folder / "nbs").glob("*.ipynb"):
        page = json.loads(path.read_text(encoding="utf-8"))
        for cell in page["cells"]:
            if why_not(cell):
                cell["metadata"]["tags"].append("raises-exception")
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        path.write_text(json.dumps(page), encoding="utf-8")
    return folder


def why_not(cell) -> str | None:
    """Why a cell cannot run here; `None` if it can."""
    needs = (tag.removeprefix("needs-") for tag in cell["metadata"].get("tags", []) if tag.startswith("needs-"))
    return next(filter(None, map(missing, needs)), None)


def free_port() -> int:
    with litsock.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = monotonic() + 120
    while monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            return litsock.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@contextmanager
def jupyterlab(folder: Path):
    """A server on the copy; answers with its address."""
    port, home = free_port(), folder / "jupyter"
    (home / "settings").mkdir(parents=True)
    (home / "settings" / "overrides.json").write_text(json.dumps(SETTINGS))
    places = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    environment = {
        **os.environ, **places, "JUPYTERLAB_SETTINGS_DIR": str(home / "user"), "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": os.pathsep.join([str(TOP), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0, "ServerApp.root_dir": folder,
        "IdentityProvider.token": "", "ServerApp.open_browser": False, "ServerApp.allow_root": True,
        "LabApp.expose_app_in_browser": True, "LabApp.app_settings_dir": home / "settings",
        "LabApp.extension_manager": "readonly", "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    line = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    log = folder / "server.log"
    with log.open("w") as file, subprocess.Popen(line, cwd=folder, env=environment, stdout=file, stderr=file) as process:
        try:
            wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    with jupyterlab(prepared(tmp_path_factory.mktemp("book"))) as address:
        yield address


# The reader


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, book, name):
    """The page, in a window of its own; its kernel ends with it."""
    window = browser.new_page(viewport={"width": WIDTH, "height": 1000})
    window.set_default_timeout(LIMIT * 1000)
    try:
        window.goto(f"{book}/lab/tree/nbs/{name}?reset")
        window.wait_for_function("window.jupyterapp && jupyterapp.shell.currentWidget?.content?.model?.cells?.length > 0")
        window.evaluate("async () => { await jupyterapp.restored; await jupyterapp.shell.currentWidget.context.ready; "
                        "await jupyterapp.shell.currentWidget.sessionContext.ready }")  # fmt: skip
        yield window
    finally:
        window.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
        window.close()


RUN = """async () => {
    await jupyterapp.commands.execute('notebook:run-all-cells');
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    await kernel.requestKernelInfo();
    return jupyterapp.shell.currentWidget.content.model.toJSON().cells;
}"""
PICTURES = """() => [...document.querySelectorAll('.jp-OutputArea-output svg[role=img]')].map(svg => {
    const box = svg.getBoundingClientRect(), room = svg.closest('.jp-OutputArea-output').getBoundingClientRect();
    return {name: svg.getAttribute('aria-label'), width: box.width, height: box.height, cut: box.right > room.right + 1,
            shown: svg.checkVisibility()};
})"""
TABLES = """() => [...document.querySelectorAll('.jp-OutputArea-output table')].map(table => {
    const box = table.getBoundingClientRect(), frame = table.parentElement;
    return {width: box.width, height: box.height, cut: frame.scrollWidth > frame.clientWidth + 1 &&
            !['auto', 'scroll'].includes(getComputedStyle(frame).overflowX), inner: !!table.closest('details'),
            shown: table.checkVisibility()};
})"""
SCROLL = """top => {
    const parts = [...document.querySelectorAll('.jp-NotebookPanel .jp-Notebook, .jp-Notebook *')]
        .filter(part => part.matches('.jp-Notebook, [class*=jp-WindowedPanel]'));
    for (const part of parts) part.scrollTop = top;
    return Math.max(...parts.map(part => part.scrollHeight));
}"""


def faults(cells):
    """The cells that failed and should not have, and those that did not run."""
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        excepted = "raises-exception" in cell["metadata"].get("tags", [])
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        for error in errors * (not excepted):
            yield f"cell {number}: {error['ename']}: {error['evalue']}"
        if cell["execution_count"] is None and not errors:
            yield f"cell {number} did not run"


def drawn(cells) -> int:
    """How many pictures the cells have shown."""
    outputs = (output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"])
    return sum("".join(output.get("data", {}).get("text/html", "")).count('<svg role="img"') for output in outputs)


def photograph(window, name, theme):
    """The whole page, in as many pictures as it takes."""
    window.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", THEMES[theme])
    window.wait_for_function("dark => document.body.dataset.jpThemeLight === String(!dark)", arg=theme == "dark")
    height = window.evaluate(SCROLL, 0)
    folder = SCREENS / theme
    folder.mkdir(parents=True, exist_ok=True)
    window.set_viewport_size({"width": WIDTH, "height": min(height + BARS, TALLEST)})
    for number, top in enumerate(range(0, height, TALLEST - BARS), 1):
        window.evaluate(SCROLL, top)
        window.wait_for_timeout(100)
        window.locator(".jp-NotebookPanel:visible").screenshot(path=folder / f"{Path(name).stem}-{number}.png")
    window.set_viewport_size({"width": WIDTH, "height": 1000})


@pytest.mark.parametrize("name", PAGES)
def test_page(browser, book, name):
    with opened(browser, book, name) as window:
        cells = window.evaluate(RUN)
        assert list(faults(cells)) == []
        window.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        pictures = window.evaluate(PICTURES)
        assert len(pictures) == drawn(cells)
        for picture in pictures:
            assert picture["shown"] and picture["width"] > 40 and picture["height"] > 20 and not picture["cut"], picture
        for table in window.evaluate(TABLES):
            assert table["inner"] or table["shown"] and table["height"] > 10 and not table["cut"], table
        for theme in THEMES:
            photograph(window, name, theme)
