"""What the cells of the notebooks need from pytest, and what a machine may lack.

Every cell counts as run. Execution counts would make noise in each difference, so the notebooks are stored without:
nbdev_clean takes them out. nbval takes a cell without one for a cell that was never run, and does not compare what it shows.
Ours all were.

A cell tagged `needs-AF_CAN`, or a test marked `@pytest.mark.needs("AF_CAN")`, is skipped where the kernel has no CAN, and says
so. In the virtual machine of `make test-families` nothing is: there, what is missing is a failure.
"""

import os
import shutil
import subprocess
import sys
from errno import EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT
from functools import cache
from importlib.util import find_spec

import nbval.kernel
import pytest
from nbval.plugin import IPyNbCell

import litsock
from litsock.constant_names import GROUPS
from litsock.observe.supported import ENTRIES

IN_MACHINE = "LITSOCK_VM" in os.environ
PREFIX = "needs-"
PACKAGE = "package:"  # needs("package:freezegun")
FAMILIES = {name for _, names in GROUPS.values() for name in names if name.startswith("AF_")}
SOCKETS = {entry.name: entry for entry in ENTRIES}  # families and protocols of which the book knows a type of socket
ABSENT = EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13  # bits of capabilities: <linux/capability.h>


START = nbval.kernel.start_new_kernel


def start_kernel(*arguments, **named):
    "Once more where it dies: its ports are chosen before it binds them, and another process may have been quicker."
    try:
        return START(*arguments, **named)
    except RuntimeError:
        return START(*arguments, **named)


nbval.kernel.start_new_kernel = start_kernel


def can_open(family, kind, protocol=0, absent=ABSENT):
    "Whether the kernel knows this kind of socket, allowed or not."
    try:
        litsock.socket(family, kind, protocol).close()
    except OSError as error:
        return error.errno not in absent
    return True


def in_kernel(name):
    "Whether the kernel has a family or a protocol."
    if not hasattr(litsock, name):
        return False
    if name in SOCKETS:
        return can_open(*SOCKETS[name].numbers())
    return can_open(getattr(litsock, name), litsock.SOCK_DGRAM, absent=[EAFNOSUPPORT])


def root():
    "Whether this process may make interfaces and send raw packets."
    with open("/proc/self/status") as status:
        effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    return effective & NET_ADMIN and effective & NET_RAW


def veth():
    "Whether a pair of virtual network cards can be made. They are removed at once."
    if not root() or not shutil.which("ip"):
        return False
    one, other = f"l{os.getpid()}", f"r{os.getpid()}"
    made = subprocess.run(f"ip link add {one} type veth peer name {other}", shell=True, capture_output=True)
    subprocess.run(f"ip link delete {one}", shell=True, capture_output=True)
    return made.returncode == 0


def ping():
    try:
        litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM, litsock.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def ipv6():
    "Whether the loopback interface has its IPv6 address."
    try:
        with litsock.socket(litsock.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def vsock_loopback():
    "Whether a virtual socket reaches another one on the same machine. Without the module, the connection never comes about."
    try:
        with litsock.socket(litsock.AF_VSOCK) as server, litsock.socket(litsock.AF_VSOCK) as client:
            server.bind((litsock.VMADDR_CID_ANY, litsock.VMADDR_PORT_ANY))
            server.listen()
            client.settimeout(1)
            client.connect((litsock.VMADDR_CID_LOCAL, server.getsockname()[1]))
    except OSError:
        return False
    return True


def has_own_network():
    "Whether a process can have a network of its own, and capture packets there."
    from litsock.observe.wire import capture, own_network

    def try_it():
        with capture("lo"):
            return True

    try:
        return own_network(try_it)
    except OSError:
        return False


OTHERS = {  # need: how to look, and what to say
    "cpython": (lambda: sys.implementation.name == "cpython", "needs CPython: its reference counts, or its words"),
    "ipv6": (ipv6, "needs IPv6 on the loopback interface"),
    "vsock-loopback": (vsock_loopback, "needs virtual sockets within one machine: the kernel module vsock_loopback"),
    "netbase": (lambda: os.path.exists("/etc/services") and os.path.exists("/etc/protocols"), "needs /etc/services and /etc/protocols (Debian: netbase)"),
    "root": (root, "needs root: CAP_NET_ADMIN and CAP_NET_RAW"),
    "veth": (veth, "needs virtual network cards: root, the kernel module veth, and ip (Debian: iproute2)"),
    "vcan0": (lambda: "vcan0" in dict(map(reversed, litsock.if_nameindex())), "needs an interface vcan0 (not in this kernel)"),
    "vhci": (lambda: os.access("/dev/vhci", os.R_OK | os.W_OK), "needs /dev/vhci: root and the kernel module hci_vhci"),
    "tshark": (lambda: shutil.which("tshark"), "needs tshark, which reads captures (Debian: tshark)"),
    "own-network": (has_own_network, "needs a network of its own, and packet sockets there: user namespaces, or root (unshare -rn)"),
    "windows": (lambda: sys.platform == "win32", "needs Windows: make test-windows runs it there"),
    "ping": (ping, "needs leave to ping: sysctl net.ipv4.ping_group_range"),
}


@cache
def missing(need):
    "Why a need is not met; `None` if it is."
    if need.startswith(PACKAGE):
        package = need.removeprefix(PACKAGE)
        return None if find_spec(package) else f"needs the package {package}"
    if need in OTHERS:
        look, reason = OTHERS[need]
        return None if look() else reason
    if need in SOCKETS or need in FAMILIES:
        return None if in_kernel(need) else f"needs {need} (not in this kernel)"
    raise pytest.UsageError(f"nobody knows how to look for {need!r}: conftest.py lists what can be needed")


def needs_of(item):
    "What a cell or a test says it needs."
    if isinstance(item, IPyNbCell):
        return [tag.removeprefix(PREFIX) for tag in item.cell.metadata.get("tags", []) if tag.startswith(PREFIX)]
    return [need for mark in item.iter_markers("needs") for need in mark.args]


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(what, …): skip the test where the machine lacks this")


def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, IPyNbCell):
            item.cell.execution_count = 0
        reasons = [reason for need in needs_of(item) if (reason := missing(need))]
        if reasons and not IN_MACHINE:
            item.add_marker(pytest.mark.skip(reason=reasons[0]))
