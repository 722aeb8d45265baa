"""A small virtual machine whose kernel has every socket family, with this machine's files in it.

A stock Debian kernel runs in software emulation (qemu). It sees the host's file system, read-only, under a layer of its
own, so everything that is installed here can run there, as root of the virtual machine, and nothing it does remains.
Nobody needs to be root here.

    python tools/vm run COMMAND …            run a command in a copy of this folder
    python tools/vm execute NOTEBOOK …       execute notebooks there, and keep their outputs
    python tools/vm test                     the chapters on families, the examples, and CPython's own tests
"""

import argparse
import gzip
import os
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
CACHE = Path(os.environ.get("LITSOCK_VM_CACHE", TOP / "build" / "vm"))
BOOT = "virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"  # what the initramfs loads
LOAD = """
    can can_raw can_bcm can_isotp can_j1939 vcan vxcan tipc rds rds_tcp bluetooth hci_vhci rfcomm af_alg algif_hash
    algif_skcipher algif_aead algif_rng vsock vsock_loopback qrtr veth dummy sctp dccp udp_diag tcp_diag inet_diag
    raw_diag unix_diag netlink_diag af_packet_diag vsock_diag
"""  # what is loaded before the tests; the rest comes when a program asks for it
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "dpkg-deb": "dpkg"}
LIMIT = 1800  # seconds


def need(program):
    "The path of a program, or an end that says which package brings it."
    path = shutil.which(program)
    if path is None:
        sys.exit(f"{program} is missing: apt-get install {PACKAGES[program]}")
    return path


def kernel():
    "The folder of an unpacked kernel package: downloaded once."
    folder = CACHE / "kernel"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE) as scratch:
        print("== downloading a kernel", file=sys.stderr, flush=True)
        lines = output("apt-cache", "depends", "linux-image-amd64").splitlines()
        package = next((line.split()[-1] for line in lines if "Depends: linux-image" in line), None)
        if package is None:
            sys.exit("apt knows no package linux-image-amd64: apt-get update")
        subprocess.run(["apt-get", "download", "-qq", package], cwd=scratch, check=True, stderr=subprocess.DEVNULL)
        unpacked = Path(scratch, "kernel")
        subprocess.run([need("dpkg-deb"), "-x", next(Path(scratch).glob("*.deb")), unpacked], check=True)
        version = next((unpacked / "lib" / "modules").iterdir()).name
        subprocess.run([need("busybox"), "depmod", "-b", unpacked, version], check=True, cwd=unpacked)
        unpacked.rename(folder)
    return folder


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def with_dependencies(modules, folder):
    "The files of modules and of those they need, in the order of loading."
    lines = (line.split(":") for line in (folder / "modules.dep").read_text().splitlines())
    needs = {path: rest.split() for path, rest in lines}
    paths = {Path(path).name.partition(".")[0].replace("-", "_"): path for path in needs}
    order: dict = {}

    def add(path):
        for other in needs[path]:
            add(other)
        order.setdefault(path)

    for module in modules:
        add(paths[module])
    return [folder / path for path in order]


def initramfs(modules_folder):
    "What the kernel starts with: busybox, `init`, and the modules that reach the host's files."
    with TemporaryDirectory() as name:
        root = Path(name)
        for place in ("bin", "proc", "sys", "dev", "modules"):
            (root / place).mkdir()
        shutil.copy(need("busybox"), root / "bin" / "busybox")
        shutil.copy(HERE / "init.sh", root / "init")
        (root / "init").chmod(0o755)
        files = with_dependencies(BOOT, modules_folder)
        for file in files:
            shutil.copy(file, root / "modules")
        (root / "modules" / "order").write_text("".join(f"{file.name}\n" for file in files))
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        archive = subprocess.run(
            [need("busybox"), "cpio", "-o", "-H", "newc"], cwd=root, input=names.encode(), check=True, capture_output=True
        ).stdout
    return gzip.compress(archive, 1)


def python_of(tree):
    "The interpreter of the folder's own environment, or else this one."
    own = tree / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def run(command, tree, results, limit=LIMIT):
    "Run a shell command in the machine. Its output is shown here; what it leaves in /run/out is in `results`. Its status."
    folder = kernel()
    modules = next((folder / "lib" / "modules").iterdir())
    settings = {
        "TREE": tree, "PYTHON": python_of(tree), "MODULES": modules.parent, "LOAD": " ".join(LOAD.split()), "COMMAND": command,
    }
    lines = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items())
    (results / "inside").write_text(lines + (HERE / "inside.sh").read_text())
    (results / "initramfs").write_bytes(initramfs(modules))
    machine = [
        need("qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
        "-kernel", next((folder / "boot").glob("vmlinuz-*")), "-initrd", results / "initramfs",
        "-append", "console=ttyS0 panic=-1 mitigations=off no_timer_check",
        "-serial", f"file:{results / 'console'}",
        "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
        "-virtfs", f"local,path={results},mount_tag=out,security_model=none",
        "-device", "virtio-serial-pci", "-chardev", "stdio,id=output,signal=off",
        "-device", "virtserialport,chardev=output",
    ]
    print(f"== booting {modules.name} in software emulation", flush=True)
    with subprocess.Popen(machine, stdin=subprocess.PIPE) as process:  # at its end the output would end too
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            sys.exit(f"the virtual machine took longer than {limit} s; its console: {tail(results / 'console')}")
        finally:
            process.kill()
    status = results / "status"
    if not status.exists():
        sys.exit(f"the virtual machine ended without a word; its console:\n{tail(results / 'console')}")
    return int(status.read_text())


def test(tree):
    "The chapters and tests that want a kernel with everything, and how many there were."
    began = time.monotonic()
    with TemporaryDirectory() as name:
        results = Path(name)
        status = run(f"sh /run/tree/{HERE.relative_to(TOP)}/tests.sh", tree, results)
        print(*counts(results.glob("*.xml")), sep="\n")
        for report in results.glob("*.xml"):  # the site shows what was measured
            shutil.copyfile(report, tree / "build" / f"families-{report.name}")
    print(f"In the virtual machine: {'failed' if status else 'all passed'}, in {time.monotonic() - began:.0f} s.")
    return status


def counts(reports):
    "How many cells and tests ran, and what was skipped."
    cases = [case for report in reports for case in xml.parse(report).iter("testcase")]
    skipped = [element for case in cases if (element := case.find("skipped")) is not None]
    cells = sum(case.get("name").startswith("Cell") for case in cases)
    lines = [f"{cells} cells and {len(cases) - cells} tests, {len(skipped)} of them skipped"]
    return lines + sorted({f"  skipped: {element.get('message')}" for element in skipped})


def tail(path, lines=20):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def execute(notebooks, tree):
    "Execute notebooks in the machine, in place."
    with TemporaryDirectory() as name:
        results = Path(name)
        for page in notebooks:
            if not (tree / page).is_file():
                sys.exit(f"there is no {page} in {tree}")
        words = shlex.join(map(str, notebooks))
        command = (
            f"python -m jupyter nbconvert --to notebook --execute --inplace {words} && cp {words} /run/out/"
        )
        status = run(command, tree, results)
        if not status:
            for page in notebooks:
                shutil.copyfile(results / Path(page).name, tree / page)
        return status


def main():
    parser = argparse.ArgumentParser(prog="python tools/vm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=TOP, help="the working copy (default: the one this lies in)")
    parser.add_argument("what", choices=["run", "execute", "test"])
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    tree = options.tree.resolve()
    if options.what == "execute":
        sys.exit(execute(options.words, tree))
    if options.what == "test":
        sys.exit(test(tree))
    with TemporaryDirectory() as results:
        sys.exit(run(shlex.join(options.words), tree, Path(results)))


if __name__ == "__main__":
    main()
