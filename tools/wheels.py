"""Make wheels that install without a compiler on the Linuxes of the last years, and on Windows: `make wheels` puts them into dist/.

    python tools/wheels.py                # for every Python that is found, and both processors
    python tools/wheels.py --python 3.12  # for some

The C compiler is Zig's, a package of PyPI: it brings the headers and symbols of every glibc, and compiles for other processors,
so no container is needed. The wheels are made from the source distribution in dist/, looked over by twine, auditwheel and
abi3audit, and the one for this processor is installed and run. What a wheel holds of C is stripped. How large each is stands in
docs/wheels.json, which the site shows. Those for Windows hold no C: `make test-windows` runs litsock there.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys

from pathlib import Path
from tempfile import TemporaryDirectory

TOP = Path(__file__).resolve().parent.parent
DIST, WORK, SIZES = TOP / "dist", TOP / "build" / "wheels", TOP / "docs" / "wheels.json"
NEEDS = "ziglang", "build", "twine", "auditwheel", "abi3audit"
VERSIONS = "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15"
GLIBC = "2.28"  # Debian 10, RHEL 8, Ubuntu 18.10, and what came after
PROCESSORS = "x86_64", "aarch64"
WINDOWS = "win_amd64", "win_arm64"  # one wheel each for every Python: nothing in it is compiled


def interpreters():
    "The Pythons of this machine, by version: on the path, or where pyenv keeps them."
    found = {}
    for version in VERSIONS:
        places = [shutil.which(f"python{version}"), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)]
        for place in filter(None, places):
            if runs(place, version):
                found[version] = str(place)
                break
    return found


def runs(python, version):
    "Whether it is that version, with its headers: a name on the path may only be a shim."
    ask = "import os, sysconfig, sys; print('{}.{}{}'.format(*sys.version_info[:2], sys.abiflags)); print(os.path.exists(sysconfig.get_path('include') + '/Python.h'))"
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    return not done.returncode and done.stdout.split() == [version, "True"]


def workshop(python, version):
    "An environment of that Python which builds wheels, and its interpreter."
    folder = WORK / f"python{version}"
    if not (folder / "made").exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        needs = quietly(python, "-c", "import building; print(*building.CFFI)", cwd=TOP / "tools").split()
        quietly(folder / "bin" / "pip", "install", "--quiet", "build", "setuptools>=77", *needs)
        (folder / "made").touch()
    return folder / "bin" / "python"


def quietly(*command, **options):
    "Run a command; what it says is shown only if it fails."
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{shlex.join(map(str, command))}: failed")
    return done.stdout


def settings_by_processor(version):
    "Debian's Python.h includes its settings by processor. A folder with this machine's for each: the processors are of the same width and byte order."
    own, folder = Path(f"/usr/include/{platform.machine()}-linux-gnu/python{version}/pyconfig.h"), WORK / "settings"
    for processor in PROCESSORS if own.exists() else ():
        copy = folder / f"{processor}-linux-gnu" / own.parent.name / own.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(own, copy)
    return folder


def build(python, version, processor, source):
    "Build one wheel from the unpacked source distribution, and put it into dist/."
    compiler = f"{sys.executable} -m ziglang cc -target {processor}-linux-gnu.{GLIBC} -O2 -fno-sanitize=undefined -I{settings_by_processor(version)}"
    environment = os.environ | {
        "CC": compiler, "LDSHARED": f"{compiler} -shared", "CFLAGS": "-O2 -g0 -fwrapv -DNDEBUG", "LDFLAGS": "-s", "ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig"),
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{version.replace('.', '')}-{processor}-linux-gnu.so",
    }
    tag = f"manylinux_{GLIBC.replace('.', '_')}_{processor}"
    options = "--wheel", "--no-isolation", "--outdir", DIST, f"-C--build-option=--plat-name={tag}"
    quietly(python, "-m", "build", *options, source, env=environment, cwd=WORK)


def build_for_windows(python, version, platform, source):
    "Build the wheel for a kind of Windows, and put it into dist/. It is the same text for all, but other systems must not take it."
    options = "--wheel", "--no-isolation", "--outdir", DIST, f"-C--build-option=--plat-name={platform}"
    quietly(workshop(python, version), "-m", "build", *options, source, env=os.environ | {"LITSOCK_FOR": "win32"}, cwd=WORK)
    wheel = next(DIST.glob(f"*-py3-none-{platform}.whl"))
    with TemporaryDirectory() as folder:
        shutil.unpack_archive(wheel, folder, "zip")
        if compiled := [path.name for path in Path(folder).rglob("*") if path.suffix in (".so", ".pyd")]:
            sys.exit(f"{wheel.name}: {compiled[0]} is compiled")
    return f"{wheel.name}: {wheel.stat().st_size // 1024} KiB"


def unpacked(folder):
    "The newest source distribution in dist/, unpacked."
    archives = sorted(DIST.glob("litsock-*.tar.gz"), key=os.path.getmtime)
    if not archives:
        sys.exit("there is no source distribution in dist/: make sdist")
    shutil.unpack_archive(archives[-1], folder, filter="data")
    return next(Path(folder).iterdir())


def audit(wheel):
    "Stop where something is wrong with a wheel; how many KiB it and each of its extensions have."
    said = " ".join(tool("auditwheel", "show", wheel).split())
    wanted = wheel.stem.rpartition("-")[2]
    if wanted not in said:
        sys.exit(f"{wheel.name}: auditwheel says that it is not {wanted}:\n{said}")
    with TemporaryDirectory() as folder:
        shutil.unpack_archive(wheel, folder, "zip")
        compiled = sorted(Path(folder).rglob("*.so"))
        for path in compiled:
            if path.name.endswith(".abi3.so"):
                tool("abi3audit", "--strict", "--assume-minimum-abi3", "3.11", path)
            if b".debug_info" in path.read_bytes():
                sys.exit(f"{wheel.name}: {path.name} is not stripped")
        return {"wheel": kibibytes(wheel)} | {path.name.partition(".")[0]: kibibytes(path) for path in compiled}


def kibibytes(path):
    return round(path.stat().st_size / 1024)


def keep(wheel, sizes):
    "Put the sizes of one wheel into the file, a line for each, by Python and processor."
    found = json.loads(SIZES.read_text(encoding="utf-8")) if SIZES.exists() else {}
    _, version, _, abi, tag = wheel.stem.split("-")
    processor = next(name for name in PROCESSORS if tag.endswith(name))
    found[f"{abi} {processor}"] = {"version": version, **sizes, "glibc": GLIBC, "date": datetime.date.today().isoformat()}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(found[key])}" for key in sorted(found))
    SIZES.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def tool(name, *arguments):
    return quietly(Path(sys.executable).with_name(name), *arguments)


SMOKE = "import sys, litsock; assert not {'socket', '_socket'} & sys.modules.keys(); print(*litsock.socketpair())"


def try_out(python, wheel):
    "Install a wheel into an empty environment, with no compiler in reach, and use it."
    with TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        quietly(f"{folder}/bin/pip", "install", "--quiet", "--only-binary", ":all:", wheel, env=os.environ | {"CC": "/no/compiler"})
        environment = {"PATH": f"{folder}/bin", "HOME": folder}
        for command in ["python", "-c", SMOKE], ["litsock", "families"], ["python", "-m", "litsock.examples", "demo"]:
            quietly(f"{folder}/bin/{command[0]}", *command[1:], env=environment, cwd=folder)


def arguments():
    parser = argparse.ArgumentParser(prog="python tools/wheels.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="+", choices=VERSIONS, default=VERSIONS, metavar="VERSION", help=" ".join(VERSIONS))
    parser.add_argument("--processor", nargs="+", choices=PROCESSORS, default=PROCESSORS, help=" ".join(PROCESSORS))
    parser.add_argument("--windows", action="store_true", help="only the wheels for Windows")
    parser.add_argument("--needs", action="store_true", help="print the packages that this needs")
    return parser.parse_args()


def main():
    asked = arguments()
    if asked.needs:
        return print(*NEEDS)
    found = interpreters()
    for wheel in DIST.glob("*-py3-none-win*.whl"):
        wheel.unlink()
    with TemporaryDirectory() as folder:
        source, (version, python) = unpacked(folder), next(iter(found.items()))
        for kind in WINDOWS:
            print(build_for_windows(python, version, kind, source), flush=True)
    for version in () if asked.windows else asked.python:
        if version not in found:
            print(f"Python {version}: not on this machine, or without its headers; no wheel")
            continue
        abi = version.replace(".", "")
        for wheel in DIST.glob(f"*-cp{abi}-*.whl"):
            wheel.unlink()
        with TemporaryDirectory() as folder:
            source = unpacked(folder)
            for processor in asked.processor:
                build(workshop(found[version], version), version, processor, source)
        for wheel in sorted(DIST.glob(f"*-cp{abi}-*.whl")):
            sizes = audit(wheel)
            print(f"{wheel.name}: {', '.join(f'{name} {size} KiB' for name, size in sizes.items())}", flush=True)
            if wheel.stem.endswith(platform.machine()):
                try_out(found[version], wheel)
            keep(wheel, sizes)
    print(tool("twine", "check", "--strict", *sorted(DIST.iterdir())).strip().splitlines()[-1])


if __name__ == "__main__":
    main()
