"""The constants: against the running Python, against this machine's C headers, and as a programmer meets them."""

import json
import pickle
import re
import runpy
import shutil
import socket
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import litsock
from litsock import constants

if sys.platform == "win32":
    from litsock.kernel import winsock as in_python
else:
    from litsock.kernel import cffi_calls as in_python

ROOT = Path(__file__).parent.parent
LIST = runpy.run_path(str(ROOT / "litsock" / "constant_names.py"))
GROUPS = LIST["GROUPS"]
EVERY = {name: (kind, expression, text) for _, members in GROUPS.values() for name, (kind, expression, text) in members.items()}


PYPY, OTHERS = sys.implementation.name == "pypy", ("FD_", "POLL", "SIOCG", "SSL_")  # PyPy's module has some of select and ssl
ERRORS_OF_CPYTHON = pytest.mark.skipif(PYPY, reason="needs CPython's module to compare with; PyPy's raises other errors")


# --- The running Python ---------------------------------------------------------------------------------------------

def is_constant(name, value):
    return isinstance(value, (int, str)) and (name.isupper() or name in ("AF_DECnet", "has_ipv6")) and name[0] != "_" and not (PYPY and name.startswith(OTHERS))


THEIRS = {name: value for name, value in vars(socket).items() if is_constant(name, value)}


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_every_constant_of_the_standard_module(name):
    theirs, ours = THEIRS[name], getattr(litsock, name)
    assert ours == theirs
    assert type(ours).__name__ == type(theirs).__name__
    assert (repr(ours), str(ours), f"{ours}") == (repr(theirs), str(theirs), f"{theirs}")


def test_star_import_brings_what_theirs_brings():
    names = {}
    exec("from litsock.constants import *", names)
    wanted = [name for name in socket.__all__ if name in THEIRS or name in ("error", "herror", "gaierror", "timeout")]
    assert [name for name in wanted if name not in names] == []


@pytest.mark.parametrize("expression", [
    "repr(m.MSG_PEEK | m.MSG_OOB)", "str(m.MSG_PEEK | m.MSG_OOB)", "repr(m.MsgFlag(0))", "repr(~m.MSG_OOB & m.MSG_PEEK)",
    "repr(m.AI_PASSIVE | m.AI_ALL)", "repr(m.AddressFamily(2))", "repr(m.SocketKind(1))", "m.AddressFamily['AF_INET'].value",
    "m.AF_INET.name", "m.AddressFamily(16).name", "m.SOCK_STREAM | m.SOCK_NONBLOCK", "type(m.SOCK_STREAM | m.SOCK_CLOEXEC)",
    "m.AF_INET + 0", "hash(m.AF_INET)", "isinstance(m.AF_INET, int)", "issubclass(m.gaierror, OSError)",
    "repr(m.gaierror(-2, 'x'))", "str(m.herror(1, 'x'))", "m.gaierror(-2, 'x').errno", "m.error is OSError",
    "m.timeout is TimeoutError",
])
def test_enums_and_exceptions_act_as_theirs(expression):
    assert eval(expression, {"m": litsock}) == eval(expression, {"m": socket})


def test_members_survive_pickling():
    for member in (*litsock.AddressFamily, *litsock.SocketKind, *litsock.MsgFlag, *litsock.AddressInfo):
        assert pickle.loads(pickle.dumps(member)) is member
    for exception in (litsock.gaierror(-2, "x"), litsock.herror(1, "x")):
        again = pickle.loads(pickle.dumps(exception))
        assert type(again) is type(exception) and again.args == exception.args


def test_the_list_is_read_only_when_asked_for():
    question = "import sys, litsock; print('litsock.constant_names' in sys.modules, 'socket' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, check=True, text=True, cwd=ROOT)
    assert answer.stdout.split() == ["False", "False"]


def test_an_unknown_number_stays_a_number():
    assert type(litsock.constants.as_member(12345, litsock.AddressFamily)) is int
    assert litsock.constants.as_member(int(litsock.AF_UNIX), litsock.AddressFamily) is litsock.AF_UNIX


# --- The list -------------------------------------------------------------------------------------------------------

def test_every_name_has_one_place_and_a_meaning():
    assert len(EVERY) == sum(len(members) for _, members in GROUPS.values())
    for name, (_, _, text) in EVERY.items():
        assert re.fullmatch(r"[A-Z][A-Za-z0-9_]*", name)
        assert 2 <= len(text) <= 120 and "  " not in text, name


def test_documented_names_of_other_systems_are_listed():
    for name in ("SIO_RCVALL", "SIO_KEEPALIVE_VALS", "SIO_LOOPBACK_FAST_PATH", "RCVALL_ON", "AF_LINK", "PF_SYSTEM", "SYSPROTO_CONTROL"):
        assert name in EVERY


def test_describe():
    assert [row[:2] for row in constants.describe("SHUT_*")] == [("SHUT_RD", 0), ("SHUT_WR", 1), ("SHUT_RDWR", 2)]
    assert [row[0] for row in constants.describe(litsock.SO_REUSEADDR, "SO_R*")] == ["SO_REUSEADDR"]
    assert [row[0] for row in constants.describe(litsock.AF_INET6)] == ["AF_INET6"]
    assert {row[0] for row in constants.describe(litsock.MSG_PEEK | litsock.MSG_OOB)} == {"MSG_PEEK", "MSG_OOB"}
    assert constants.describe("BDADDR_ANY")[0][1] == litsock.BDADDR_ANY
    table = constants.describe("TCP_*")._repr_html_()
    assert table.count("<tr>") == 1 + len(constants.describe("TCP_*"))
    assert "SO_REUSEADDR" in repr(constants.describe("SO_REUSE*"))


@pytest.mark.parametrize("wrong, hint", [("SO_REUSEADR", "SO_REUSEADDR"), ("af_inet", "AF_INET"), ("NOSUCH_*", "NOSUCH"), (123456789, "123456789")])
def test_describe_helps_with_what_is_unknown(wrong, hint):
    with pytest.raises(ValueError, match=hint):
        constants.describe(wrong)


def test_describe_refuses_what_is_no_number():
    with pytest.raises(TypeError):
        constants.describe(1.5)


# --- This machine's headers -----------------------------------------------------------------------------------------

INCLUDE = Path("/usr/include")
PREFIXES = """
AF PF SOCK SO SOMAXCONN MSG SOL SCM SHUT IPPROTO IPPORT INADDR IP IPTOS IPV6 MCAST EAI AI NI TCP UDP UDPLITE CAN CANFD
CANXL J1939 PACKET NETLINK NLM_F RDS RDS6 TIPC ALG VMADDR VM_SOCKETS VSOCK QRTR ETHERTYPE ETH_P SOF_TIMESTAMPING SOF_TXTIME
""".split()
WANTED = re.compile(rf"({'|'.join(PREFIXES)})(_\w+)?")
ELSEWHERE = {  # the same prefix, but not for sockets: a header, and what is in it
    "elf.h": "flags of program headers",
    "asm/bootparam.h": "the boot loader's",
    "asm/kvm.h": "page faults of virtual machines",
    "bits/msq.h": "System V message queues",
    "rpcsvc/bootparam_prot.h": "remote procedure calls",
    "linux/bpf.h": "arguments of BPF programs",
    "linux/can/netlink.h": "the set-up of a CAN interface, by route messages",
    "linux/comedi.h": "data acquisition cards of National Instruments",
    "linux/elf.h": "flags of program headers",
    "linux/ethtool.h": "flow rules of network cards",
    "linux/ip6_tunnel.h": "the set-up of tunnels",
    "linux/ip_vs.h": "load balancing in the kernel",
    "linux/major.h": "numbers of devices",
    "linux/msg.h": "System V message queues",
    "linux/netfilter/": "the firewall's own",
    "linux/netlink_diag.h": "a protocol over netlink",
    "linux/packet_diag.h": "a protocol over netlink",
    "linux/pfkeyv2.h": "the version of a protocol",
    "linux/pktcdvd.h": "writing to compact discs",
    "linux/snmp.h": "positions of counters",
    "linux/sock_diag.h": "a protocol over netlink",
    "linux/sockios.h": "ioctl numbers",
    "linux/if_tunnel.h": "flags of tunnels",
    "linux/tcp_metrics.h": "a protocol over netlink",
    "linux/tipc_config.h": "administration of TIPC",
    "linux/tipc_netlink.h": "administration of TIPC",
    "linux/vsockmon.h": "the format of captured packets",
}
SWEPT = 7, 2  # the version of Linux whose headers were the last to be looked through for the list
LEFT_OUT = {  # names of the headers that serve us, and why they are not in the list
    r"AI_IDN_(ALLOW|USE)_\w+|NI_IDN_(ALLOW|USE)_\w+": "glibc ignores them, and warns whoever uses them",
    r"SCM_SRCRT": "stands for a name that no header defines",
    r"TCP_FLAG_\w+|TCP_RESERVED_BITS|TCP_DATA_OFFSET": "masks for the bytes of a TCP header",
    r"TCP_COOKIE_\w+|TCP_S_DATA_\w+": "of an option that Linux dropped in 3.10",
    r"NETLINK_(UN)?CONNECTED": "states inside the kernel",
    r"SOF_\w+_(LAST|MASK)": "ends of an enumeration, which move",
    r"IPPROTO_MAX": "the end of an enumeration, which moves",
    r"TCP_ACCECN_\w+": "values inside tcp_info, some of them by a macro that no header for programs defines",
    r"IPV6_VERSION(_MASK)?|IPV6_FLOW(INFO|LABEL)_MASK": "masks for the bytes of an IPv6 header",
}


def headers():
    "The C library's and the kernel's headers on this machine."
    for folder in ("", "asm-generic", "linux", "linux/can", "linux/netfilter", "linux/netfilter/ipset", "net", "netinet", "netpacket",
                   "netiucv", "sys", "rpcsvc"):
        yield from (INCLUDE / folder).glob("*.h")
    for machine in INCLUDE.glob(sysconfig.get_config_var("MULTIARCH") or "*-linux-gnu*"):  # Debian may have those of other machines, too
        for folder in ("asm", "bits", "sys"):
            yield from (machine / folder).glob("*.h")


def defined_in(text):
    "Names of the macros with a value, and of the enumerators."
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    yield from re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\S", text, flags=re.M)
    for body in re.findall(r"\benum\b[^;{]*\{(.*?)\}", text, flags=re.S):
        body = re.sub(r"^\s*#.*$|//.*$", "", body, flags=re.M)
        yield from re.findall(r"(?:^|,)\s*(\w+)\s*(?==|,|$)", body)


@cache
def sweep():
    "Header to the names with one of our prefixes that it defines; `None` where there are no headers."
    if not (INCLUDE / "linux" / "tcp.h").exists():
        pytest.skip("needs the kernel's headers in /usr/include (package linux-libc-dev)")
    found = {}
    for path in headers():
        short = re.sub(r"^[^/]*-linux-gnu[^/]*/", "", str(path.relative_to(INCLUDE)))
        names = {name for name in defined_in(path.read_text(errors="replace")) if WANTED.fullmatch(name)}
        if names and not any(short.startswith(other) for other in ELSEWHERE):
            found.setdefault(short, set()).update(names)
    return found


def test_no_constant_of_the_headers_is_missing_from_the_list():
    code = int(re.search(r"LINUX_VERSION_CODE (\d+)", (INCLUDE / "linux/version.h").read_text())[1])
    if (code >> 16, code >> 8 & 0xFF) > SWEPT:
        pytest.skip(f"the headers of Linux {code >> 16}.{code >> 8 & 0xFF} are newer than the list, which knows those of {SWEPT[0]}.{SWEPT[1]}")
    missing = {header: sorted(name for name in names
                              if name not in EVERY and not any(re.fullmatch(pattern, name) for pattern in LEFT_OUT))
               for header, names in sweep().items()}
    missing = {header: names for header, names in missing.items() if names}
    assert not missing, f"add to nbs/01a_constant_names.ipynb: {json.dumps(missing, indent=1)}"


def test_the_sweep_sees_what_it_should():
    everything = set().union(*sweep().values())
    assert {"SO_REUSEADDR", "TCP_NODELAY", "AF_INET", "SOCK_STREAM", "CAN_RAW_FILTER", "IPPORT_FTP"} <= everything
    assert len(everything) > 900


def test_what_this_machine_defines_exists_and_fixed_numbers_are_right(tmp_path):
    "A compiler checks each fixed number against the header that defines it, one header at a time."
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    checked = 0
    for header, names in sweep().items():
        fixed = [name for name in names if name in EVERY and EVERY[name][0] == "number"]
        if not fixed or header.startswith(("asm", "bits")):
            continue
        source = tmp_path / "check.c"
        source.write_text("\n".join(
            ["#define _GNU_SOURCE", "#include <sys/socket.h>", f"#include <{header}>"]
            + [f'_Static_assert(({name}) == ({EVERY[name][1]}), "{name}");' for name in fixed]))
        answer = subprocess.run([compiler, "-fsyntax-only", str(source)], capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        checked += len(fixed)
    assert checked > 50


def test_the_list_matches_the_build():
    "Every constant that exists was in the list when litsock was built, and fixed numbers exist on Linux."
    here = constants.CONSTANTS.keys() - {"BDADDR_ANY", "BDADDR_LOCAL"}
    assert here <= set(EVERY)
    if sys.platform == "linux":
        assert {name for name, (kind, _, _) in EVERY.items() if kind == "number"} <= here


# --- The stub -------------------------------------------------------------------------------------------------------

def test_the_stub_is_up_to_date_and_knows_all_names():
    written = (ROOT / "litsock" / "constants.pyi").read_text()
    stubs = runpy.run_path(str(ROOT / "tools" / "stubs.py"))
    assert written == stubs["stub"](), "run `make export`"
    named = re.findall(r"^    '(\w+)',$", written, flags=re.M)
    assert set(constants.__all__) <= set(named)


# --- Byte order and text: the same as theirs ------------------------------------------------------------------------

def outcome(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error), error.errno if isinstance(error, OSError) else None


ODD = st.one_of(st.none(), st.text(max_size=3), st.floats(allow_nan=False), st.binary(max_size=3), st.booleans())
NUMBERS = st.one_of(st.integers(-2, 70_000), st.integers(2**16 - 2, 2**16 + 2), st.integers(2**32 - 2, 2**32 + 2), st.integers(), ODD)


@ERRORS_OF_CPYTHON
@pytest.mark.parametrize("name", ["htons", "ntohs", "htonl", "ntohl"])
@given(number=NUMBERS)
def test_byte_order(name, number):
    assert outcome(getattr(litsock, name), number) == outcome(getattr(socket, name), number)


FAMILIES = st.one_of(st.sampled_from([socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", 1), 0, -1, 999, 2**31, 2**70]), ODD)
TEXTS = st.one_of(
    st.from_regex(r"[0-9a-fx.]{1,15}", fullmatch=True), st.from_regex(r"[0-9a-f:]{2,20}", fullmatch=True), st.text(max_size=20),
    st.ip_addresses().map(str), st.sampled_from(["127.1", "0x7f.1", "017.1", "1.2.3.4 x", "1.2.3.4\0", "::1%lo", "::ffff:1.2.3.4", "\ud800"]), ODD)
PACKED = st.one_of(st.binary(max_size=20), st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16),
                   st.binary(min_size=4, max_size=4).map(bytearray), st.binary(min_size=16, max_size=16).map(memoryview),
                   st.binary(min_size=8, max_size=8).map(lambda data: memoryview(data)[::2]), ODD)


@ERRORS_OF_CPYTHON
@pytest.mark.parametrize("ours", [litsock.inet_aton, in_python.inet_aton])
@given(text=TEXTS)
def test_inet_aton(ours, text):
    assert outcome(ours, text) == outcome(socket.inet_aton, text)


@pytest.mark.parametrize("ours", [litsock.inet_ntoa, in_python.inet_ntoa])
@given(packed=PACKED)
def test_inet_ntoa(ours, packed):
    assert outcome(ours, packed) == outcome(socket.inet_ntoa, packed)


@ERRORS_OF_CPYTHON
@pytest.mark.parametrize("ours", [litsock.inet_pton, in_python.inet_pton])
@given(family=FAMILIES, text=TEXTS)
def test_inet_pton(ours, family, text):
    assert outcome(ours, family, text) == outcome(socket.inet_pton, family, text)


@ERRORS_OF_CPYTHON
@pytest.mark.parametrize("ours", [litsock.inet_ntop, in_python.inet_ntop])
@given(family=FAMILIES, packed=PACKED)
def test_inet_ntop(ours, family, packed):
    assert outcome(ours, family, packed) == outcome(socket.inet_ntop, family, packed)
