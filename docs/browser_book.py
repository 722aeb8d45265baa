"""The pages that run in the reader's browser: JupyterLite, below `run/` on the site. `python docs/browser_book.py` builds only that.

All files lie in the site: Python compiled to WebAssembly (Pyodide), the wheels that its kernel loads, litsock's own wheel, and the
notebooks. `browser.toml` says which versions. They come from PyPI and npm, and are kept in build/browser for the next time.
"""

import email
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
KEPT = TOP / "build" / "browser"  # downloads, and what is made of them
OURS = HERE / "browser"  # pages that only a browser has
SETTINGS = tomllib.loads((HERE / "browser.toml").read_text(encoding="utf-8"))
RUNTIME = "pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"
KERNEL = "@jupyterlite/pyodide-kernel-extension"
MORE_DEPENDENCIES = {  # that a wheel of the kernel does not state itself, or the lock of Pyodide does not know
    "ipython": ["ipython-pygments-lexers", "jedi"], "pyodide-kernel": ["comm", "ipython"], "ipykernel": ["pyodide-kernel"],
    "piplite": ["micropip"], "micropip": ["packaging"], "ipython-pygments-lexers": ["pygments"],
    "ipywidgets": ["comm", "ipython", "traitlets", "jupyterlab-widgets", "widgetsnbextension"],
}  # fmt: skip
FORMER_DEPENDENCIES = {"pytest": {"atomicwrites", "attrs", "exceptiongroup", "more-itertools", "py", "setuptools", "six"}}  # that the lock of Pyodide still lists
AT_START = ["micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython", "ipywidgets", "litsock"]
FIRST_CELL = "%load_ext litsock.simulation.in_notebook"


def run(*command, **options):
    "A command, which says something only if it fails."
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def same_as_before(name, *parts):
    "Whether the parts, any text, are what they were when `remember` was called."
    stamp = KEPT / f"{name}.stamp"
    return stamp.exists() and stamp.read_text() == digest(*parts)


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def remember(name, *parts):
    (KEPT / f"{name}.stamp").write_text(digest(*parts))


def download():
    "What PyPI and npm have: JupyterLite in an environment of its own, Pyodide, wheels."
    KEPT.mkdir(parents=True, exist_ok=True)
    versions = [SETTINGS[name] for name in ("jupyterlite", "pyodide", "python", "wheels", "on_demand")]
    if same_as_before("download", versions):
        return
    if not shutil.which("npm"):
        sys.exit("The pages that run in a browser want npm, which downloads Pyodide: apt install npm (Debian), dnf install npm (Fedora).")
    for name in "venv", "npm", "wheels":
        shutil.rmtree(KEPT / name, ignore_errors=True)
    run(sys.executable, "-m", "venv", KEPT / "venv")
    run(KEPT / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", *SETTINGS["jupyterlite"])
    (KEPT / "npm").mkdir()
    run("npm", "pack", "--silent", f"pyodide@{SETTINGS['pyodide']}", cwd=KEPT / "npm")
    run("tar", "xzf", next((KEPT / "npm").glob("*.tgz")), "-C", KEPT / "npm")
    run(KEPT / "venv/bin/pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--python-version", SETTINGS["python"],
        "--implementation", "py", "--abi", "none", "--platform", "any", "--dest", KEPT / "wheels", *SETTINGS["wheels"], *SETTINGS["on_demand"])  # fmt: skip
    remember("download", versions)


def sources():
    "Everything that litsock's wheel is made of."
    found = [*(TOP / "litsock").rglob("*.py"), TOP / "setup.py", TOP / "settings.ini", TOP / "pyproject.toml", TOP / "tools" / "tables.py"]
    return [(str(path), path.read_bytes()) for path in sorted(found)]


def make_wheel():
    "litsock's wheel for a browser."
    folder, text = KEPT / "litsock", sources()
    if same_as_before("litsock", text):
        return
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder, TOP, env=os.environ | {"LITSOCK_FOR": "emscripten"})
    remember("litsock", text)


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def entry(path, known):
    "What Pyodide wants to know of a wheel."
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        stated = email.message_from_bytes(wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA"))))
    name = canonical(stated["Name"])
    tops = {part.split("/")[0] for part in names} - {part.split("/")[0] for part in names if re.match(r"[^/]*\.(dist-info|data)/", part)}
    depends = {canonical(one) for one in known.get(name, {}).get("depends", [])} - FORMER_DEPENDENCIES.get(name, set()) | set(MORE_DEPENDENCIES.get(name, []))
    return name, {
        "name": stated["Name"], "version": stated["Version"], "file_name": path.name, "install_dir": "site", "package_type": "package",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "unvendored_tests": False,
        "imports": sorted(top.removesuffix(".py") for top in tops), "depends": sorted(depends),
    }  # fmt: skip


def write_runtime(folder):
    "Pyodide, the wheels, and the list of the wheels."
    folder.mkdir(parents=True)
    package = KEPT / "npm" / "package"
    for name in RUNTIME:
        shutil.copyfile(package / name, folder / name)
    extension = KEPT / "venv/share/jupyter/labextensions" / KERNEL / "static/pypi"
    own = [path for pattern in ("piplite", "ipykernel", "pyodide_kernel", "widgetsnbextension-4") for path in extension.glob(f"{pattern}*.whl")]
    for path in [*own, *(KEPT / "wheels").glob("*.whl"), *(KEPT / "litsock").glob("*.whl")]:
        shutil.copyfile(path, folder / path.name)
    lock = json.loads((package / "pyodide-lock.json").read_text())
    packages = dict(entry(path, lock["packages"]) for path in sorted(folder.glob("*.whl")))
    missing = {name for found in packages.values() for name in found["depends"]} - packages.keys()
    if missing:
        sys.exit(f"the wheels in browser.toml need {', '.join(sorted(missing))}")
    (folder / "pyodide-lock.json").write_text(json.dumps({"info": lock["info"], "packages": packages}))


def page(path):
    "A notebook as it runs in a browser: without outputs, and with a first cell that prepares it."
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if reason := reason_against(path.stem, cell):
                cell.source = f"%%not_here {reason}\n{cell.source}"
    notebook.metadata["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST_CELL, id="in-a-browser"))
    return notebook


def reason_against(name, cell):
    "Why a cell cannot run in a browser, where that is known beforehand."
    reasons = [SETTINGS["tags"].get(tag) for tag in cell.metadata.get("tags", [])]
    return SETTINGS["cells"].get(f"{name} {cell.id}") or next(filter(None, reasons), None)


def notebooks():
    "The pages, by name."
    paths = [TOP / "nbs" / f"{name}.ipynb" for name in SETTINGS["pages"]] + sorted(OURS.glob("*.ipynb"))
    return {path.stem: path for path in paths}


SITE_SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "litsock", "exposeAppInBrowser": True, "enableMemoryStorage": True,
        "disabledExtensions": ["@jupyterlab/extensionmanager-extension", "@jupyterlab/apputils-extension:announcements"],
        "litePluginSettings": {f"{KERNEL}:kernel": {"pyodideUrl": "./static/pyodide/pyodide.mjs", "disablePyPIFallback": True, "loadPyodideOptions": {"packages": AT_START}}},
    },
}  # fmt: skip
BUILD_SETTINGS = {"LiteBuildConfig": {"contents": ["files"], "apps": ["notebooks", "edit"], "no_sourcemaps": True, "no_unused_shared_packages": True, "no_libarchive": True}}


def build(target: Path) -> None:
    "Write the pages that run, and JupyterLite, into a folder."
    began = time.monotonic()
    download()
    make_wheel()
    wanted = [(name, path.read_bytes()) for name, path in notebooks().items()], (KEPT / "litsock.stamp").read_text(), SETTINGS, SITE_SETTINGS, BUILD_SETTINGS, Path(__file__).read_text()
    made = KEPT / "site" / "_output"
    if not same_as_before("site", wanted):
        source = KEPT / "site"
        shutil.rmtree(source, ignore_errors=True)
        (source / "files").mkdir(parents=True)
        write_runtime(source / "static" / "pyodide")
        for name, path in notebooks().items():
            nbformat.write(page(path), source / "files" / f"{name}.ipynb")
        (source / "jupyter-lite.json").write_text(json.dumps(SITE_SETTINGS))
        (source / "jupyter_lite_config.json").write_text(json.dumps(BUILD_SETTINGS))
        run(KEPT / "venv/bin/jupyter", "lite", "build", "--output-dir", "_output", cwd=source)
        remember("site", wanted)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target, copy_function=link)
    for path in OURS.glob("*.html"):
        shutil.copyfile(path, target / path.name)
    (target / "preload.json").write_text(json.dumps(preloaded(target)))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target.relative_to(TOP)}: {len(notebooks())} pages that run in a browser, {size / 2**20:.0f} MiB, {time.monotonic() - began:.0f} s.")


def preloaded(target):
    "What the first page needs in any case: Python and the wheels, the notebook's own scripts."
    later = tuple(one.partition("==")[0] + "-" for one in SETTINGS["on_demand"])
    wheels = sorted(path.name for path in (target / "static/pyodide").glob("*.whl") if not path.name.startswith(later))
    return [f"static/pyodide/{name}" for name in (*RUNTIME, "pyodide-lock.json", *wheels)]


def link(source, target):
    "A second name for a file, where the file system can, in place of a copy."
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    build(TOP / "_docs" / "run")
