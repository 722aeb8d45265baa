"""The built site in a real browser: `make docs-test`. Screenshots are left in build/screens."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache, partial
from html import unescape
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlencode, urlsplit

import axe_playwright_python
import nbformat
import pytest
from playwright.sync_api import sync_playwright

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "docs"))

import moved

SITE, SCREENS = TOP / "_docs", TOP / "build" / "screens"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if not {"_static", "run"} & set(path.parts))
SOURCES = [name for name in PAGES if name.startswith("_modules")]
LEADS_ON = [f"{name}.html" for name in moved.MOVED]
READ = [name for name in PAGES if name not in (*SOURCES, *LEADS_ON, "404.html")]  # 404.html is for a server, at its root
CHAPTERS = [name for name in READ if (TOP / "nbs" / name).with_suffix(".ipynb").exists()]
PHOTOGRAPHED = ["index.html", "24_how_do_i.html", "25_errors.html", "31_streams.html", "57_wire.html", "10_families.html", "20_timeouts.html", "51_timeline.html", "mapping.html", "benchmarks.html", "reference/socket.html"]
ACCESSIBLE = ["index.html", "25_errors.html", "51_timeline.html", "56_states.html", "reference/exceptions.html", "search.html"]
SIZES = {"desktop": (1280, 900), "wide": (1600, 1000), "phone": (390, 844)}

assert PAGES, "there is no site: make docs"


class Page(HTMLParser):
    "What a page links to, and which places in it can be linked to."

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.images, self.loaded = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag in ("a", "link", "script", "img"):
            self.links += [found[name] for name in ("href", "src") if found.get(name)]
        if tag in ("script", "img") or (tag == "link" and found.get("rel") in ("stylesheet", "preload")):
            self.loaded += [found[name] for name in ("href", "src") if found.get(name)]
        if tag == "img" or (tag == "svg" and "role" in found):
            self.images.append(found)


@cache
def page(name):
    return Page((SITE / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Window:
    "A page of the browser in which one page of the site after another is looked at: what it asked for, and complained of."

    def __init__(self, context):
        self.tab = context.new_page()
        self.name, self.asked, self.complaints = "", [], []
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("requestfailed", lambda request: self.complaints.append(request.url))

    def show(self, name, unfold=True):
        "Load a page, on a phone and in daylight; its folded parts are open unless told otherwise."
        self.name, self.asked, self.complaints = name, [], []
        self.set_size("phone")
        self.set_theme("light")
        self.tab.goto((SITE / name).as_uri())
        self.tab.add_style_tag(content="* { transition: none !important }")  # a colour half-way is no colour
        if unfold:
            self.tab.evaluate("document.querySelectorAll('.bd-article details').forEach(one => one.open = true)")

    def set_size(self, size):
        self.tab.set_viewport_size(dict(zip(("width", "height"), SIZES[size])))

    def set_theme(self, theme):
        self.tab.emulate_media(color_scheme=theme)

    def sticks_out(self):
        return self.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture(scope="session")
def window(browser):
    with browser.new_context() as context:
        yield Window(context)


@pytest.fixture(scope="module")
def shown(window, request):
    "A page of the site in the window: loaded once for all tests that look at it."
    window.show(request.param)
    return window


@pytest.mark.parametrize("name", PAGES)
def test_links_and_anchors_lead_somewhere(name):
    dead = []
    for link in page(name).links:
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//"):
            continue
        if name == "404.html" and parts.path:  # shown at any address, so its links begin at the root
            assert parts.path.startswith("/")
            target = SITE / unquote(parts.path[1:])
        else:
            target = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            dead.append(link)
        elif parts.fragment and target.suffix == ".html":
            if unquote(parts.fragment) not in page(str(target.resolve().relative_to(SITE))).ids:
                dead.append(link)
    assert not dead


@pytest.mark.parametrize("before, now", moved.MOVED.items())
def test_old_addresses_lead_to_the_new_ones(tab, before, now):
    tab.goto(f"{(SITE / before).as_uri()}.html#the-end")
    tab.wait_for_url(f"**/{now}.html#the-end")
    assert tab.locator("h1").count() == 1


@pytest.mark.parametrize("name", READ)
def test_pictures_say_in_words_what_they_show(name):
    assert all(image.get("alt") or image.get("aria-label") or image.get("aria-hidden") for image in page(name).images)


def visible(name):
    "The text of a page as one reads it, without code, and without what scripts and styles say."
    text = (SITE / name).read_text(encoding="utf-8")
    text = text[text.index("<article") : text.index("</article>")] if "<article" in text else text
    for tag in "pre", "code", "script", "style", "svg":
        text = re.sub(rf"<{tag}\b.*?</{tag}>", " ", text, flags=re.DOTALL)
    return text


@pytest.mark.parametrize("name", READ)
def test_no_markup_is_left_in_the_text(name):
    """A fence that Markdown did not take for one, a directive, a role, a link that none became, a table that is a paragraph."""
    left = re.compile(r"```|:::|\{(?:admonition|container|toctree|py:\w+|raw)\}|\]\(\S+\)|<p>\s*\||\|\s*-{3,}\s*\|")
    assert left.findall(visible(name)) == []


def test_the_sidebar_and_the_front_page_have_the_titles_of_the_pages():
    wrong = {}
    text = (SITE / "index.html").read_text(encoding="utf-8")
    text = "".join(re.findall(r'<nav class="bd-docs-nav.*?</nav>|<table.*?</table>', text, re.DOTALL))
    for name in CHAPTERS:
        title = plain(re.search(r"<h1>(.*?)<a", (SITE / name).read_text(encoding="utf-8"), re.DOTALL).group(1))
        names = {plain(found) for found in re.findall(rf'<a class="[^"]*reference internal[^"]*" href="{name}">(.*?)</a>', text, re.DOTALL)}
        if name != "index.html" and names != {title}:
            wrong[name] = title, names
    assert wrong == {}


def plain(text):
    return " ".join(unescape(re.sub(r"<[^>]+>", "", text)).split())


def test_the_mapping_says_nothing_of_the_machine_that_built_it():
    assert not re.search(r"\d+ (?:failed|passed|skipped)", visible("mapping.html"))


def test_what_a_method_returns_is_no_parameter():
    text = (SITE / "reference" / "socket.html").read_text(encoding="utf-8")
    assert "<strong>self</strong>" not in text
    start = text.index('id="litsock.socket.accept"')
    assert "Returns" in text[start : text.index("</dd></dl>\n", start)]


def test_what_did_not_change_is_not_built_again():
    """So that a second `make docs` is done soon."""
    before = {path: path.stat().st_mtime_ns for path in SITE.glob("*_*.html")}
    subprocess.run([sys.executable, TOP / "docs"], check=True)
    assert {path.name for path, time in before.items() if path.stat().st_mtime_ns != time} == set()


@pytest.fixture
def tab(browser):
    "A page in a window of its own."
    context = browser.new_context(accept_downloads=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("shown", READ, indirect=True)
def test_pages_load_without_complaint(shown):
    assert not shown.complaints
    assert [address for address in shown.asked if not address.startswith(("file:", "data:"))] == []  # nothing from elsewhere


CUT = """pres => pres.filter(pre => pre.scrollWidth > pre.clientWidth + 1).map(pre => pre.textContent.slice(0, 80))"""
NO_CUE = """pres => pres.filter(pre => pre.scrollWidth > pre.clientWidth + 1).map(pre => getComputedStyle(pre))
    .filter(style => style.overflowX != "auto" || style.backgroundImage == "none").length"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shown", READ, indirect=True)
def test_no_line_is_cut_off(shown, size):
    """What comes out of a cell may be wider than the page, and on a phone code may, too: then it can be moved, and its edge shows that."""
    shown.set_size(size)
    assert shown.sticks_out() <= 0
    code = shown.tab.locator(".cell_input pre, .highlight-sh pre, .highlight-python pre")
    if size == "phone":
        assert {style for style in code.evaluate_all("pres => pres.map(pre => getComputedStyle(pre).whiteSpace)")} <= {"pre"}
    else:
        assert code.evaluate_all(CUT) == []
    assert shown.tab.locator(".bd-article pre").evaluate_all(NO_CUE) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shown", PHOTOGRAPHED, indirect=True)
def test_photograph(shown, size, theme):
    """Taken to be looked at; what a test can see of it: the colours are the theme's, and the page has its heading in the first screen."""
    shown.set_size(size)
    shown.set_theme(theme)
    shown.tab.evaluate("window.scrollTo(0, 0)")
    shown.tab.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
    SCREENS.mkdir(parents=True, exist_ok=True)
    shown.tab.screenshot(path=SCREENS / f"{shown.name.replace('/', '-').removesuffix('.html')}-{size}-{theme}.png", animations="disabled")
    assert shown.tab.locator("h1").bounding_box()["y"] < SIZES[size][1] / 2


AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # the rest does not depend on colours
SERIOUS = """options => axe.run(document, {resultTypes: ["violations"], ...options}).then(found => found.violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => [one.id, ...one.nodes.map(node => node.html.slice(0, 200))]))"""


@pytest.mark.parametrize("theme", RULES)
@pytest.mark.parametrize("shown", ACCESSIBLE, indirect=True)
def test_everybody_can_use_it(shown, theme):
    """No serious finding of axe-core, which knows the rules of accessibility: https://github.com/dequelabs/axe-core."""
    shown.set_size("desktop")
    shown.set_theme(theme)
    shown.tab.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
    shown.tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")  # hundreds of folded rows take a minute
    if not shown.tab.evaluate("'axe' in window"):
        shown.tab.evaluate(AXE)
    assert shown.tab.evaluate(SERIOUS, RULES[theme]) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_offer_their_notebook(name):
    notebook = Path(name).with_suffix(".ipynb").name
    assert f"http://localhost:8888/lab/tree/nbs/{notebook}" in page(name).links
    assert f"_static/notebooks/{notebook}" in page(name).links
    assert (SITE / "_static" / "notebooks" / notebook).read_bytes() == (TOP / "nbs" / notebook).read_bytes()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        "Say nothing."


@pytest.fixture(scope="session")
def address():
    "Where the site is served, as make docs-serve does."
    handler = partial(Quiet, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_downloading_a_notebook(tab, address, tmp_path):
    tab.goto(f"{address}/20_timeouts.html")
    with tab.expect_download() as download:
        tab.get_by_text("Download notebook").click()
    download.value.save_as(tmp_path / "page.ipynb")
    assert download.value.suggested_filename == "20_timeouts.ipynb"
    assert nbformat.read(tmp_path / "page.ipynb", as_version=4).cells


def test_the_page_for_what_is_not_there(tab, address):
    complaints = []
    tab.on("requestfailed", lambda request: complaints.append(request.url))
    tab.on("response", lambda response: complaints.append(response.url) if response.status >= 400 else None)
    tab.goto(f"{address}/404.html")
    assert not complaints
    tab.get_by_role("link", name="Socket objects", exact=True).first.click()
    assert tab.title().startswith("Socket objects")


def test_with_the_keyboard_alone(tab):
    tab.goto((SITE / "20_timeouts.html").as_uri())
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    tab.keyboard.press("Enter")
    assert urlsplit(tab.url).fragment == "main-content"
    cell = tab.locator("details.hide").first
    cell.locator("summary").focus()
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Tab")  # the browser shows the focus to those who come by keyboard
    assert cell.locator("summary").evaluate("cell => getComputedStyle(cell).outlineStyle") == "solid"
    before = cell.evaluate("cell => cell.open")
    tab.keyboard.press("Enter")
    assert cell.evaluate("cell => cell.open") is not before


def test_searching_with_the_keyboard(tab):
    tab.goto((SITE / "index.html").as_uri())
    tab.keyboard.press("Control+k")
    tab.keyboard.type("recv_exactly")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#search-results li a", timeout=20_000)
    found = tab.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("21_deadlines.html" in link for link in found)


@pytest.mark.parametrize("word, expected", [("recvmsg", "socket"), ("AF_ALG", "constants"), ("timeout", "timeouts")])
def test_search_works_without_a_server(tab, word, expected):
    tab.goto(f"{(SITE / 'search.html').as_uri()}?q={word}")
    tab.wait_for_selector("#search-results li a", timeout=20_000)
    found = tab.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any(expected in link for link in found)


QUESTIONS = {  # what people type, and the pages that answer it: one of them is among the first three
    "connect timeout": ("24_how_do_i", "20_timeouts", "22_timeout_questions"),
    "does the connect timeout stay on the socket": ("22_timeout_questions", "24_how_do_i", "20_timeouts"),
    "receive all data": ("24_how_do_i", "21_deadlines"),
    "receive exactly n bytes": ("21_deadlines", "24_how_do_i", "22_timeout_questions"),
    "recv_exactly": ("21_deadlines", "reference/socket"),
    "send whole message": ("24_how_do_i", "21_deadlines"),
    "know that the other side has closed": ("24_how_do_i", "26_end_of_a_conversation"),
    "close or shutdown": ("26_end_of_a_conversation", "24_how_do_i"),
    "half-close": ("26_end_of_a_conversation", "57e_seen"),
    "address already in use": ("24_how_do_i", "25_errors", "30_examples"),
    "IPv4 and IPv6 at once": ("24_how_do_i", "10a_conversations", "30_examples"),
    "bind to one interface": ("24_how_do_i",),
    "SO_BINDTODEVICE": ("24_how_do_i", "reference/constants-2"),
    "IP_PKTINFO": ("24_how_do_i", "05_ancillary", "reference/constants-3"),
    "own IP address": ("24_how_do_i", "02_names"),
    "broadcast": ("24_how_do_i", "10a_conversations"),
    "multicast": ("24_how_do_i", "10a_conversations", "33_datagrams"),
    "pass file descriptor": ("24_how_do_i", "32_local", "05_ancillary"),
    "who is calling": ("24_how_do_i", "10a_conversations", "32_local"),
    "sniffer": ("24_how_do_i", "34_packets", "11_links"),
    "connect without blocking": ("24_how_do_i", "20_timeouts"),
    "many clients without threads": ("24_how_do_i", "31_streams"),
    "round-trip time": ("24_how_do_i", "54_drawing"),
    "retransmissions": ("24_how_do_i", "57c_flows", "57e_seen"),
    "keepalive": ("24_how_do_i",),
    "share a port": ("24_how_do_i",),
    "which process uses a port": ("24_how_do_i", "55_listing"),
    "ping": ("24_how_do_i", "33_datagrams"),
    "CAN bus": ("12_can", "34_packets", "24_how_do_i"),
    "send faster": ("24_how_do_i", "60_fast_udp"),
    "errno 111": ("25_errors", "24_how_do_i"),
    "connection refused": ("25_errors", "24_how_do_i"),
    "broken pipe": ("25_errors",),
    "connection reset by peer": ("25_errors", "26_end_of_a_conversation"),
    "too many open files": ("25_errors",),
    "name or service not known": ("25_errors", "02_names"),
    "happy eyeballs": ("23_happy_eyeballs",),
    "strace": ("50_tracing", "from_c"),
    "time_wait": ("26_end_of_a_conversation", "30_examples", "56_states"),
    "recv returns empty bytes": ("24a_more_questions",),
    "a bytes-like object is required, not 'str'": ("24a_more_questions",),
    "find a free port": ("24_how_do_i",),
    "listen backlog": ("24a_more_questions",),
    "send a file": ("24a_more_questions", "04_files", "31_streams"),
    "sendall hangs": ("24a_more_questions",),
    "TCP_NODELAY": ("24a_more_questions", "57e_seen"),
    "CLOSE_WAIT": ("24a_more_questions", "56_states"),
    "read a line from a socket": ("24a_more_questions",),
    "stop a blocking accept from another thread": ("24a_more_questions", "31_streams"),
    "is a socket thread safe": ("24a_more_questions",),
    "detect dead peer": ("24_how_do_i",),
    "receive buffer size": ("24a_more_questions",),
    "maximum UDP packet size": ("24a_more_questions", "57e_seen"),
    "UDP packets dropped": ("24a_more_questions",),
    "unix socket file already exists": ("25_errors", "32_local"),
    "certificate expiry date": ("24a_more_questions",),
    "CERTIFICATE_VERIFY_FAILED": ("24a_more_questions",),
    "TLS handshake timeout": ("24a_more_questions",),
    "asyncio existing socket": ("24a_more_questions",),
    "simulate packet loss": ("24a_more_questions",),
    "test connection reset": ("26_end_of_a_conversation", "24a_more_questions"),
    "subprocess inherit socket": ("24a_more_questions",),
    "systemd socket activation": ("24a_more_questions",),
    "DNS timeout": ("24a_more_questions", "22_timeout_questions"),
}


def test_questions_are_answered(window, capsys):
    """In the browser: the page that answers is among the first three that the search finds, and two clicks away from the front page."""
    away = clicks()
    window.show("search.html")
    window.tab.wait_for_function("Search.hasIndex()")
    rows, missed = [], {}
    for question, pages in QUESTIONS.items():
        found = list(dict.fromkeys(search(window.tab, question)))[:10]
        rank, page = next(((rank, page) for rank, page in enumerate(found, 1) if page in pages), (99, pages[0]))
        rows.append(f"{question:<44} {page:<26} {rank if rank < 99 else '–':>4} {away.get(page, '–'):>6}")
        if rank > 3 or away.get(page, 99) > 2:
            missed[question] = found[:4]
    with capsys.disabled():
        print("\n" + "\n".join([f"{'question':<44} {'page':<26} {'rank':>4} {'clicks':>6}", *rows]))
    assert missed == {}


def test_the_page_about_it_comes_before_a_mention(window):
    window.show("search.html")
    window.tab.wait_for_function("Search.hasIndex()")
    assert search(window.tab, "half-close")[0] == "26_end_of_a_conversation"


def search(tab, words):
    "What the site's search finds, the best first: pages, without their endings. It is asked as its own page asks it."
    return [found[0] for found in reversed(tab.evaluate("words => Search._performSearch(...Search._parseQuery(words))", words))]


def clicks():
    "How many clicks each page is from the front page."
    away, edge = {"index": 0}, ["index"]
    for number in 1, 2:
        links = {(Path(name).parent, link) for name in edge for link in page(f"{name}.html").links}
        reached = {str(Path(parent, urlsplit(link).path)).removesuffix(".html") for parent, link in links if not urlsplit(link).scheme}
        edge = [name for name in reached if name not in away and (SITE / f"{name}.html").exists()]
        away |= dict.fromkeys(edge, number)
    return away


def test_the_front_page_shows_it_in_the_first_screen(window):
    """A conversation drawn over time and a trace of its calls, on a laptop, without scrolling."""
    window.show("index.html", unfold=False)
    window.tab.set_viewport_size({"width": 1280, "height": 800})
    window.tab.evaluate("window.scrollTo(0, 0)")
    for part in ".cell_output svg[role=img]", ".cell_output table":
        box = window.tab.locator(part).first.bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] <= 800, (part, box)


def test_constants_stand_in_tables_that_fold():
    from litsock.constant_names import GROUPS

    text = (SITE / "01a_constant_names.html").read_text(encoding="utf-8")
    tables = re.findall(r'<details class="constants"><summary>(.*?)</summary>(.*?)</details>', text, re.DOTALL)
    names = [plain(name) for _, table in tables for name in re.findall(r"<tr><td>(.*?)</td>", table)]
    assert names == [name for _, members in GROUPS.values() for name in members]


def test_results_of_other_tests_are_shown():
    """What `make test-anywhere`, `make wheels` and `make test-suites` left: each row is on the page."""
    text = plain((SITE / "anywhere.html").read_text(encoding="utf-8"))
    machines = json.loads((TOP / "docs" / "anywhere.json").read_text(encoding="utf-8"))
    suites = json.loads((TOP / "tests" / "suites.json").read_text(encoding="utf-8"))["suites"]
    wanted = [f"{one['python']} {one['install']}" for one in machines.values() if "python" in one and "install" in one]
    wheels = json.loads((TOP / "docs" / "wheels.json").read_text(encoding="utf-8"))
    wanted += [f"{name} {made['wheel']} {made['_fast']}" for name, made in wheels.items()]
    wanted += [f"{name} {suite['version']} {suite['python']} {suite['passed']}" for name, suite in suites.items()]
    assert [words for words in wanted if words not in text] == []


def weight(name):
    "A page with the styles, scripts and pictures that it names, in bytes."
    parts = {(SITE / name).parent / unquote(urlsplit(link).path) for link in page(name).loaded if not urlsplit(link).scheme}
    return (SITE / name).stat().st_size + sum(part.resolve().stat().st_size for part in parts)


def test_pages_are_light():
    "Half a megabyte for what a page says, and as much again for what all pages share: no page of the book needs more."
    assert {name: size for name in PAGES if (size := (SITE / name).stat().st_size) > 500_000} == {}
    assert {name: size for name in READ if (size := weight(name)) > 1_500_000} == {}


def test_others_can_link_here():
    from sphinx.util.inventory import InventoryFile

    with open(SITE / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    assert "litsock.socket.recvmsg" in inventory["py:method"]
    assert "litsock.create_connection" in inventory["py:function"]
    assert "litsock.SO_REUSEADDR" in inventory["py:data"]


def test_the_page_of_benchmarks_has_every_case():
    text = unescape((SITE / "benchmarks.html").read_text(encoding="utf-8"))
    results = TOP / "bench" / "results.json"
    if not results.exists():
        assert "bench/results.json" in text  # the page says what is missing
        return
    found = json.loads(results.read_text(encoding="utf-8"))
    wanted = {found["machine"]["processor"], *found["cases"]}
    assert {words for words in wanted if words not in text} == set()
    assert 'role="img"' in text


def test_every_public_name_is_in_the_reference():
    import litsock
    from sphinx.util.inventory import InventoryFile

    with open(SITE / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    there = {name for names in inventory.values() for name in names}
    methods = {f"socket.{name}" for name in dir(litsock.socket) if name[0].islower()}
    public = {name for name in litsock._LAZY if not name.startswith("socket._")}
    assert {f"litsock.{name}" for name in {*litsock.__all__, *public, "install", *methods}} - there == set()


def test_functions_methods_and_classes_lead_to_their_source():
    without = set()
    for path in (SITE / "reference").glob("*.html"):
        for entry in re.finditer(r'<dt class="sig[^>]*id="litsock\.([^"]+)">(.*?)</dt>', path.read_text(encoding="utf-8"), re.DOTALL):
            name, text = entry.groups()
            if "viewcode-link" not in text and (name.rpartition(".")[2].islower() and "(" in text):
                without.add(name)
    windows, by_hand = {"socket.ioctl", "socket.share", "fromshare"}, {"draw", "install"}  # another name of draw_address; the front door's own
    assert without == windows | by_hand


@pytest.mark.parametrize("kind, name", [("socket", "recvmsg"), ("socket", "recv_exactly"), ("functions", "create_connection")])
def test_an_entry_says_all_that_it_should(kind, name):
    text = (SITE / "reference" / f"{kind}.html").read_text(encoding="utf-8")
    start = text.index(f'id="litsock.{"socket." if kind == "socket" else ""}{name}"')
    entry = text[start : text.index("</dd></dl>\n", start)]
    wanted = ["Parameters", "Raises", "Since", "_modules/litsock/", ".html"]
    wanted += ["Since litsock"] if name == "recv_exactly" else ["Since Python", "https://docs.python.org/3/library/socket.html#socket."]
    assert [word for word in wanted if word not in entry] == []
