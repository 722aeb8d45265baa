"""Give the table of chapters on the front page the titles of the pages, and their order, so that no link there says something else."""

import re
from pathlib import Path

import nbformat

PAGES = Path(__file__).resolve().parent.parent / "nbs"
ROW = re.compile(r"^\| \[.*", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((\w+)\.ipynb\)")


def title(name):
    "The first heading of a page."
    cells = nbformat.read(PAGES / f"{name}.ipynb", as_version=4).cells
    return next(line[2:] for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines() if line.startswith("# "))


def named(row):
    "A row of the table, its links with the titles of the pages."
    first, bar, rest = row.group().removeprefix("| ").partition(" | ")
    return "| " + LINK.sub(lambda link: f"[{title(link.group(1))}]({link.group(1)}.ipynb)", first) + bar + rest


def in_order(text):
    "The text with the rows of its table named, and sorted by the numbers of their pages."
    rows = iter(sorted(map(named, ROW.finditer(text)), key=lambda row: LINK.search(row).group(1)))
    return ROW.sub(lambda row: next(rows), text)


if __name__ == "__main__":
    path = PAGES / "index.ipynb"
    front = nbformat.read(path, as_version=4)
    for cell in front.cells:
        if cell.cell_type == "markdown":
            cell.source = in_order(cell.source)
    nbformat.write(front, path)
