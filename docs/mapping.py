"""The page that maps the specification to the book: for each documented name, where it is made, shown and tested.

Everything is computed: from the package, the notebooks and the tests. `python docs/mapping.py` lists the names without a home.
"""

import csv
import json
import re
import sys
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import nbformat

import litsock
from litsock import core

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
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


@cache
def words(text):
    "The words of a text: what a name is looked for in, many times over."
    return frozenset(re.findall(r"\w+", text))


def named_in(text, name):
    "Whether a text has a name as a word of its own, or for a group of names any member."
    stem = name.rstrip("*")
    return name in words(text) if stem == name else any(word.startswith(stem) and word != stem for word in words(text))


def made_in(row):
    "The chapters in which a name is defined: that of the object's module, or those whose code says so."
    return makers(row["name"], row["kind"])


@cache
def makers(name, kind):
    "The same, by name and kind."
    if chapter := chapter_of(member(name) if kind in MEMBERS else getattr(litsock, name, None)):
        return [chapter]
    stem = re.escape(name.rstrip("*"))
    define = rf"^{stem}" + (r"\w" if name.endswith("*") else r"\b") if kind in GROUPED else rf"^(?:def |class )?{stem}\b\s*[:=(]"
    found = [chapter for chapter, (_, code, *_) in chapters().items() if kind not in MEMBERS and named_in(code, name) and re.search(define, code, re.M)]
    return found or [chapter for chapter, (_, code, *_) in chapters().items() if f'"{name}":' in code]


def member(name):
    "A method or attribute of the socket object, in Python: the one in C that comes before it has no page of its own."
    found = [vars(kind)[name] for kind in (*litsock.socket.__mro__, core.WindowsMethods) if name in vars(kind)]
    return next((one for one in found if hasattr(getattr(one, "fget", one), "__module__")), None)


def chapter_of(thing):
    "The chapter that makes a function, a class or a property."
    thing = getattr(thing, "fget", None) or thing
    home = getattr(thing, "__module__", None) or ""
    module = sys.modules.get("litsock.core" if home == "litsock" else home)  # the socket object says that it is the package's
    said = MADE_IN.search(Path(module.__file__).read_text(encoding="utf-8")) if str(getattr(module, "__file__", "")).endswith(".py") else None
    return said.group(1) if said and callable(thing) else None


MEMBERS = "method", "attribute"
MADE_IN = re.compile(r"File to edit: \S*?nbs/(\S+)\.ipynb")  # in the head of each generated module
GROUPED = "constant", "constant-group", "family"


def shown_in(row):
    "The chapters whose examples use a name."
    return [chapter for chapter, (_, _, rest, _) in chapters().items() if named_in(rest, row["name"])]


def told_in(row):
    "The chapters whose prose speaks of a name."
    return [chapter for chapter, (*_, prose) in chapters().items() if named_in(prose, row["name"])]


def tested_in(row):
    "The test files that name it; constants are tested as a whole, against the C compiler and the standard module."
    found = [name for name, text in tests().items() if named_in(text, row["name"])]
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
def on_windows():
    "The names that litsock had with Windows' Python, and not on Linux: what `make test-windows` found."
    return frozenset(json.loads((HERE / "windows.json").read_text(encoding="utf-8"))["names"])


def homeless():
    "Names that no chapter makes, shows or tells of, or that should be here and are not."
    for row in documented_names():
        if not (made_in(row) or shown_in(row) or told_in(row)):
            yield f"{row['name']}: no chapter makes, shows or tells of it"
        elif not exists(row) and row["availability"] not in ELSEWHERE:
            yield f"{row['name']}: documented for {row['availability']}, and litsock has none here"


def reference(row):
    "The name, linked to its entry in the reference, where it has one."
    name = row["name"]
    if name.endswith("*"):
        return f"`{name}`"
    return f"{{py:obj}}`{name} <litsock.{'socket.' if row['kind'] in ('method', 'attribute') else ''}{name}>`"


def links(names):
    "Chapters by their numbers, the first few; the title shows when one points at it."
    first = " ".join(f'[{name.partition("_")[0]}](/{name}.ipynb "{chapters()[name][0]}")' for name in names[:MANY])
    return first + (f" +{len(names) - MANY}" if len(names) > MANY else "")


def files(names):
    "Test files, the first few."
    first = ", ".join(name.removeprefix("test_").removesuffix(".py") for name in names[:MANY])
    return first + (f" +{len(names) - MANY}" if len(names) > MANY else "")


MANY = 5


def line(row):
    "A row of the table."
    place = links(made_in(row)) or (links(told_in(row)) and f"described: {links(told_in(row))}")
    platform = PLATFORMS.get(row["availability"], row["availability"]) or "all"
    here = "yes" if exists(row) else "no"
    here = "under Wine" if here == "no" and row["name"] in on_windows() else here
    cells = [reference(row), row["kind"], place, links(shown_in(row)), files(tested_in(row)), platform, here]
    return "| " + " | ".join(cells) + " |"


def named(row):
    "A name, with the platform that it is for."
    platform = PLATFORMS.get(row["availability"], row["availability"])
    return f"`{row['name']}`" + (f" ({platform})" if platform else "")


def write(target: Path) -> None:
    "The page."
    rows = documented_names()
    homes = list(homeless())
    told = [row for row in rows if not made_in(row)]
    lines = [
        "# From the specification to the book\n",
        f"The standard documentation of `socket` names {len(rows)} things, or groups of them. {len(rows) - len(told)} are made in a "
        f"chapter; {len(told)} are only described: {', '.join(map(named, told))}. Not covered: {', '.join(homes) or 'none'}.\n",
        "Each row tells in which chapter (by its number) a name is made, where it is shown in code that runs, which tests name it, "
        "on which platforms it is documented to exist, and whether litsock had it on the machine that built this page; or else with Windows' "
        "CPython 3.11, under Wine 8 ([nobody has tried it on Windows itself](/96b_on_windows.ipynb)). "
        "All of it is computed, from the code, the notebooks and the tests.\n",
    ]
    titles = "name | kind | made | shown | tests | platform | here".split(" | ")
    head = f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}"
    for section, title in SECTIONS.items():
        chosen = [row for row in rows if row["section"] == section]
        if chosen:
            lines += [f"## {title}\n", ":::{container} mapping", head, *map(line, chosen), ":::\n"]
    target.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    faults = list(homeless())
    print(*faults, sep="\n")
    sys.exit(bool(faults))
