"""In the place of `socket`, nothing says litsock: warnings, names of modules, tracebacks, and pickles that other programs read."""
# ways: run, cffi
# python: 3.11.4

import copy
import gc
import pickle
import socket
import subprocess
import sys
import traceback
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    sock = socket.socket()
    del sock
    gc.collect()
    one, other = socket.socketpair()
    del one, other
    gc.collect()
    for warning in caught:
        print(str(warning.message).partition(",")[0].rstrip("0123456789"), warning.category.__name__)
warnings.filterwarnings("error", r"unclosed <socket\.socket", ResourceWarning)
with socket.socket() as sock:
    print(repr(sock).partition(" ")[0])

KEPT = {
    "family": socket.AF_INET, "type": socket.SOCK_STREAM, "flag": socket.MSG_PEEK, "flags": socket.MSG_PEEK | socket.MSG_OOB, "info": socket.AI_PASSIVE,
    "gaierror": socket.gaierror(-2, "Name or service not known"), "herror": socket.herror(1, "Unknown host"), "timeout": socket.timeout("timed out"),
    "error": socket.error(111, "Connection refused"), "class": socket.AddressFamily, "socket": socket.socket,
    "address": socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM),
    "none": socket.SHUT_RDWR, "other family": socket.AF_UNIX, "file": socket.SocketIO,
}  # fmt: skip
READER = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
for name in "create_connection socketpair fromfd getaddrinfo getfqdn gethostname htons inet_aton CMSG_LEN close setdefaulttimeout send_fds".split():
    found = getattr(socket, name)
    print(name, b"litsock" in pickle.dumps(found), "litsock" in (found.__module__ or ""), pickle.loads(pickle.dumps(found)) is found)
for name, value in KEPT.items():
    for protocol in (0, 2, 5):
        data = pickle.dumps(value, protocol)
        print(name, protocol, b"litsock" in data)
    read = subprocess.run([sys.executable, "-I", "-S", "-c", READER], input=data, capture_output=True, text=False)
    print(name, read.returncode, read.stdout.decode().partition(" at 0x")[0].strip(), read.stderr.decode().strip()[-80:])
    again = pickle.loads(data)
    print(again is value, type(again).__module__, type(copy.deepcopy(value)) is type(value))
written = subprocess.run(
    [sys.executable, "-c", "import pickle, socket, sys; sys.stdout.buffer.write(pickle.dumps([socket.AF_INET, socket.SOCK_STREAM, socket.gaierror(-2, 'x')]))"],
    capture_output=True,
).stdout
family, kind, error = pickle.loads(written)
print(family is socket.AF_INET, kind is socket.SOCK_STREAM, type(error) is socket.gaierror)

for thing in (
    socket.AF_INET, socket.SOCK_STREAM, socket.MSG_PEEK, socket.AI_PASSIVE, socket.gaierror, socket.herror, socket.timeout, socket.error, socket.AddressFamily,
    socket.SocketKind, socket.MsgFlag, socket.AddressInfo, socket.socket, socket.SocketIO, socket.SocketType,
):  # fmt: skip
    kind = thing if isinstance(thing, type) or callable(thing) else type(thing)
    print(kind.__name__, kind.__module__, kind.__qualname__)
print(repr(socket.AF_INET), str(socket.AF_INET), f"{socket.AF_INET}", repr(socket.MSG_PEEK | socket.MSG_OOB), repr(socket.gaierror(-2, "x")))
print(repr(socket.socket), repr(socket.gaierror), repr(socket.AddressFamily))
for call in (lambda: socket.getaddrinfo("127.0.0.1", "no such service"), lambda: socket.gethostbyname_ex("<broadcast>")):
    try:
        call()
    except OSError as error:
        print(traceback.format_exception_only(error)[0].partition(":")[0])
