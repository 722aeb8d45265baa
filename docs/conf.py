"""Sphinx's settings."""

import configparser
import inspect
import pkgutil
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from docutils import nodes

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP), str(TOP / "docs")]

config = configparser.ConfigParser(delimiters=["="])
config.read(TOP / "settings.ini", encoding="utf-8")
settings = config["DEFAULT"]

project, author, release = settings["lib_name"], settings["author"], settings["version"]
copyright = settings["copyright"]
language = "en"
root_doc = "index"
extensions = ["sections", "moved", "myst_nb", "sphinx.ext.viewcode", "sphinx.ext.intersphinx", "notfound.extension"]
intersphinx_mapping = {"python": ("https://docs.python.org/3", str(TOP / "docs" / "python.inv"))}  # see docs/inventory.py
exclude_patterns = ["static", "templates"]
templates_path = ["templates"]
html_static_path = ["static"]
html_js_files = [("run.js", {"defer": "defer"})]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("static") / "scorer.js")
html_extra_path = ["extra"] if Path(__file__).with_name("extra").exists() else []
html_title = "litsock"
html_copy_source = html_show_sourcelink = False
html_favicon = "static/favicon.svg"

nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # what a cell shows as Markdown may be a table
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "fieldlist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "myst.xref_missing.path"]
viewcode_line_numbers = True
toc_object_entries_show_parents = "hide"
notfound_urls_prefix = None
pygments_style = "default"

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "logo": {"text": "litsock"},
    "navbar_center": [],
    "navbar_align": "right",
    "navbar_end": ["theme-switcher"],
    "navigation_depth": 2,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "article_header_start": [],  # a way home and the title again
    "article_header_end": ["notebook"],
    "secondary_sidebar_items": {"**": ["page-toc"], "mapping": [], "benchmarks": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"**": ["book-contents"]}
html_context = {"default_mode": "auto", "browser_pages": tomllib.loads((TOP / "docs" / "browser.toml").read_text(encoding="utf-8"))["pages"]}


def home_of(app, module, name):
    "Where viewcode finds the source of a name: in the module that makes it."
    try:
        found = pkgutil.resolve_name(f"litsock.{name}")
    except AttributeError:  # a documented name that this platform has not
        return module
    home = getattr(getattr(found, "fget", found), "__module__", None) or module
    return "litsock.core" if home == "litsock" else home  # the socket object says that it is the package's


def with_names_of_the_reference(app, module):
    "The source of a module, and where in it stands what the reference calls `socket.name` or `tracing.Trace.name`."
    import litsock
    from sphinx.pycode import ModuleAnalyzer

    if not module.startswith("litsock."):
        return None
    analyzer, short = ModuleAnalyzer.for_module(module), module.removeprefix("litsock.")
    places = analyzer.find_tags()
    tags = places | {f"{short}.{name}": place for name, place in places.items()}
    classes = {"socket": litsock.socket}
    classes |= {f"{short}.{name}": cls for name, cls in inspect.getmembers(import_module(module), inspect.isclass) if cls.__module__ == module}
    for title, cls in classes.items():
        for name, found in inspect.getmembers(cls):
            found = getattr(found, "fget", found)
            if getattr(found, "__module__", None) == module and getattr(found, "__qualname__", None) in places:
                tags.setdefault(f"{title}.{name}", places[found.__qualname__])
    return analyzer.code, tags


def only_with_source(app):
    "viewcode lists the modules that have no Python source too, and links to pages that it then does not write."
    modules = getattr(app.env, "_viewcode_modules", {})
    for name in [name for name, found in modules.items() if not found]:
        del modules[name]
    return []


FOLDED = re.compile(r'(<details class="admonition hide above-input")(>.*?</pre>)', re.DOTALL)
SHORT = 30  # lines


def short_ones_are_open(app, page, template, context, doctree):
    "A short implementation is read with the prose above it; a long one, and what is only imported, unfolds when asked for."

    def opened(cell):
        return cell[1] + " open" * ("Show the implementation" in cell[2] and cell[2].count("\n") <= SHORT) + cell[2]

    if "body" in context:
        context["body"] = FOLDED.sub(opened, context["body"])


def without_implementations(app, doctree, name):
    "The search finds what a page says and shows, not the words of code that is folded away, nor the labels of a picture, run together."
    for part in doctree.findall(nodes.raw):
        if "<svg" in part.astext():
            part["classes"].append("no-search")
    for cell in doctree.findall(nodes.container):
        if {"tag_hide-input", "tag_remove-input"} & set(cell["classes"]):
            for part in cell.findall(nodes.container):
                if "cell_input" in part["classes"]:
                    part["classes"].append("no-search")


def setup(app):
    app.connect("doctree-resolved", without_implementations)
    app.connect("html-page-context", short_ones_are_open)
    app.connect("viewcode-follow-imported", home_of)
    app.connect("viewcode-find-source", with_names_of_the_reference)
    app.connect("html-collect-pages", only_with_source, priority=1)
