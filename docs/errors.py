"""What a function raises, read from the source: its own `raise` statements, those of the helpers it calls, and the system calls.

A helper is followed where its name says without doubt what it is: a function of litsock, or a method that is called on
`self` or `sock`. What a codec of an address family or the waiting of a timeout may raise is said in one line each.
"""

import ast
import inspect
import sys
from functools import cache
from pathlib import Path

import litsock

NOT_FOLLOWED = "litsock.kernel", "litsock.families", "litsock.observe.svg"  # of these the lines below tell

WAITS = {"retry", "wait_until", "finish_connect"}
TAKES_TIME = (
    ("TimeoutError", "when the timeout of the socket, or a deadline, has passed"),
    ("BlockingIOError", "when the call would have to wait, and the timeout is 0"),
)
TAKES_ADDRESS = (
    ("TypeError, ValueError, OverflowError", "when the address does not have [the form of its family](/10_families.ipynb)"),
    ("gaierror", "when the host in the address cannot be found"),
)
NO_MANUAL = {"setblocking": "ioctl", "getdescriptorflags": "fcntl", "setdescriptorflags": "fcntl", "accept_unnamed": "accept",
             "recv_into": "recv", "recvfrom_into": "recvfrom", "getservbyport": "getservbyport"}
SECTIONS = {"getaddrinfo": 3, "getnameinfo": 3, "getservbyname": 3, "getservbyport": 3, "getprotobyname": 3, "if_nametoindex": 3,
            "if_indextoname": 3, "if_nameindex": 3}
LOOKUPS = "getaddrinfo(3)", "getnameinfo(3)"
ANSWERS = {"connect_ex"}  # these give the error number back
INTERNAL = {"GiveUp"}


@cache
def bodies(module):
    "The functions of a module, by name; methods as `Class.name`."
    tree = ast.parse(Path(sys.modules[module].__file__).read_text(encoding="utf-8"))
    functions = [("", node) for node in tree.body] + [(f"{node.name}.", part) for node in tree.body if isinstance(node, ast.ClassDef) for part in node.body]
    return {prefix + node.name: node for prefix, node in functions if isinstance(node, ast.FunctionDef)}


def node_of(function):
    "The syntax tree of a function or method of litsock; None for others, and where the tree is not followed."
    module = getattr(function, "__module__", None) or ""
    if module == "litsock":  # the socket object says that it is the package's
        module = "litsock.core"
    if not inspect.isfunction(function) or not module.startswith("litsock.") or module.startswith(NOT_FOLLOWED):
        return None
    return bodies(module).get(function.__qualname__)


def reach(function, seen):
    "The function itself, and the helpers it calls: tree by function."
    function = inspect.unwrap(function)
    node = node_of(function)
    if node is None or node in seen:
        return
    seen.append(node)
    for call in (part for part in heard(node) if isinstance(part, ast.Call)):
        if isinstance(call.func, ast.Name):
            reach(function.__globals__.get(call.func.id), seen)
        elif isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("self", "sock"):
            reach(inspect.getattr_static(litsock.socket, call.func.attr, None), seen)


def heard(node):
    "All parts of a function, but for what is tried and, when it fails, answered with a value."
    for part in ast.iter_child_nodes(node):
        if not (isinstance(part, ast.Try) and all(isinstance(way.body[0], ast.Return) for way in part.handlers) and part.handlers):
            yield part
            yield from heard(part)


def raises(function):
    "The lines for the reference: exceptions, and when."
    seen: list = []
    top = node_of(inspect.unwrap(function))
    reach(function, seen)
    parts = [part for node in seen for part in heard(node)]
    lines = []
    if function.__name__ not in ANSWERS:
        lines += from_the_system(system_calls(seen, top))
        lines += TAKES_TIME if any(isinstance(part, ast.Name) and part.id in WAITS for part in parts) else ()
    lines += TAKES_ADDRESS if any(map(packs_address, parts)) else ()
    lines += (line for node in seen for line in said(node))
    found: dict[str, list[str]] = {}
    for kinds, when in lines:
        for kind in kinds.split(", "):
            if when not in found.setdefault(kind, []):
                found[kind].append(when)
    return {kind: "; ".join(filter(None, when)) for kind, when in found.items()}


def packs_address(part):
    return getattr(part, "attr", getattr(part, "id", "")).endswith("pack")


def from_the_system(calls):
    "What the C library and the kernel answer."
    if lookups := [call for call in calls if call in LOOKUPS]:
        yield "gaierror", f"what {' or '.join(lookups)} answers"
    if others := [call for call in calls if call not in LOOKUPS]:
        yield "OSError", f"what {' or '.join(others)} answers"


def system_calls(seen, top):
    "The functions of the kernel that a function uses, as pages of the manual."
    used = []
    for node in seen:
        for part in heard(node) if node.name not in WAITS else ():
            if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "kernel" and manual(part.attr):
                if part.attr != "close" or (top and top.name == "close"):  # elsewhere it tidies up, and nobody asks how it went
                    used.append(manual(part.attr))
    return list(dict.fromkeys(used))


@cache
def manual(name):
    "A function of the kernel as a page of the manual; empty for those that ask nobody."
    page = NO_MANUAL.get(name, name)
    return f"{page}({SECTIONS.get(page, 2)})" if page in PAGES else ""


PAGES = set(SECTIONS) | {
    "socket", "socketpair", "bind", "listen", "connect", "accept", "getsockname", "getpeername", "shutdown", "close", "dup",
    "getsockopt", "setsockopt", "ioctl", "fcntl", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg",
    "sendfile", "gethostname", "sethostname",
}


def said(node):
    "The exceptions that a function raises itself, in its own words."
    for part in heard(node):
        if isinstance(part, ast.Raise) and isinstance(part.exc, ast.Call) and isinstance(part.exc.func, ast.Name):
            kind, words = part.exc.func.id, [text for text in map(words_of, part.exc.args) if text]
            if (kind[0].isupper() or kind in ("gaierror", "herror")) and kind not in INTERNAL and words != ["timed out"]:
                yield kind, f"“{words[-1]}”" if words else ""


def words_of(argument):
    "A message, with an ellipsis for what is put into it."
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    if isinstance(argument, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in argument.values)
    return ""
