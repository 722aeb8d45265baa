"""Write README.md from nbs/index.ipynb, with the outputs that are stored in it. Hidden cells stay out."""

import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from traitlets.config import Config

TOP = Path(__file__).resolve().parent.parent
NOTE = "<!-- Generated from nbs/index.ipynb by `make export`: edit it there. -->\n\n"
HIDDEN = r"\s*#\s*\|\s*hide\b"
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s]+)")  # a link to a file, written as seen from nbs/


def from_the_top(link):
    "The same link as seen from the folder above nbs/."
    start, target = link.groups()
    return start + (target.removeprefix("../") if target.startswith("../") else f"nbs/{target}")


def readme():
    "The text of README.md."
    hidden = {"patterns": [HIDDEN], "enabled": True}
    as_text = {"display_data_priority": ["text/plain"]}  # a table of HTML is nothing to read in a terminal
    config = Config({"RegexRemovePreprocessor": hidden, "NbConvertBase": as_text})
    page = nbformat.read(TOP / "nbs" / "index.ipynb", as_version=4)
    page.metadata.language_info = {"name": "python"}  # a tidy notebook does not say so, and the code would lose its colours
    text, _ = MarkdownExporter(config=config).from_notebook_node(page)
    text = re.sub(r"[ \t]+$", "", LINK.sub(from_the_top, text), flags=re.MULTILINE)
    return NOTE + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


if __name__ == "__main__":
    (TOP / "README.md").write_text(readme(), encoding="utf-8")
