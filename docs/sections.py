"""The words of each section, for the search: a section that speaks of what is asked comes before one that mentions it.

Sphinx's own index knows which page has a word, and not how often, or in which section. This one does; `static/search.js` ranks
by it, as BM25 does: https://en.wikipedia.org/wiki/Okapi_BM25. A name counts as a whole and in its parts: SO_KEEPALIVE is found
by "keepalive" too. It is an extension of Sphinx.
"""

import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.search.en import SearchEnglish

LEFT_OUT = "reference/", "CHANGELOG", "CONTRIBUTING", "mapping", "benchmarks", "anywhere"  # names of the reference are found as objects
WORD = re.compile(r"[^\W_]\w*|\w+")
BYTES = re.compile(r"\d{5,}|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{2}|(?:0?x[0-9a-f]+)|(?=\w*\d)[0-9a-f]{6,}|\w{40,}")
MOST = 15  # how often a word is counted in a section: more says nothing more


def parts_of(word):
    "A word, and what it is made of. Bytes in hexadecimal and long numbers are none: nobody types them."
    if BYTES.fullmatch(word):
        return []
    return [word, *filter(None, word.split("_"))] if "_" in word else [word]


def words(node):
    "The words of a section, without those of the sections in it and those of folded code."
    for part in node.children:
        if isinstance(part, nodes.Text):
            for word in WORD.findall(part.astext().lower()):
                yield from parts_of(word)
        elif not isinstance(part, (nodes.section, nodes.title, nodes.raw, nodes.comment)) and "no-search" not in getattr(part, "attributes", {}).get("classes", ()):
            yield from words(part)


def sections(doctree, stem):
    "For each section of a page: its title, the words of that, its anchor, and how often it has each word."
    for section in doctree.findall(nodes.section):
        title = next(section.findall(nodes.title)).astext()
        counts = Counter(map(stem, words(section)))
        named = [stem(part) for word in WORD.findall(title.lower()) for part in parts_of(word)]
        counts.update(dict.fromkeys(named, 5))
        yield title, named, section["ids"][0], counts


def write(app, failed):
    "Write the index beside the pages."
    if failed or app.builder.format != "html":
        return
    stem = SearchEnglish({}).stem
    pages, rows, words, latest = {}, [], {}, {}
    for name in sorted(app.env.found_docs):
        if not name.startswith(LEFT_OUT):
            doctree = app.env.get_doctree(name)
            app.emit("doctree-resolved", doctree, name)
            for title, named, anchor, counts in sections(doctree, stem):
                pages.setdefault(name, title)
                for word, count in counts.items():
                    step, latest[word] = len(rows) - latest.get(word, 0), len(rows)  # from the section before that has it: small numbers are short
                    words.setdefault(word, []).append(step * (MOST + 1) + min(count, MOST))
                rows.append([name, title, anchor, counts.total(), named])
    index = {"pages": pages, "rows": rows, "most": MOST, "words": words}
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "_static", "sections.js").write_text(f"const SECTIONS = {text};\n", encoding="utf-8")


def on_the_page_of_the_search(app, page, template, context, doctree):
    if page == "search":
        app.add_js_file("sections.js")
        app.add_js_file("search.js")


def setup(app):
    app.connect("html-page-context", on_the_page_of_the_search)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
