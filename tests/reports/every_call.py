# Every function and method of the specification, to be called for the first time at a moment that is a bad one for it.
# No program itself. Imports nothing that a program would not have, and `socket` least of all: the module is given.

import codecs
import os
import sys

if "litsock" not in sys.modules:  # the standard module of Python 3.14 loads them when they are first used: too late, at such a moment
    import array  # noqa: F401
    import selectors  # noqa: F401

# What a call needs: sockets that exist already, made by another process, so that the module has not yet been asked for anything.
# The others a call makes by itself, in the plainest way.
KINDS = ("near", "far", "listening", "connected")
PLAIN = {"tcp": (2, 1), "udp": (2, 2), "unix": (1, 2)}


def make(socket):
    "A socket of each kind, as descriptors that another program can take over."
    near, far = socket.socketpair()
    far.send(b"0123456789\n")
    listening = socket.create_server(("127.0.0.1", 0))
    waiting = socket.create_connection(listening.getsockname())  # in the queue of the listening one
    server = socket.create_server(("127.0.0.1", 0))
    connected = socket.create_connection(server.getsockname())
    made = [near, far, listening, connected]
    for sock in (waiting, server, *made):
        os.set_inheritable(sock.fileno(), True)
    numbers = [sock.detach() for sock in made]
    waiting.detach(), server.detach()
    return numbers


def timed(sock, call):
    "With a timeout that is over soon."
    sock.settimeout(0.05)
    return call()


def lines(file):
    with file:
        return file.readline()


def own(number, socket):
    with socket.socket(fileno=number) as sock:
        return sock.getsockopt(1, 3)


def passed(socket, near, far):
    "A descriptor sent, received and closed."
    socket.send_fds(far, [b"x"], [0])
    data, descriptors, *_ = socket.recv_fds(near, 99, 3)
    for descriptor in descriptors:
        os.close(descriptor)
    return data


HERE = "127.0.0.1"
CALLS = {
    "socket": lambda m: m.socket().close(),
    "socket with numbers": lambda m: m.socket(10, 2, 17).close(),
    "socket of no family": lambda m: m.socket(999),
    "socket from a descriptor": lambda m, tcp: own(tcp.detach(), m),
    "socketpair": lambda m: [sock.close() for sock in m.socketpair()],
    "socketpair of datagrams": lambda m: [sock.close() for sock in m.socketpair(1, 2)],
    "fromfd": lambda m, tcp: m.fromfd(tcp.fileno(), 2, 1).close(),
    "create_connection": lambda m: m.create_connection((HERE, 1)),
    "create_connection with a timeout": lambda m: m.create_connection((HERE, 1), 5, (HERE, 0)),
    "create_server": lambda m: m.create_server((HERE, 0)).close(),
    "create_server in use": lambda m, listening: m.create_server(listening.getsockname()),
    "has_dualstack_ipv6": lambda m: m.has_dualstack_ipv6(),
    "close": lambda m, tcp: m.close(tcp.detach()),
    "getaddrinfo": lambda m: len(m.getaddrinfo(HERE, 80)),
    "getaddrinfo of a service": lambda m: len(m.getaddrinfo(HERE, "no such service")),
    "getaddrinfo of bytes": lambda m: len(m.getaddrinfo(b"::1", b"80", 10, 1)),
    "getfqdn": lambda m: type(m.getfqdn(HERE)).__name__,
    "gethostbyname": lambda m: m.gethostbyname(HERE),
    "gethostbyname_ex": lambda m: m.gethostbyname_ex(HERE),
    "gethostname": lambda m: type(m.gethostname()).__name__,
    "gethostbyaddr": lambda m: type(m.gethostbyaddr(HERE)).__name__,
    "getnameinfo": lambda m: m.getnameinfo((HERE, 80), m.NI_NUMERICHOST | m.NI_NUMERICSERV),
    "getprotobyname": lambda m: m.getprotobyname("tcp"),
    "getservbyname": lambda m: m.getservbyname("http", "tcp"),
    "getservbyport": lambda m: m.getservbyport(80),
    "byte order": lambda m: (m.htons(1), m.ntohs(1), m.htonl(1), m.ntohl(1)),
    "inet_aton": lambda m: m.inet_aton(HERE),
    "inet_ntoa": lambda m: m.inet_ntoa(bytes(4)),
    "inet_pton": lambda m: m.inet_pton(10, "::1"),
    "inet_ntop": lambda m: m.inet_ntop(10, bytes(16)),
    "CMSG_LEN": lambda m: (m.CMSG_LEN(4), m.CMSG_SPACE(4)),
    "setdefaulttimeout": lambda m: (m.setdefaulttimeout(5), m.getdefaulttimeout(), m.setdefaulttimeout(None)),
    "sethostname": lambda m: m.sethostname("x" * 200),
    "if_nameindex": lambda m: len(m.if_nameindex()),
    "if_nametoindex": lambda m: m.if_nametoindex("lo"),
    "if_indextoname": lambda m: m.if_indextoname(1),
    "send_fds": lambda m, near: m.send_fds(near, [b"x"], [0]),
    "recv_fds": lambda m, near, far: passed(m, near, far),
    "enums": lambda m: (str(m.AF_INET), repr(m.SOCK_STREAM), m.AddressFamily(2).name, m.MsgFlag(3), m.AddressInfo(1)),
    "exceptions": lambda m: (issubclass(m.gaierror, m.error), m.timeout is TimeoutError, m.herror.__name__),
    "accept": lambda m, listening: listening.accept()[0].close(),
    "accept with a timeout": lambda m, listening: timed(listening, lambda: listening.accept()[0].close()),
    "accept nobody": lambda m, listening: timed(listening, lambda: (listening.accept()[0].close(), listening.accept())),
    "bind": lambda m, udp: udp.bind((HERE, 0)),
    "bind to a name": lambda m, udp: udp.bind(("localhost", 0)),
    "bind to a path": lambda m, unix: unix.bind(""),
    "bind to a wrong path": lambda m, unix: unix.bind("x" * 200),
    "bind to a wrong host": lambda m, udp: udp.bind((None, 0)),
    "close a socket": lambda m, near: near.close(),
    "connect": lambda m, tcp: tcp.connect((HERE, 1)),
    "connect to a name": lambda m, udp: udp.connect(("localhost", 9)),
    "connect with a timeout": lambda m, tcp: timed(tcp, lambda: tcp.connect((HERE, 1))),
    "connect_ex": lambda m, tcp: tcp.connect_ex((HERE, 1)),
    "detach": lambda m, tcp: os.close(tcp.detach()),
    "dup": lambda m, tcp: tcp.dup().close(),
    "get_inheritable": lambda m, tcp: tcp.get_inheritable(),
    "set_inheritable": lambda m, tcp: (tcp.set_inheritable(True), tcp.get_inheritable()),
    "getpeername": lambda m, connected: connected.getpeername()[0],
    "getpeername of nobody": lambda m, tcp: tcp.getpeername(),
    "getsockname": lambda m, tcp: tcp.getsockname(),
    "getsockopt": lambda m, tcp: (tcp.getsockopt(1, 3), tcp.getsockopt(1, 3, 4)),
    "getsockopt of none": lambda m, tcp: tcp.getsockopt(1, 9999),
    "setsockopt": lambda m, tcp: (tcp.setsockopt(1, 9, 1), tcp.setsockopt(1, 13, bytes(8))),
    "setsockopt of none": lambda m, tcp: tcp.setsockopt(1, 9999, None, 4),
    "gettimeout": lambda m, tcp: (tcp.gettimeout(), tcp.getblocking(), tcp.timeout, tcp.family, tcp.type, tcp.proto, tcp.fileno() > 0),
    "settimeout": lambda m, tcp: (tcp.settimeout(1), tcp.gettimeout()),
    "settimeout of a text": lambda m, tcp: tcp.settimeout("x"),
    "setblocking": lambda m, tcp: (tcp.setblocking(False), tcp.gettimeout()),
    "listen": lambda m, tcp: tcp.listen(),
    "listen with a number": lambda m, tcp: tcp.listen(5),
    "makefile": lambda m, near: lines(near.makefile("rb")),
    "makefile of text": lambda m, near: lines(near.makefile("rw", encoding="utf-8")),
    "makefile without a buffer": lambda m, near: lines(near.makefile("rb", buffering=0)),
    "recv": lambda m, near: near.recv(3),
    "recv with a timeout": lambda m, near: timed(near, lambda: near.recv(3)),
    "recv nothing": lambda m, near: timed(near, lambda: (near.recv(99), near.recv(1))),
    "recv without waiting": lambda m, udp: (udp.setblocking(False), udp.recv(1)),
    "recv with MSG_TRUNC": lambda m, near: near.recv(3, m.MSG_TRUNC),
    "recvfrom": lambda m, near: near.recvfrom(3),
    "recvfrom_into": lambda m, near: near.recvfrom_into(bytearray(3)),
    "recv_into": lambda m, near: near.recv_into(bytearray(3)),
    "recv_into a view": lambda m, near: near.recv_into(memoryview(bytearray(8)).cast("I"), 4),
    "recvmsg": lambda m, near: near.recvmsg(3, 100),
    "recvmsg_into": lambda m, near: near.recvmsg_into([bytearray(1), bytearray(2)], 100),
    "send": lambda m, near: near.send(b"x"),
    "send a view": lambda m, near: near.send(memoryview(b"xy").cast("H")),
    "send with a timeout": lambda m, near: timed(near, lambda: near.send(b"x")),
    "send a text": lambda m, near: near.send("x"),
    "sendall": lambda m, near: near.sendall(b"x" * 1000),
    "sendall too much": lambda m, near: timed(near, lambda: near.sendall(bytes(10**7))),
    "sendto": lambda m, udp: udp.sendto(b"x", (HERE, 9)),
    "sendto a name": lambda m, udp: udp.sendto(b"x", 0, ("localhost", 9)),
    "sendto a path": lambda m, unix: unix.sendto(b"x", b"\0nobody"),
    "sendmsg": lambda m, near: near.sendmsg([b"x", bytearray(b"y")]),
    "sendmsg to": lambda m, udp: udp.sendmsg([b"x"], [], 0, (HERE, 9)),
    "sendfile": lambda m, near: near.sendfile(FILE),
    "sendfile with a timeout": lambda m, near: timed(near, lambda: near.sendfile(FILE, 1, 2)),
    "sendfile of memory": lambda m, near: near.sendfile(MEMORY),
    "shutdown": lambda m, near: near.shutdown(m.SHUT_RDWR),
    "repr": lambda m, connected, near, unix: [repr(sock).partition(".")[2][:9] for sock in (connected, near, unix)],
    "with": lambda m, tcp: tcp.__enter__().__exit__(None, None, None),
    "broken pipe": lambda m, near: (near.shutdown(m.SHUT_WR), near.send(b"x")),
    "on a closed one": lambda m, tcp: (tcp.close(), tcp.recv(1)),
}

import io

MEMORY = io.BytesIO(b"memory")
FILE = open(__file__, "rb")


def needs(call):
    "The kinds of sockets that a call is given."
    return call.__code__.co_varnames[1 : call.__code__.co_argcount]


def outcome(call, *arguments):
    "What there is to compare of a call: its value, or what it raised."
    try:
        return repr(call(*arguments))
    except OSError as error:
        number = "" if type(error).__name__ == "herror" else error.errno  # which some C libraries do not set when nothing was asked
        return f"{type(error).__name__} {number}"
    except Exception as error:
        return f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__


def given(socket, call, numbers):
    "The sockets that a call needs."
    return [
        socket.socket(*PLAIN[kind]) if kind in PLAIN else socket.socket(fileno=numbers[KINDS.index(kind)])
        for kind in needs(call)
    ]


def run_each(socket, numbers, child):
    "For each call a process of its own, in which `child` makes the moment, and says what came of the call."
    for at, (name, call) in enumerate(CALLS.items()):
        sys.stdout.flush()
        if pid := os.fork():
            _, status = os.waitpid(pid, 0)
            if status:
                print(f"{name}: ended with {status}")
            continue
        sockets = given(socket, call, numbers[at * len(KINDS) : (at + 1) * len(KINDS)])
        child(name, lambda: outcome(call, socket, *sockets))
        os._exit(0)


def tell(name, text):
    "A line of output, at whatever moment."
    os.write(1, f"{name}: {text}\n".encode())


def begin(socket, home=None):
    "The descriptors for all calls. They are made by this program, which then begins again as a new one and finds them in the environment."
    if "litsock" not in sys.modules:
        codecs.lookup("idna")  # the standard module looks for it when it is first given the name of a host: litsock is better
    if "SOCKETS" in os.environ:
        return [*map(int, os.environ.pop("SOCKETS").split())]
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    numbers = [number for _ in CALLS for number in make(socket)]
    around = os.environ | {"SOCKETS": " ".join(map(str, numbers))} | ({"PYTHONPATH": home} if home else {})
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], around)
