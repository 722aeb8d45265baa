"""Build the site: `python docs` writes it to `_docs/`, from the notebooks as they are stored. Nothing is executed."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["LITSOCK_FAST"] = "0"  # of what is there in C and in Python, the reference reads the Python
sys.path.insert(0, str(Path(__file__).resolve().parent))

import anywhere
import benchmarks
import browser_book
import chapters
import mapping
import reference

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
SOURCE, SITE = TOP / "build" / "site", TOP / "_docs"
LOOKS = "conf.py", "static", "templates"  # when these change, every page does


def assemble(folder):
    "The folder that Sphinx reads: its settings, the pages written by hand, the chapters, and what is computed."
    shutil.copytree(HERE / "pages", folder, dirs_exist_ok=True)
    for name in ("conf.py", "static", "templates"):
        copy = shutil.copytree if (HERE / name).is_dir() else shutil.copyfile
        copy(HERE / name, folder / name)
    chapters.write(TOP / "nbs", folder)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        text = (TOP / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("](nbs/", "]("), encoding="utf-8")
    differences = folder / "differences.md"
    differences.write_text(differences.read_text(encoding="utf-8").replace("DEVIATIONS", deviations()), encoding="utf-8")
    reference.write(folder / "reference")
    mapping.write(folder / "mapping.md")
    benchmarks.write(folder / "benchmarks.md")
    anywhere.write(folder / "anywhere.md")


def contents(folder):
    "The files of a folder: relative path to bytes."
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def update(made):
    "Write what changed; a page that did not keeps its time, and Sphinx leaves it alone. Whether everything is to be built anew."
    there, wanted = contents(SOURCE), contents(made)
    changed = {path for path, text in wanted.items() if there.get(path) != text}
    if there.keys() != wanted.keys() or any(path.parts[0] in LOOKS for path in changed) or not SITE.exists():
        shutil.rmtree(SOURCE, ignore_errors=True)
        shutil.rmtree(SITE, ignore_errors=True)
        changed = wanted.keys()
    for path in changed:
        (SOURCE / path).parent.mkdir(parents=True, exist_ok=True)
        (SOURCE / path).write_bytes(wanted[path])
    return changed


def as_it_was():
    "Whether the site is younger than all code that makes it, or is shown on it."
    built = (SITE / "objects.inv").stat().st_mtime
    return all(path.stat().st_mtime < built for folder in (HERE, TOP / "litsock") for path in folder.rglob("*.py"))


def deviations():
    "CPython's tests that the conformance run lets fail, and why."
    rules = tomllib.loads((TOP / "tests" / "conformance" / "rules.toml").read_text(encoding="utf-8"))
    reasons: dict[str, list[str]] = {}
    for rule in rules["deviation"]:
        reasons.setdefault(rule["why"], []).append(f"`{rule['test'].rpartition('.')[2]}`")
    return "\n".join(["| test | why |", "|---|---|", *(f"| {', '.join(names)} | {why} |" for why, names in reasons.items())])


def main():
    began = time.monotonic()
    with TemporaryDirectory() as made:
        assemble(Path(made))
        changed = update(Path(made))
    if not changed and as_it_was():
        browser_book.build(SITE / "run")
        print(f"{SITE.name}/index.html is up to date.")
        return 0
    everything = ["-E"] if any(path.parts[0] in LOOKS for path in changed) else []
    command = [sys.executable, "-m", "sphinx", *everything, "-j", "auto", "-W", "--keep-going", "-q", "-b", "html", "-d", TOP / "build" / "doctrees", SOURCE, SITE]
    status = subprocess.run(command, cwd=TOP).returncode
    if status:
        shutil.rmtree(SITE, ignore_errors=True)  # so that what was wrong is said again next time
    else:
        pages = len(list(SITE.rglob("*.html")))
        browser_book.build(SITE / "run")
        print(f"{SITE.name}/index.html: {pages} pages, {time.monotonic() - began:.0f} s. make docs-serve shows them.")
    return status


if __name__ == "__main__":
    sys.exit(main())
