"""Build the site: `python docs` writes it to `_docs/`, from the notebooks as they are stored. Nothing is executed."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

os.environ["LITSOCK_FAST"] = "0"  # of what is there in C and in Python, the reference reads the Python
sys.path.insert(0, str(Path(__file__).resolve().parent))

import benchmarks
import chapters
import mapping
import reference

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
SOURCE, SITE = TOP / "build" / "site", TOP / "_docs"


def assemble():
    "The folder that Sphinx reads: its settings, the pages written by hand, the chapters, and what is computed."
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(HERE / "pages", SOURCE)
    for name in ("conf.py", "static", "templates"):
        copy = shutil.copytree if (HERE / name).is_dir() else shutil.copyfile
        copy(HERE / name, SOURCE / name)
    chapters.write(TOP / "nbs", SOURCE)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        text = (TOP / name).read_text(encoding="utf-8")
        (SOURCE / name).write_text(text.replace("](nbs/", "]("), encoding="utf-8")
    differences = SOURCE / "differences.md"
    differences.write_text(differences.read_text(encoding="utf-8").replace("DEVIATIONS", deviations()), encoding="utf-8")
    reference.write(SOURCE / "reference")
    mapping.write(SOURCE / "mapping.md")
    benchmarks.write(SOURCE / "benchmarks.md")


def deviations():
    "CPython's tests that the conformance run lets fail, and why."
    rules = tomllib.loads((TOP / "tests" / "conformance" / "rules.toml").read_text(encoding="utf-8"))
    reasons: dict[str, list[str]] = {}
    for rule in rules["deviation"]:
        reasons.setdefault(rule["why"], []).append(f"`{rule['test'].rpartition('.')[2]}`")
    return "\n".join(["| test | why |", "|---|---|", *(f"| {', '.join(names)} | {why} |" for why, names in reasons.items())])


def main():
    began = time.monotonic()
    assemble()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-E", "-j", "auto", "-W", "--keep-going", "-q", "-b", "html", "-d", TOP / "build" / "doctrees", SOURCE, SITE]
    status = subprocess.run(command, cwd=TOP).returncode
    if not status:
        pages = len(list(SITE.rglob("*.html")))
        print(f"{SITE.name}/index.html: {pages} pages in {time.monotonic() - began:.0f} s. make docs-serve shows them.")
    return status


if __name__ == "__main__":
    sys.exit(main())
