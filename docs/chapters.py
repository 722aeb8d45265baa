"""The notebooks as pages of the site.

nbdev's own processing ends in Quarto's dialect and runs the exported cells to document them. These pages are for Sphinx, and
are built from what is stored. So the same directives are read here: `#| hide` leaves a cell out, `#| export` makes it an
implementation that can be folded away, `#| echo: false` shows only what came out.
"""

import ast
import re
import shutil
from html import escape
from pathlib import Path

import nbformat

import litsock
from litsock.constant_names import GROUPS

DIRECTIVE = re.compile(r"^#\s*\|\s*(.*)\n?", re.MULTILINE)
NEEDS = "needs-"
EVERYWHERE = "needs-netbase", "needs-package:trustme"  # what only a bare machine lacks is not worth a word on each cell


def write(pages: Path, target: Path) -> None:
    "Process all notebooks of a folder. Beside each stands the notebook itself, to download."
    originals = target / "static" / "notebooks"
    originals.mkdir(parents=True)
    paths = sorted(pages.glob("*.ipynb"))
    for path in paths:
        page = processed(nbformat.read(path, as_version=4))
        if path.stem == "index":
            page.cells.append(nbformat.v4.new_markdown_cell(contents([path.stem for path in paths]), id="contents"))
        nbformat.write(page, target / path.name)
        shutil.copyfile(path, originals / path.name)


PARTS = {  # title, and the first and last number of its chapters
    "Questions and answers": (24, 29),
    "The module": (0, 23),
    "Examples": (30, 39),
    "In use": (40, 49),
    "Observing": (50, 59),
    "Speed": (60, 69),
    "Simulation": (70, 89),
    "Appendices": (90, 99),
}
MORE = "reference/index", "mapping", "benchmarks", "anywhere", "differences", "from_c", "CHANGELOG", "CONTRIBUTING"


def contents(names):
    "The tables of contents, which make the navigation."
    lines = []
    for title, (first, last) in PARTS.items():
        chapters = [name for name in names if name[:2].isdigit() and first <= int(name[:2]) <= last]
        if chapters:
            lines += [f"```{{toctree}}\n:hidden:\n:caption: {title}\n", *chapters, "```\n"]
    return "\n".join([*lines, "```{toctree}\n:hidden:\n:caption: To look up\n", *MORE, "```"])


def processed(page):
    "A notebook as the site shows it."
    module = module_of(page)
    cells = []
    for cell in page.cells:
        cells += markdown(cell) if cell.cell_type == "markdown" else code(cell, module)
    page.cells = cells
    page.metadata["language_info"] = {"name": "python"}
    return page


def module_of(page):
    "The module that a notebook makes."
    for cell in page.cells:
        for directive in DIRECTIVE.findall(cell.source):
            if directive.startswith("default_exp"):
                name = directive.split()[1].removesuffix(".__init__")
                return f"litsock.{name}"
    return None


ANCHOR = re.compile(r"(\]\([^)#\s]*#)([^)\s]+)(?=\))")


def as_slug(link):
    "An anchor as JupyterLab writes it, in the form that the site has."
    return link.group(1) + re.sub(r"[^\w-]", "", link.group(2).lower())


def markdown(cell):
    "Prose. The links to files of the repository lead to their pages."
    cell.source = re.sub(r"\]\(\.\./(CONTRIBUTING|CHANGELOG)\.md\)", r"](\1.md)", cell.source)
    cell.source = ANCHOR.sub(as_slug, cell.source)
    cell.source = cell.source.replace("[Apache 2.0](../LICENSE)", "Apache 2.0")
    return [cell]


def code(cell, module):
    "Code, with a word on what it needs in front where it needs something."
    directives = [directive.strip() for directive in DIRECTIVE.findall(cell.source)]
    words = {directive.split()[0] for directive in directives if directive}
    if groups := constants_in(cell):
        return [nbformat.v4.new_markdown_cell("\n\n".join(map(folded, groups)), id=cell.id)]
    cell.source = DIRECTIVE.sub("", cell.source).strip("\n")
    tags = cell.metadata.get("tags", [])
    needs = [tag.removeprefix(NEEDS) for tag in tags if tag.startswith(NEEDS) and tag not in EVERYWHERE]
    if words & {"hide", "default_exp"} or not cell.source:
        return []
    if "echo:" in words:
        tags = [*tags, "remove-input"]
    if words & {"export", "exporti"}:
        tags = [*tags, "hide-input"]
        cell.metadata["mystnb"] = prompts("imports" if only_imports(cell.source) else "implementation", f", in {module}")
    elif "hide-input" in tags:
        cell.metadata["mystnb"] = prompts("imports")
    cell.metadata["tags"] = tags
    return [*([note(needs, cell)] if needs else []), cell]


def prompts(what, where=""):
    "What stands above a cell that can be folded away."
    return {"code_prompt_show": f"Show the {what}{where}", "code_prompt_hide": f"{what.capitalize()}{where}"}


def only_imports(source):
    "Whether a cell only says what the page needs."
    return all(isinstance(part, ast.Import | ast.ImportFrom) for part in ast.parse(source).body)


def constants_in(cell):
    "The groups of constants that a cell files, where it does nothing else."
    if "group(" not in cell.source:
        return []
    calls = [getattr(part, "value", None) for part in ast.parse(cell.source).body]
    if not all(isinstance(call, ast.Call) and ast.unparse(call.func) == "group" for call in calls):
        return []
    return [call.args[0].value for call in calls]


def folded(title):
    "A group of constants as a table, which unfolds."
    header, members = GROUPS[title]
    where = f" (<code>{escape(header)}</code>)" if header else ""
    rows = [f"<tr><td><code>{name}</code></td><td>{value_of(name)}</td><td>{escape(text)}</td></tr>" for name, (_, _, text) in members.items()]
    return "\n".join([
        "::::{container} no-search", "```{raw} html",
        f'<details class="constants"><summary>{escape(title)}: {len(rows)} names</summary>',
        f'<table class="table"><thead><tr><th>name{where}</th><th>value</th><th>what it is for</th></tr></thead><tbody>', *rows,
        "</tbody></table></details>", "```", "::::",
    ])  # fmt: skip


def value_of(name):
    "A number as it is here; a dash for a name that this system lacks."
    value = getattr(litsock, name, "–")
    return int(value) if isinstance(value, int) else value


def note(needs, cell):
    "What a machine has to have for the cell that follows."
    text = ", ".join(f"`{need}`" for need in needs)
    return nbformat.v4.new_markdown_cell(f":::{{admonition}} Needs {text}\n:class: needs\nShown as it ran on a kernel that has it.\n:::", id=f"{cell.id}-needs")
