"""The virtual machine: a stock Debian kernel in software emulation, with this machine's files under a layer of its own."""

import gzip
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
CACHE = Path(os.environ.get("LITSOCK_VM_CACHE", TOP / "build" / "vm"))
KERNEL = "linux-image-amd64"
BOOT = "virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"  # what the initramfs loads
LOAD = """
    can can_raw can_bcm can_isotp can_j1939 vcan vxcan tipc rds rds_tcp bluetooth hci_vhci rfcomm af_alg algif_hash
    algif_skcipher algif_aead algif_rng vsock vsock_loopback qrtr veth dummy sctp dccp udp_diag tcp_diag inet_diag
    raw_diag unix_diag netlink_diag af_packet_diag vsock_diag
"""  # what is loaded before anything runs; the rest comes when a program asks for it
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "dpkg-deb": "dpkg", "setpriv": "util-linux"}
NOT_COPIED = ".venv", ".git", "build", "_docs", "jupyter_execute", "__pycache__"  # and what calls itself a cache
LIMIT = 2700  # seconds; it takes 1700 beside other work


def run(
    command: str,  # for the shell
    tree: Path,  # the working copy: the command runs in a copy of it, as root
    results: Path,  # what the command leaves in /run/out
) -> int:  # the command's exit status
    "Run a command in the machine, and show what it prints."
    check_host()
    unpacked = kernel()
    modules = next((unpacked / "lib" / "modules").iterdir())
    pack(tree, results / "tree.tar")
    (results / "initramfs").write_bytes(initramfs(modules))
    (results / "inside").write_text(settings(command, tree, modules) + (HERE / "inside.sh").read_text())
    print(f"== booting {modules.name} in software emulation", flush=True)
    how = boot(unpacked, results)
    if not (results / "status").exists():
        sys.exit(f"the virtual machine {how}; {console(results, tree)}")
    return int((results / "status").read_text())


def check_host():
    "See that this machine can run the other one, or say what is missing."
    if platform.machine() != "x86_64":
        sys.exit(f"the virtual machine is an x86_64 one that runs this machine's programs, and this one is {platform.machine()}")
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if missing:
        sys.exit(f"the virtual machine needs what is not installed: apt-get install {' '.join(missing)}")


def kernel():
    "The folder of an unpacked kernel: downloaded once."
    folder = CACHE / "kernel"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=CACHE) as scratch:
            download(Path(scratch)).rename(folder)
    return folder


def download(scratch):
    "Unpack Debian's kernel, and nothing of what else it would install."
    if not shutil.which("apt-get"):
        sys.exit("apt-get is missing: the virtual machine's kernel comes from Debian's archive")
    packages = kernel_packages()
    print(f"== downloading {' '.join(packages)}", file=sys.stderr, flush=True)
    said_by("apt-get", "download", *packages, cwd=scratch)
    unpacked = scratch / "kernel"
    for package in scratch.glob("*.deb"):
        said_by("dpkg-deb", "-x", package, unpacked)
    if (unpacked / "usr" / "lib" / "modules").exists():
        (unpacked / "usr" / "lib").rename(unpacked / "lib")
    version = next((unpacked / "lib" / "modules").iterdir()).name
    said_by("busybox", "depmod", "-b", unpacked, version, cwd=unpacked)
    return unpacked


def kernel_packages():
    "The packages that hold the current kernel and its modules."
    known = subprocess.run(["apt-cache", "depends", "--recurse", "--important", KERNEL], capture_output=True, text=True).stdout
    found = re.findall(r"^linux-(?:image|modules)-\d\S*$", known, re.MULTILINE)
    return found or sys.exit(f"apt knows no package {KERNEL} of Debian's: apt-get update")


def said_by(*command, **how):
    "What a command says. If it fails, that is the end, with its last complaint."
    done = subprocess.run(command, capture_output=True, text=True, **how)
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        sys.exit(f"{command[0]}: {complaint[-1]}")
    return done.stdout


def with_dependencies(names, folder):
    "The files of modules and of those they need, in the order of loading."
    lines = (line.split(":") for line in (folder / "modules.dep").read_text().splitlines())
    needs = {path: rest.split() for path, rest in lines}
    paths = {Path(path).name.partition(".")[0].replace("-", "_"): path for path in needs}
    order: dict = {}

    def add(path):
        for other in needs[path]:
            add(other)
        order.setdefault(path)

    for name in names:
        add(paths[name])
    return [folder / path for path in order]


def initramfs(modules):
    "What the kernel starts with: busybox, `init`, and the modules that reach the host's files."
    with TemporaryDirectory() as name:
        root = Path(name)
        for place in ("bin", "proc", "sys", "dev", "modules"):
            (root / place).mkdir()
        shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
        shutil.copy(HERE / "init.sh", root / "init")
        (root / "init").chmod(0o755)
        files = with_dependencies(BOOT, modules)
        for file in files:
            shutil.copy(file, root / "modules")
        (root / "modules" / "order").write_text("".join(f"{file.name}\n" for file in files))
        names = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.rglob("*")))
        archive = ["busybox", "cpio", "-o", "-H", "newc"]
        return gzip.compress(subprocess.run(archive, cwd=root, input=names.encode(), check=True, capture_output=True).stdout, 1)


def pack(tree, archive):
    "Put the working copy into one file, which the machine unpacks: reading it one by one from there would take long."
    leave_out = [f"--exclude={name if name == '__pycache__' else f'./{name}'}" for name in NOT_COPIED]
    said_by("tar", "--exclude-caches", *leave_out, "-cf", archive, "-C", tree, ".")


def settings(command, tree, modules):
    "The lines in front of `inside.sh`."
    terminal = "cols {} rows {}".format(*shutil.get_terminal_size()) if sys.stdout.isatty() else ""
    values = {
        "COMMAND": command, "TREE": tree, "PYTHON": python_of(tree), "MODULES": modules.parent, "LOAD": " ".join(LOAD.split()),
        "TERMINAL": terminal,
    }  # fmt: skip
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())


def python_of(tree):
    "The interpreter of the working copy's own environment, or else this one."
    own = tree / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def boot(unpacked, results):
    "Run the machine until it switches itself off, and say how it ended. What it prints is shown at once."
    port = "virtconsole" if sys.stdout.isatty() else "virtserialport"  # who has a terminal here has one in there
    machine = [
        "setpriv", "--pdeathsig", "KILL",  # whatever becomes of us, it does not outlive us
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
        "-kernel", next((unpacked / "boot").glob("vmlinuz-*")), "-initrd", results / "initramfs",
        "-append", "console=ttyS0 panic=-1 mitigations=off no_timer_check init_on_alloc=0 apparmor=0 audit=0 nokaslr",
        "-serial", f"file:{results / 'console'}",
        "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
        "-virtfs", f"local,path={results},mount_tag=out,security_model=none",
        "-device", "virtio-serial-pci", "-chardev", "stdio,id=output,signal=off", "-device", f"{port},chardev=output",
    ]  # fmt: skip
    with subprocess.Popen(machine, stdin=subprocess.PIPE) as process:  # the end of its input would be the end of its output
        try:
            return f"ended with {process.wait(LIMIT)}"
        except subprocess.TimeoutExpired:
            return f"took longer than {LIMIT} s"
        finally:
            process.kill()


def console(results, tree):
    "Keep what the machine's kernel said, and tell the end of it."
    kept = tree / "build" / "vm-console.log"
    kept.parent.mkdir(exist_ok=True)
    shutil.copyfile(results / "console", kept) if (results / "console").exists() else kept.touch()
    lines = kept.read_text(errors="replace").splitlines()
    return "\n".join([f"the end of its console, which is kept in {kept}:", *lines[-20:]])
