"""The built site in a real browser: `make docs-test`. Screenshots are left in build/screens."""

import shutil
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

TOP = Path(__file__).resolve().parent.parent
SITE, SCREENS = TOP / "_docs", TOP / "build" / "screens"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
SOURCES = [name for name in PAGES if name.startswith("_modules")]
READ = [name for name in PAGES if name not in (*SOURCES, "404.html")]  # 404.html is for a server, at its root
SHOWN = ["index.html", "10_families.html", "20_timeouts.html", "mapping.html", "reference/socket.html"]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

assert PAGES, "there is no site: make docs"


class Page(HTMLParser):
    "What a page links to, and which places in it can be linked to."

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.images = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag in ("a", "link", "script", "img"):
            self.links += [found[name] for name in ("href", "src") if found.get(name)]
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


@pytest.mark.parametrize("name", PAGES)
def test_links_and_anchors_lead_somewhere(name):
    dead = []
    for link in page(name).links:
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//") or name == "404.html":
            continue
        target = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            dead.append(link)
        elif parts.fragment and target.suffix == ".html":
            if unquote(parts.fragment) not in page(str(target.resolve().relative_to(SITE))).ids:
                dead.append(link)
    assert not dead


@pytest.mark.parametrize("name", READ)
def test_pictures_say_in_words_what_they_show(name):
    assert all(image.get("alt") or image.get("aria-label") or image.get("aria-hidden") for image in page(name).images)


@pytest.mark.parametrize("name", READ)
def test_pages_load_without_complaint(browser, name):
    complaints = []
    context = browser.new_context()
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("requestfailed", lambda request: complaints.append(request.url))
    tab.goto((SITE / name).as_uri())
    tab.wait_for_load_state("load")
    context.close()
    assert not complaints


@pytest.mark.parametrize("word, expected", [("recvmsg", "socket"), ("AF_ALG", "constants"), ("timeout", "timeouts")])
def test_search_works_without_a_server(browser, word, expected):
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{(SITE / 'search.html').as_uri()}?q={word}")
    tab.wait_for_selector("#search-results li a", timeout=20_000)
    found = tab.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    context.close()
    assert any(expected in link for link in found)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_nothing_sticks_out(browser, name, size, theme):
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    tab = context.new_page()
    tab.goto((SITE / name).as_uri())
    tab.wait_for_timeout(300)
    SCREENS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=SCREENS / f"{Path(name).stem}-{size}-{theme}.png")
    sticks_out = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert sticks_out <= 0


def test_pages_are_light():
    "A page without what all pages share: half a megabyte at most. A book of this size needs no more."
    assert {name: size for name in PAGES if (size := (SITE / name).stat().st_size) > 600_000} == {}


def test_others_can_link_here():
    from sphinx.util.inventory import InventoryFile

    with open(SITE / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    assert "litsock.socket.recvmsg" in inventory["py:method"]
    assert "litsock.create_connection" in inventory["py:function"]
    assert "litsock.SO_REUSEADDR" in inventory["py:data"]


def test_every_public_name_is_in_the_reference():
    import litsock
    from sphinx.util.inventory import InventoryFile

    with open(SITE / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    there = {name for names in inventory.values() for name in names}
    methods = {f"socket.{name}" for name in dir(litsock.socket) if name[0].islower()}
    assert {f"litsock.{name}" for name in {*litsock.__all__, *litsock.LATER, *methods}} - there == set()


@pytest.mark.parametrize("kind, name", [("socket", "recvmsg"), ("socket", "recv_exactly"), ("functions", "create_connection")])
def test_an_entry_says_all_that_it_should(kind, name):
    text = (SITE / "reference" / f"{kind}.html").read_text(encoding="utf-8")
    start = text.index(f'id="litsock.{"socket." if kind == "socket" else ""}{name}"')
    entry = text[start : text.index("</dd></dl>\n", start)]
    wanted = ["Parameters", "Raises", "Since", "_modules/litsock/", ".html"]
    wanted += ["Since litsock"] if name == "recv_exactly" else ["Since Python", "https://docs.python.org/3/library/socket.html#socket."]
    assert [word for word in wanted if word not in entry] == []
