"""The page that maps the specification to the book: for each documented name, where it is made, shown and tested.

Everything is computed: from the package, the notebooks, the tests, and, where they are there, from the reports that
`make test` and `make test-families` left behind. `python docs/mapping.py` lists the names without a home.
"""

import csv
import re
import sys
import xml.etree.ElementTree as xml
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import nbformat

import litsock

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
REPORTS = {"here": "test.xml", "virtual machine": "families*.xml"}  # what make test and make test-families leave in build/
SECTIONS = {
    "18.1.2.1": "Exceptions", "18.1.2.2": "Constants", "18.1.2.3.1": "Creating sockets", "18.1.2.3.2": "Other functions",
    "18.1.3": "Socket objects", "18.1.1": "Socket families", "since 3.6": "Added since",
}
PLATFORMS = {"all": "", "linux": "Linux", "windows": "Windows", "macos": "macOS", "bsd,macos": "BSD, macOS"}
ELSEWHERE = "windows", "macos", "bsd,macos"


@cache
def documented_names():
    "The documented names: kind, name, section, availability, note."
    with open(HERE / "names.tsv", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@cache
def chapters():
    "For each chapter: its title, its module, the implementation as text, and the rest of the code as text."
    found = {}
    for path in sorted((TOP / "nbs").glob("*.ipynb")):
        page = nbformat.read(path, as_version=4)
        title = next(line[2:] for cell in page.cells for line in cell.source.splitlines() if line.startswith("# "))
        code = [cell.source for cell in page.cells if cell.cell_type == "code"]
        exported = [source for source in code if re.match(r"#\|\s*exporti?\b", source)]
        rest = [source for source in code if source not in exported]
        prose = [cell.source for cell in page.cells if cell.cell_type == "markdown"]
        found[path.stem] = title, "\n".join(exported), "\n".join(rest), "\n".join(prose)
    return found


@cache
def tests():
    "The text of each test file."
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((TOP / "tests").glob("test_*.py"))}


def pattern(name):
    "What to look for: a whole word, or for a group of names any member."
    stem = re.escape(name.rstrip("*"))
    return re.compile(rf"\b{stem}\w+" if name.endswith("*") else rf"\b{stem}\b")


def made_in(row):
    "The chapters in which a name is defined."
    kind, name = row["kind"], row["name"]
    indent = "    " if kind in ("method", "attribute") else ""
    define = re.compile(rf"^{indent}(?:def {name}\b|class {name}\b|{name}\b\s*[:=])" if kind not in GROUPED else rf"^{pattern(name).pattern}", re.M)
    return [chapter for chapter, (_, code, *_) in chapters().items() if define.search(code)]


GROUPED = "constant", "constant-group", "family"


def shown_in(row):
    "The chapters whose examples use a name."
    return [chapter for chapter, (_, _, rest, _) in chapters().items() if pattern(row["name"]).search(rest)]


def told_in(row):
    "The chapters whose prose speaks of a name."
    return [chapter for chapter, (*_, prose) in chapters().items() if pattern(row["name"]).search(prose)]


def tested_in(row):
    "The test files that name it; constants are tested as a whole, against the C compiler and the standard module."
    found = [name for name, text in tests().items() if pattern(row["name"]).search(text)]
    if row["kind"] in GROUPED and "test_constants.py" not in found:
        found.append("test_constants.py")
    return found


def exists(row):
    "Whether litsock has it here."
    name = row["name"]
    if row["kind"] in ("method", "attribute"):
        return hasattr(litsock.socket, name)
    if name.endswith("*"):
        return any(fnmatchcase(other, name) for other in vars(litsock))
    return hasattr(litsock, name)


@cache
def measured():
    "For each report that is there: passed and skipped, for each file."
    found = {}
    for title, names in REPORTS.items():
        counts: dict = {}
        for path in (TOP / "build").glob(names):
            for case in xml.parse(path).iter("testcase"):
                where = case.get("classname").split(".")[1]
                passed, skipped = counts.get(where, (0, 0))
                skip = case.find("skipped") is not None
                counts[where] = passed + (not skip), skipped + skip
        found[title] = counts
    return found


def measurements(row):
    "How many cells and tests of the places that show or test a name passed, and were skipped."
    places = {*shown_in(row), *(Path(name).stem for name in tested_in(row))}
    parts = []
    for title, counts in measured().items():
        passed = sum(counts.get(place, (0, 0))[0] for place in places)
        skipped = sum(counts.get(place, (0, 0))[1] for place in places)
        if passed or skipped:
            parts.append(f"{title}: {passed} passed" + (f", {skipped} skipped" if skipped else ""))
    return "<br>".join(parts)


def homeless():
    "Names that no chapter makes, shows or tells of, or that should be here and are not."
    for row in documented_names():
        if not (made_in(row) or shown_in(row) or told_in(row)):
            yield f"{row['name']}: no chapter makes, shows or tells of it"
        elif not exists(row) and row["availability"] not in ELSEWHERE:
            yield f"{row['name']}: documented for {row['availability']}, and litsock has none here"


def links(names):
    return " ".join(f"[{name.partition('_')[0]}](/{name}.ipynb)" for name in names[:6])


def line(row):
    "A row of the table."
    place = links(made_in(row)) or links(told_in(row))
    here = "yes" if exists(row) else "no"
    platform = PLATFORMS.get(row["availability"], row["availability"])
    tested = "<br>".join(f"`{name.removeprefix('test_').removesuffix('.py')}`" for name in tested_in(row)[:4])
    cells = f"`{row['name']}`", row["kind"], place, links(shown_in(row)), tested, platform, here, measurements(row)
    return "| " + " | ".join(cells) + " |"


def write(target: Path) -> None:
    "The page."
    rows = documented_names()
    homes = list(homeless())
    lines = [
        "# From the specification to the book\n",
        f"The standard documentation of `socket` names {len(rows)} things, or groups of them. Here is where each one is made in this "
        "book (by the number of the chapter), where it is shown running, which tests name it, on which platforms it exists, whether "
        "litsock had it on the machine that built this page, and how the cells and tests of those places ended when they "
        f"ran last. Without a home: {len(homes)}.\n",
    ]
    head = "| name | kind | made | shown | tests | platform | here | measured |\n|---|---|---|---|---|---|---|---|"
    for section, title in SECTIONS.items():
        chosen = [row for row in rows if row["section"] == section]
        if chosen:
            lines += [f"## {title}\n", head, *map(line, chosen), ""]
    target.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    faults = list(homeless())
    print(*faults, sep="\n")
    sys.exit(bool(faults))
