"""See that everything in the project is in step, and say what to do where it is not."""

import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users|mnt)/\w|/tmp/\w{8,}|[A-Z]:\\\\Users")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", ".*_cache", "__pycache__", ".hypothesis", "_docs")


def exports() -> list[str]:
    """What differs after a fresh export of a copy of the project."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "litsock")
        shutil.copytree(HERE, copy, ignore=LEFT_OUT)
        for command in (["nbdev_clean"], ["nbdev_export"], ["python", "tools/generate.py"]):
            tool = Path(sys.executable).with_name(command[0])
            subprocess.run([tool, *command[1:]], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        made = [copy / "README.md", *copy.glob("litsock/*.py"), *copy.glob("litsock/*.pyi"), *copy.glob("nbs/*.ipynb")]
        kept = {file: HERE / file.relative_to(copy) for file in made}
        stale = [old for new, old in kept.items() if not old.exists() or not filecmp.cmp(new, old, shallow=False)]
    return [f"{file.relative_to(HERE)} is out of step with the notebooks: make export" for file in stale]


def hygiene() -> list[str]:
    """What should not be in a notebook."""
    found = [f"{path} is a leftover of Jupyter: delete it" for path in HERE.glob("nbs/**/.ipynb_checkpoints")]
    for path in sorted(HERE.glob("nbs/*.ipynb")):
        notebook = json.loads(path.read_text())
        say = lambda what: found.append(f"{path.name}: {what}")
        if set(notebook["metadata"]) - {"kernelspec"}:
            say("metadata beside the kernelspec: make export")
        if len(notebook["cells"]) > 60:
            say(f"{len(notebook['cells'])} cells; over 60 it is two notebooks")
        for cell in notebook["cells"]:
            check_cell(cell, say)
    return found


def check_cell(cell, say):
    source, outputs = "".join(cell["source"]), cell.get("outputs", [])
    first = source.strip().splitlines()[0] if source.strip() else "(empty cell)"
    if match := MACHINE_PATH.search(source + json.dumps(outputs)):
        say(f"a path of a machine, {match[0]!r}, in the cell that begins {first!r}")
    if any(output["output_type"] == "error" for output in outputs):
        if "raises-exception" not in cell["metadata"].get("tags", []):
            say(f"an error is stored in the cell that begins {first!r}: run it again")


def seam() -> list[str]:
    """The C texts must compile without a warning."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "setup.py", "-q", "build_ext", "--force", f"--build-temp={scratch}", f"--build-lib={scratch}"]
        environment = {"CFLAGS": "-Wall -Wextra -Werror"}
        return run("the C seam", command, environment)


def types() -> list[str]:
    """The package must satisfy mypy."""
    return run("types", [sys.executable, "-m", "mypy"], {})


def run(what, command, environment) -> list[str]:
    import os

    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, env=os.environ | environment)
    return [f"{what}:\n{done.stdout}{done.stderr}"] if done.returncode else []


if __name__ == "__main__":
    failed = False
    for step in (exports, hygiene, seam, types):
        complaints = step()
        failed |= bool(complaints)
        print(f"{'FAILED' if complaints else 'ok':8}{step.__doc__.rstrip('.')}")
        for complaint in complaints:
            print(f"        {complaint}")
    sys.exit(failed)
