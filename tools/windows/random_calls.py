"""Runs in Windows' Python: the same random calls on its own `socket` and on litsock come to the same.

    random_calls.py COUNT [SEED]

The same means an equal answer, or an exception of the same type with the same numbers. Half of the calls are functions, half are
methods of sockets that are connected to each other. A sequence that differs is made again: what time alone decides differs once.
"""

import io
import random
import socket as standard
import sys
from collections import Counter

import litsock

LENGTH, SHORT = 25, 0.002  # steps of a sequence; seconds to wait
TEXTS = ["", "x", "127.0.0.1", "::1", "::", "1.2.3", "0x7f.1", "256.1.1.1", "fe80::1%3", "localhost", "a\0b", "ü", "1" * 300]
NUMBERS = [-1, 0, 1, 2, 3, 6, 17, 23, 41, 80, 255, 256, 443, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**64, -(2**31), 99999]
ANY = [*NUMBERS, *TEXTS, b"", b"\x7f\0\0\1", bytes(16), bytes(15), bytearray(4), None, 1.0, True, (), [], ("127.0.0.1", 0), ("::1", 0, 0, 0)]
HOSTS = [None, "", "127.0.0.1", "::1", "0.0.0.0", "::", b"127.0.0.1", "1.2.3.4.5", "0x7f000001", "fe80::1%3", 5]
PORTS = [0, 1, 80, 65535, "http", "80", "no-such", None, b"80", -1, 65536, 1.5]
FAMILIES, TYPES, PROTOCOLS = [0, 1, 2, 23, 6, -1, 99, 32], [0, 1, 2, 3, 5, -1, 77], [0, 6, 17, 1, 255, -1]
FUNCTIONS = {
    "htons": [ANY], "ntohs": [ANY], "htonl": [ANY], "ntohl": [ANY], "inet_aton": [ANY], "inet_ntoa": [ANY],
    "inet_pton": [[2, 23, *ANY], ANY], "inet_ntop": [[2, 23, *ANY], ANY],
    "getaddrinfo": [HOSTS, PORTS, FAMILIES, TYPES, PROTOCOLS, [4, 5, 12]],
    "getnameinfo": [[("127.0.0.1", 80), ("::1", 80), ("::1", 80, 0, 3), ("127.0.0.1", -1), ("x", 1), ("127.0.0.1",), *ANY], [10, 11, 26, None]],
    "gethostbyname": [["127.0.0.1", "255.255.255.255", "0.0.0.0", None, 5, b"127.0.0.1", "a\0b"]],
    "getservbyname": [["http", "https", "domain", "no-such", "", 5, None], ["tcp", "udp", "x", None]],
    "getservbyport": [[80, 443, 53, 1, -1, 65536, "80"], ["tcp", "udp", "x", None]],
    "getprotobyname": [["tcp", "udp", "icmp", "no-such", "", 5, None]],
    "if_nametoindex": [["no-such", "", 5, None, "a\0b"]], "if_indextoname": [[0, -1, 99999, 2**32, "1", None]],
    "socket": [FAMILIES, TYPES, PROTOCOLS, [None, -1, "x", 2**40, 1.0]],
    "socketpair": [FAMILIES, TYPES, PROTOCOLS],
    "setdefaulttimeout": [[None, -1, "x", float("nan"), 2**70]], "close": [[-1, 2**30, "x", None]], "dup": [[-1, 2**30, "x", None]],
    "fromfd": [[-1, 2**30, "x", None], FAMILIES, TYPES], "fromshare": [[b"", bytes(627), bytes(628), "x", None]],
    "create_connection": [[("127.0.0.1", 1), ("127.0.0.1",), ("127.0.0.1", "x"), None], [0.5, -1, "x"]],
    "create_server": [[("127.0.0.1", -1), ("1.2.3.4", 0), ("x\0", 0), None, ("::1", 0)]], "has_dualstack_ipv6": [],
}  # fmt: skip
DATA = [b"", b"x", b"line\n" * 9, bytearray(b"array"), memoryview(b"view"), "text", None, 5, bytes(2000)]
SIZES, FLAGS = [0, 1, 3, 100, 5000, -1, "1", None, 2.0, 2**70], [0, 0, 0, 2, -1, None, 2**40, 1]
LEVELS = [(0xFFFF, option) for option in (4, 8, 0x80, 0x1001, 0x1002, 0x1007, 0x1008, 0x20, -5, 0x7777)] + [(6, 1), (41, 27), (0, 4), (0, 7), (77, 1)]
METHODS = {
    "send": [DATA, FLAGS], "sendall": [DATA, FLAGS], "recv": [SIZES, FLAGS], "recvfrom": [SIZES, FLAGS],
    "recv_into": [[bytearray(5), bytearray(), b"read only", memoryview(bytearray(9)), None], SIZES, FLAGS],
    "recvfrom_into": [[bytearray(5), bytearray(), b"read only", None], SIZES, FLAGS],
    "sendto": [DATA, [("127.0.0.1", 9), ("127.0.0.1", "x"), ("::1", 9), None, ("x\0", 1), ("127.0.0.1", -1)]],
    "settimeout": [[0, SHORT, SHORT, -1, "1", 1e300, float("nan"), True]], "gettimeout": [], "setblocking": [[0, 0, "x", None]],
    "getblocking": [], "fileno": [], "getsockname": [], "getpeername": [], "shutdown": [[0, 1, 2, 3, -1, "x"]],
    "getsockopt": [LEVELS, [None, 0, 4, 8, 1024, 1025, -1, "x"]], "setsockopt": [LEVELS, [0, 1, 5000, b"\1\0\0\0", b"", "x", 2**31, None]],
    "connect": [[("127.0.0.1", 1), ("x\0", 1), None, ("127.0.0.1",), ("127.0.0.1", 70000), 5]],
    "connect_ex": [[("127.0.0.1", 1), None, ("127.0.0.1",)]], "bind": [[("127.0.0.1", 0), ("1.2.3.4", 0), None, ("::1", 0)]],
    "listen": [[0, 1, -1, "x", 2**40]], "accept": [], "get_inheritable": [], "set_inheritable": [[True, False, "x"]],
    "ioctl": [[0x98000004, 0x98000001, 1, -1, "x"], [(1, 1000, 1000), 1, 0, None, (1,), "x"]], "share": [[-1, 0, "x", None]],
    "makefile": [["r", "rb", "wb", "x", "rwb", None, ""]], "sendfile": [[io.BytesIO(b"file"), None]], "detach": [], "close": [],
    "__repr__": [], "family": None, "type": None, "proto": None, "__getstate__": [], "sendmsg": [[[b"x"]]], "recvmsg": [[5]],
}  # fmt: skip
WAITING = "accept", "send", "sendall", "sendto", "sendfile", "recv", "recv_into", "recvfrom", "recvfrom_into"
AGAIN = "detach", "close", "makefile"  # that end a conversation: seldom


class World:
    "Sockets of one module."

    def __init__(self, module):
        self.module, self.made = module, []
        server = module.create_server(("127.0.0.1", 0))
        client = module.create_connection(server.getsockname())
        peer, _ = server.accept()
        packets, others = (module.socket(module.AF_INET, module.SOCK_DGRAM) for _ in range(2))
        for sock in packets, others:
            sock.bind(("127.0.0.1", 0))
        packets.connect(others.getsockname())
        self.sockets = [client, peer, server, packets, others, module.socket()]
        self.names = {}
        for number, sock in enumerate(self.sockets[:5]):
            self.names.setdefault(sock.getsockname()[1], f"port of {number}")
        for sock in self.sockets:
            sock.settimeout(SHORT)

    def close(self):
        for sock in self.sockets + self.made:
            sock.close()

    def step(self, at, name, arguments):
        sock = self.sockets[at]
        if METHODS[name] is None:
            return self.plain(outcome(getattr, sock, name))
        method = getattr(sock, name, None)
        arguments = [*map(fresh, arguments)]
        if name == "set_inheritable" and sock.fileno() < 0:
            return None  # the standard module takes -1 for a handle: that of the process
        said = outcome(method, *arguments) if method else "no such method"
        if name == "getsockopt" and isinstance(said, bytes):
            said = said[:4]  # behind the value comes what was in the memory
        if name in ("fileno", "detach") and isinstance(said, int):
            said = said >= 0
        buffer = [bytes(one) for one in arguments if isinstance(one, bytearray)]
        return self.plain((said, buffer, sock.gettimeout(), sock.fileno() >= 0))

    def plain(self, value):
        "The answer without what differs from one socket to the next."
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.plain, value)) if type(value) in (list, tuple) else value
        if hasattr(value, "close"):
            self.made.append(value)
            return type(value).__name__
        if isinstance(value, int) and not isinstance(value, bool):
            return self.names.get(value, "a number" if value > 1024 and value not in NUMBERS else int(value))
        if isinstance(value, str) and value.startswith("<"):
            return value.partition(" ")[0].rpartition(".")[2]
        return value


def fresh(value):
    "An argument as it was: the one before may have written into it."
    return bytearray(value) if isinstance(value, bytearray) else io.BytesIO(value.getvalue()) if isinstance(value, io.BytesIO) else value


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return type(error).__name__, error.errno if isinstance(error.errno, int) else None, error.winerror
    except Exception as error:
        return (type(error).__name__,)


def in_vain(said):
    return said == ("TimeoutError", None, None)


def function(module, name, arguments):
    "A function's answer; sockets are closed, and compared by what they are."
    answer = outcome(getattr(module, name), *arguments)
    for one in answer if isinstance(answer, tuple) else [answer]:
        if hasattr(one, "detach"):
            one.close()
            answer = type(one).__name__, int(one.family), int(one.type), one.proto
    return answer


def choices(chance, lists):
    "Arguments; now and then too few."
    count = len(lists) if chance.random() < 0.95 else chance.randrange(len(lists) + 1)
    picked = [chance.choice(one) for one in lists[:count]]
    return [part for one in picked for part in (one if isinstance(one, tuple) and lists and one in LEVELS else [one])]


def sequence(seed):
    "What differs in one sequence, and how many calls it had of each kind of outcome."
    chance, counts = random.Random(seed), Counter()
    for _ in range(LENGTH):
        name = chance.choice(list(FUNCTIONS))
        arguments = choices(chance, FUNCTIONS[name])
        if name in ("getaddrinfo", "socket", "create_connection") and len(arguments) < 2:
            continue
        expected, got = (function(module, name, arguments) for module in (standard, litsock))
        counts["functions"] += 1
        if name in ("inet_pton", "if_indextoname") and "OSError" == expected[0] == got[0]:  # the standard module takes what is in errno
            continue
        if expected != got:
            return f"{name}{tuple(arguments)}", expected, got, counts
    worlds = World(standard), World(litsock)
    try:
        for _ in range(LENGTH):
            name = chance.choice(list(METHODS))
            if name in AGAIN and chance.random() < 0.8:
                continue
            at, arguments = chance.randrange(6), choices(chance, METHODS[name] or [])
            expected, got = (world.step(at, name, arguments) for world in worlds)
            counts["methods"] += 1
            if name in WAITING and in_vain(expected[0]) and (at in (2, 5) or isinstance(got[0], tuple)) and not in_vain(got[0]):
                counts["errors at once, where the standard module waits for what cannot come"] += 1
            elif expected != got:
                return f"socket {at}.{name}{tuple(arguments)}", expected, got, counts
    finally:
        for world in worlds:
            world.close()
    return None, None, None, counts


def main(count, seed):
    counts, wrong = Counter(), Counter()
    while counts["functions"] + counts["methods"] < count:
        seed += 1
        found = sequence(seed)
        counts += found[3]
        if found[0] and (again := sequence(seed))[:1] == found[:1]:
            kind = found[0].partition("(")[0]
            wrong[kind] += 1
            if wrong[kind] <= 3:
                print(seed, *(repr(one)[:300] for one in found[:3]), sep="\n    ", flush=True)
    print(f"{counts['functions'] + counts['methods']} calls: {dict(counts)}; different: {dict(wrong) or 'none'}")
    return bool(wrong)


if __name__ == "__main__":
    assert sys.platform == "win32"
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0))
