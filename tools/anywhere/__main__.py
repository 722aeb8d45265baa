"""Install and test litsock on bare machines, with every Python there is: `make test-anywhere`, or `python tools/anywhere NAME…`

A bare machine is a folder with a minimal Debian in it, made by debootstrap when it is first asked for, in which an ordinary user
unpacks what is committed here. It is kept in LITSOCK_MACHINES (/var/tmp/litsock-machines) until somebody removes the folder.
Making one, and going into it, takes root. A Python that no Debian has is taken from this machine, if it is here.

What came out is kept, with date and versions, in docs/anywhere.json, which the site shows.
"""

import argparse
import datetime
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
RESULTS = TOP / "docs" / "anywhere.json"
MACHINES = Path(os.environ.get("LITSOCK_MACHINES", "/var/tmp/litsock-machines"))
MIRROR = "http://deb.debian.org/debian"
USER, HOME = "somebody", "home/somebody"
COMMON = "git make gcc libc6-dev netbase iproute2"

# What is tested: a Debian, its packages besides the common ones, and the command that starts its Python.
# Without a Debian: the Python of that name on this machine.
PLACES = {
    "bookworm": ("bookworm", "python3-venv python3-dev libpython3.11-testsuite", "python3"),
    "3.12": (None, "", "python3.12"),
    "3.13": ("sid", "python3.13-venv python3.13-dev libpython3.13-testsuite", "python3.13"),
    "3.13t": (None, "", "python3.13t"),
    "3.14": ("sid", "python3.14-venv python3.14-dev libpython3.14-testsuite", "python3.14"),
    "3.14t": (None, "", "python3.14t"),
    "3.15": ("sid", "python3.15-venv python3.15-dev libpython3.15-testsuite", "python3.15"),
    "pypy": ("sid", "pypy3-venv pypy3-dev pypy3-lib-testsuite", "pypy3"),
    "aarch64": ("trixie-arm64", "python3-venv libpython3.13-testsuite", "python3.13"),
}
STEPS = "install", "tests", "suites", "make", "wheel"
ONLY = {"aarch64": ["wheel"]}  # an emulated processor would compile for an hour
SETTINGS = re.compile(r"(pip_|https?_proxy|no_proxy|ssl_|requests_)", re.IGNORECASE)


def root_of(suite):
    "The folder of a machine, made where it is not there yet."
    root, (release, _, processor) = MACHINES / suite, suite.partition("-")
    if (root / ".made").exists():
        return root
    if os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("a bare Debian is made by root, with debootstrap: apt install debootstrap")
    print(f"== making {root} (two minutes)", flush=True)
    root.mkdir(parents=True, exist_ok=True)
    if processor and not list(Path("/proc/sys/fs/binfmt_misc").glob("qemu-*")):
        sys.exit(f"programs for {processor} are run by qemu: apt install qemu-user-static binfmt-support")
    options = "--variant=minbase", *([f"--arch={processor}"] if processor else [])
    with open(MACHINES / f"{suite}.log", "w") as log:
        if subprocess.run(["debootstrap", *options, release, root, mirror()], stdout=log, stderr=log).returncode:
            sys.exit(f"debootstrap failed: see {log.name}")
    (root / ".made").touch()
    return root


def mirror():
    "Where this machine's own packages come from, if it is a Debian."
    for path in sorted(Path("/etc/apt/sources.list.d").glob("debian*.sources")):
        if found := re.search(r"^URIs:\s*(\S+)", path.read_text(), re.MULTILINE):
            return found.group(1)
    return MIRROR


def furnish(root):
    "Give a machine its user, the network's settings of this machine, and what is committed here."
    for name in "resolv.conf", "hosts", "pip.conf":
        if Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), root / "etc" / name)
    if not (root / HOME).exists():
        subprocess.run(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER], check=True)
    for home in "root", HOME:
        if (mine := Path.home() / ".config" / "pip").is_dir():
            shutil.copytree(mine, root / home / ".config" / "pip", dirs_exist_ok=True)
    shutil.rmtree(root / HOME / "litsock", ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", TOP, root / HOME / "litsock"], check=True)
    for wheel in (TOP / "dist").glob("*.whl"):  # what make wheels made: --run may want to try it out
        shutil.copy(wheel, root / HOME / "litsock")


ENTER = """
mount --rbind /dev "$root/dev"; mount -t proc proc "$root/proc"; mount -t sysfs sys "$root/sys"
[ -z "$packages" ] || chroot "$root" env DEBIAN_FRONTEND=noninteractive bash -c "
  dpkg --configure -a && apt-get -qq -o Acquire::Check-Valid-Until=false update && apt-get install -y -qq --no-install-recommends $packages" >"$root/tmp/apt.log" 2>&1 || { tail -3 "$root/tmp/apt.log"; exit 1; }
mkdir -p "$root/etc/ssl/certs"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
chroot "$root" chown -R $user: /home/$user
exec chroot "$root" setpriv --reuid=$user --regid=$user --init-groups env -i HOME=/home/$user LANG=C.UTF-8 \\
  PATH=/usr/local/bin:/usr/bin:/bin bash -c "$settings cd ~/litsock && $command"
"""


def inside(suite, packages, command):
    "Run a command of bash in a machine, as its user, in a clone of what is committed here: its exit status."
    furnish(root := root_of(suite))
    settings = "".join(f"export {name}={shlex.quote(value)}; " for name, value in os.environ.items() if SETTINGS.match(name))
    environment = os.environ | {"root": root, "packages": packages, "user": USER, "settings": settings, "command": command}
    environment["PATH"] = f"/usr/sbin:/sbin:{environment['PATH']}"
    return subprocess.run(["unshare", "--mount", "bash", "-eu", "-c", ENTER], env=environment).returncode


def test(name, steps):
    "What came out in one place, as tools/anywhere/steps.py tells it; None where the place cannot be had."
    suite, packages, python = PLACES[name]
    words = shlex.join(["tools/anywhere/steps.py", "build/steps.json", *steps])
    if suite:
        status = inside(suite, f"{COMMON} {packages}", f"mkdir -p build && {python} {words}")
        report = root_of(suite) / HOME / "litsock" / "build" / "steps.json"
        return json.loads(report.read_text()) if not status else {"failed": f"exit status {status}"}
    if not (found := here(python)):
        print(f"{name}: no Debian has it, and this machine has no {python}")
        return None
    with TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", TOP, f"{folder}/litsock"], check=True)
        line = f"cd {folder}/litsock && mkdir build && {found} {words}"
        if subprocess.run(["bash", "-c", line]).returncode:
            return {"failed": "the steps did not end"}
        return json.loads(Path(folder, "litsock", "build", "steps.json").read_text())


def here(python):
    "A Python of this machine: on the path, or where pyenv keeps them."
    version = python.removeprefix("python")
    for place in [shutil.which(python), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)]:
        if place and subprocess.run([place, "-c", ""], capture_output=True).returncode == 0:
            return place
    return None


def commit():
    "What is tested: the last commit."
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True).stdout.strip()


def keep(name, result, tested):
    "Put one place's result into the file, a line for each. A step that did not run keeps what it found, and `measured` says when."
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before, today = results.get(name, {}), datetime.date.today().isoformat()
    before.pop("failed", None)
    measured = before.get("measured", {}) | {step: [today, tested] for step in STEPS if step in result}
    results[name] = before | result | {"date": today, "commit": tested, "measured": measured}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(results[key])}" for key in PLACES if key in results)
    RESULTS.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(prog="python tools/anywhere", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", metavar="PLACE", help=f"some of {' '.join(PLACES)}; all of them if none is named")
    parser.add_argument("--steps", nargs="+", default=[], help=f"some of the steps: {' '.join(STEPS)}; the first three if none is named, for another processor the wheel")
    parser.add_argument("--forget", action="store_true", help="do not keep the results: say them, and fail where a suite fails")
    parser.add_argument("--run", metavar="COMMAND", help="instead of the steps: any command of bash, as the user of a bare machine")
    parser.add_argument("--packages", default="", help="with --run: the packages of Debian that the machine has besides")
    asked = parser.parse_args()
    if not asked.run and (unknown := set(asked.places) - PLACES.keys()):
        parser.error(f"no such place: {', '.join(sorted(unknown))}")
    return asked


def main():
    asked = arguments()
    if asked.run:
        return max(inside(suite, asked.packages, asked.run) for suite in asked.places or ["bookworm"])
    failed = []
    for name in asked.places or PLACES:
        print(f"== {name}", flush=True)
        tested, result = commit(), test(name, asked.steps or ONLY.get(name, []))
        if result is None:
            continue
        print(f"   {json.dumps(result)}", flush=True)
        if not asked.forget:
            keep(name, result, tested)
        if result.get("failed") or (asked.forget and result.get("only standard")):
            failed.append(name)
    return f"failed: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
