"""See that everything in the project is in step, and say what to do where it is not."""

import json
import re
import subprocess
import sys
from functools import cache
from tempfile import TemporaryDirectory

import building
import nbformat
from export import TOP, out_of_step

PACKAGE, PAGES = TOP / "litsock", TOP / "nbs"
MANY_CELLS = 60
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:(?:home|root|work|Users|mnt)/\w|tmp/\w{8,})[^\s\"'\\]*")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(?:#([^)\s]+))?")
HEADING = re.compile(r"^#+ +(.*)", re.MULTILINE)
PAGE_NAME = re.compile(r"\b(\d\d[a-z]?_\w+)\.(?:ipynb|html)\b")


def exports():
    "Package, README and notebooks are what `make export` makes of them"
    lost = " (which overwrites what was edited there: edit the notebook)"
    return [f"{path} is out of step with the notebooks, or not tidy: make export{lost * (path.suffix != '.ipynb')}" for path in out_of_step()]


@cache
def anchors(path):
    "The headings of a file, as JupyterLab and the site make anchors of them."
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return {as_anchor(heading) for heading in HEADING.findall(text)}


def as_anchor(heading):
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


def dead_links(text, folder):
    "Links to files that are not there, and to headings that these files do not have."
    for link, anchor in LINK.findall(text):
        target = folder / link
        if not target.exists():
            yield f"the link {link} leads nowhere"
        elif anchor and target.suffix in (".ipynb", ".md") and as_anchor(anchor) not in anchors(target):
            yield f"the link {link}#{anchor}: there is no such heading"


def links():
    "The links of README, CONTRIBUTING and the site lead somewhere, and no text names a page that is gone"
    for path in sorted(TOP.glob("*.md")):
        yield from (f"{path.name}: {fault}" for fault in dead_links(path.read_text(encoding="utf-8"), TOP))
    texts = [*(TOP / "docs").rglob("*.md"), *(path for folder in ("docs", "tests", "bench", "tools", "litsock") for path in (TOP / folder).rglob("*.py"))]
    for path in texts:
        for name in PAGE_NAME.findall(path.read_text(encoding="utf-8")):
            if not (PAGES / f"{name}.ipynb").exists():
                yield f"{path.relative_to(TOP)}: there is no page {name}"


def in_cell(cell, folder):
    "What is wrong with one cell."
    outputs = cell.get("outputs", [])
    for path in sorted(set(MACHINE_PATH.findall(f"{cell.source}\n{json.dumps(outputs, ensure_ascii=False)}"))):
        yield f"names a path of one machine, {path}"
    for output in outputs:
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            yield f"ended in {output.ename}: mend it, or tag it raises-exception"
    if cell.cell_type == "code" and cell.source.rstrip().endswith(";"):
        yield "ends in a semicolon, which does not silence it under nbval: give the value a name"
    if cell.cell_type == "markdown":
        yield from dead_links(cell.source, folder)


def in_page(path):
    "What is wrong with one notebook."
    page = nbformat.read(path, as_version=4)
    try:
        nbformat.validate(page)
    except nbformat.ValidationError as error:
        yield f"is not a valid notebook: {error.message}"
    if list(page.metadata) != ["kernelspec"] or page.metadata.kernelspec.name != "python3":
        yield "its metadata should be the kernelspec python3 and nothing else: make export"
    for number, cell in enumerate(page.cells, 1):
        yield from (f"cell {number}: {fault}" for fault in in_cell(cell, path.parent))
    if len(page.cells) > MANY_CELLS:
        print(f"        {path.name} has {len(page.cells)} cells: above {MANY_CELLS} it is two notebooks")


def checkpoints():
    "JupyterLab's checkpoints that git was told to keep."
    if not (TOP / ".git").exists():
        return []
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    return [name for name in tracked.splitlines() if ".ipynb_checkpoints" in name]


def pages():
    "The notebooks are fit to share, and the front page leads to each"
    front = (PAGES / "index.ipynb").read_text(encoding="utf-8")
    for path in sorted(PAGES.glob("*.ipynb")):
        yield from (f"{path.name}: {fault}" for fault in in_page(path))
        if path.name != "index.ipynb" and f"]({path.name}" not in front:
            yield f"{path.name}: the front page, index.ipynb, has no link to it"
    yield from (f"{name} is a leftover of JupyterLab: git rm --cached" for name in checkpoints())


def c_texts():
    "The C texts compile without a warning"
    command = [*building.compiler(), "-O2", "-fPIC", *building.WARNINGS, "-Werror", *building.includes()]
    with TemporaryDirectory() as scratch:
        return [fault for source in building.sources(scratch).values() for fault in run(*command, "-c", source, "-o", f"{source}.o")]


def types():
    "The package satisfies mypy"
    return run(sys.executable, "-m", "mypy")


def homes():
    "Every documented name is made, shown or told in a chapter"
    return run(sys.executable, TOP / "docs" / "mapping.py")


def run(*command):
    "What a command said, if it failed."
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def main():
    failed = False
    for step in (exports, pages, links, homes, c_texts, types):
        faults = list(step())
        failed |= bool(faults)
        print(f"{'FAILED' if faults else 'ok':8}{step.__doc__}", *(f"        {fault}" for fault in faults), sep="\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
