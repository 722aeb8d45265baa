"""The reference: every public name, computed from the package. Names and comments of parameters are read from the source."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from functools import cache
from pathlib import Path

import litsock
from sphinx.util.inventory import InventoryFile

import mapping
from errors import raises
from since import OLDEST, since

INVENTORY = Path(__file__).with_name("python.inv")
MODULES = {  # title of a page: the modules whose names it lists, and the page of the book where they are made
    "Functions that make a socket": "core",
    "Constants by name, byte order, addresses as bytes": "constants",
    "Names and addresses": "names",
    "Services, protocols, interfaces": "services",
    "Control messages": "control_messages",
    "Timeouts": "timeouts",
}
CONSTANTS = {  # title of a page, and the group of constant_names with which it begins
    "Constants: families, types, flags": "Address families",
    "Constants: options of every socket": "Option levels",
    "Constants: the Internet": "IPPROTO_*: protocol numbers",
    "Constants: the CAN bus": "CAN_*: frames and protocols of the CAN bus",
    "Constants: frames, netlink, clusters, ciphers, machines": "PACKET_*: frames of a network device",
    "Constants: Bluetooth, and other systems": "Bluetooth: protocols and levels",
}
SPOKEN = re.compile(r"^#\s*(?:type: ignore\S*\s*#?\s*)?")  # what stands before the words of a comment


def write(target: Path) -> None:
    "All pages of the reference."
    target.mkdir(parents=True)
    pages = {
        "socket": socket_page(), "functions": functions_page(), "beyond": beyond_page(), "exceptions": exceptions_page(),
        **constant_pages(),
    }
    for name, text in pages.items():
        (target / f"{name}.md").write_text(text, encoding="utf-8")
    (target / "index.md").write_text(index(pages), encoding="utf-8")


def index(pages):
    "The first page: what is where, and how an entry reads."
    return f"""# Reference

Every public name of litsock: its signature, what its parameters mean, what it raises, since when it exists and where, the chapter
where it is made and shown, its source, and the same name in the standard documentation.

```{{toctree}}
:maxdepth: 1

{chr(10).join(pages)}
```

## How an entry reads

**Raises** is read from the source: a function's own errors in their own words, with … for what is put into them, and the
system calls it makes: `send(2)` is the page of the Linux manual whose section *Errors* lists the numbers, `man 2 send`.

**Since** is the version of Python whose `socket` has the name first, as its documentation says; *Python 3* stands for a
name that is documented without a version. Most constants are not documented one by one: for these it is the first
version for which [typeshed](https://github.com/python/typeshed) knows the name, *{'.'.join(map(str, OLDEST))} or before* where it goes
further back than that. *litsock {litsock.__version__}* marks what the standard module lacks.

**Where** a name exists follows, as the standard documentation tells it. litsock itself runs on Linux.
"""


def chapter_link(thing):
    "A link to the chapter that makes a function or class, under its title."
    chapter = mapping.chapter_of(thing)
    return f"[{mapping.chapters()[chapter][0]}](/{chapter}.ipynb)" if chapter else None


@cache
def platforms():
    "Where each documented name exists; methods and attributes as `socket.name`."
    found = {}
    for row in mapping.documented_names():
        name = f"socket.{row['name']}" if row["kind"] in ("method", "attribute") else row["name"]
        found[name] = mapping.PLATFORMS.get(row["availability"], row["availability"]) or "every platform"
    return found


@cache
def standard_names():
    "The names of the standard module that its documentation has an entry for."
    with open(INVENTORY, "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, name: name)
    return {name for names in inventory.values() for name in names if name.startswith("socket.")}


def standard_link(name):
    "A link to the entry of a name in the standard documentation, if it has one there."
    return f"[standard documentation](inv:python:py:*#socket.{name})" if f"socket.{name}" in standard_names() else None


def about(name, *links):
    "The last line of an entry: since when, where, and what else to read."
    place = platforms().get(name) or "Linux"
    return " · ".join(filter(None, [f"Since {since(name, litsock.__version__)}", place, *links, standard_link(name)]))


class Plain(str):
    "Text that is shown as it is."

    __repr__ = str.__str__


def shown(value):
    "A default as the page shows it: a member of an enumeration by its name; `...` for what has no readable form."
    if name := getattr(value, "name", None):
        return Plain(name)
    return Plain("...") if repr(value).startswith("<") else value


def signature(function, bound=False) -> str:
    "The signature as the page shows it, for a method without the object."
    found = inspect.signature(function)
    empty = inspect.Parameter.empty
    parameters = [
        one.replace(
            annotation=one.annotation if one.annotation is empty else Plain(one.annotation),
            default=one.default if one.default is empty else shown(one.default),
        )
        for one in found.parameters.values()
    ]
    back = found.return_annotation
    back = back if back is inspect.Signature.empty else Plain(back)
    return str(found.replace(parameters=parameters[1:] if bound else parameters, return_annotation=back))


def entry(kind: str, name: str, function, words: str | None = None) -> str:
    "A function, method or class as an entry of the reference. The words are its docstring, unless there are better ones."
    bound = function.__name__ == "__init__" if kind == "class" else kind == "method"
    sign = signature(function, bound)
    lines = [f"```{{py:{kind}}} {name}{sign.removesuffix(' -> None') if kind == 'class' else sign}", "", words or inspect.getdoc(function) or "", "", *parameters(function)]
    lines += [f":raises {error}: {when}" for error, when in raises(function).items()]
    return "\n".join([*lines, "", about(name, chapter_link(function)), "```", ""])


def parameters(function):
    "A line for each parameter that has a comment in the source, and one for what comes back."
    function = getattr(function, "__wrapped__", function)
    if not inspect.isfunction(function):  # a class: its parameters stand with `__init__`
        return []
    source = textwrap.dedent(inspect.getsource(function))
    comments = {token.start[0]: SPOKEN.sub("", token.string) for token in tokenize.generate_tokens(io.StringIO(source).readline)
                if token.type == tokenize.COMMENT}
    head = ast.parse(source).body[0]
    every = [*head.args.posonlyargs, *head.args.args, head.args.vararg, *head.args.kwonlyargs, head.args.kwarg]
    every = [one for one in every if one and one.arg not in ("self", "cls")]
    lines = [f":param {one.arg}: {comments[one.end_lineno]}" for one in every if one.end_lineno in comments]
    if head.returns and head.returns.end_lineno in comments and not any(one.end_lineno == head.returns.end_lineno for one in every):
        lines.append(f":returns: {comments[head.returns.end_lineno]}")
    return lines


def methods(cls):
    "The public methods and properties of a class, in the order in which the chapters give them."
    seen = {}
    for base in reversed(cls.__mro__[:-1]):
        for name, value in vars(base).items():
            if not name.startswith("_") or (cls is litsock.socket and f"socket.{name}" in platforms()):
                seen[name] = inspect.getattr_static(cls, name)
    return seen


def made_by(cls):
    "What takes a class's arguments."
    return cls.__init__ if inspect.isfunction(cls.__init__) else cls


def class_entry(name):
    "A class: what it is, and what it takes."
    cls = getattr(litsock, name)
    return entry("class", name, made_by(cls), inspect.getdoc(cls))


def member_entries(cls, title, skip=()):
    "The methods and properties of a class."
    for name, value in methods(cls).items():
        if name in skip or not (name.islower()):
            continue
        if isinstance(value, property):
            yield f"```{{py:attribute}} {title}.{name}\n\n{inspect.getdoc(value) or ''}\n\n{about(f'{title}.{name}', chapter_link(value.fget))}\n```\n"
        elif inspect.isfunction(found := getattr(cls, name)):
            yield entry("method", f"{title}.{name}", found)


def not_here(kinds):
    "Documented names that this platform lacks."
    for row in mapping.documented_names():
        if row["kind"] in kinds and not mapping.exists(row):
            method = row["kind"] == "method"
            name = f"socket.{row['name']}" if method else row["name"]
            yield f"```{{py:{row['kind']}}} {name}(...)\n\n(Not on this platform.)\n\n{about(name)}\n```\n"


HEAD = "```{py:currentmodule} litsock\n```\n"


def socket_page():
    "The socket object."
    head = "# `socket`: the object\n", "```{py:module} litsock\n```\n"
    return "\n".join([*head, class_entry("socket"), *member_entries(litsock.socket, "socket"), *not_here(["method"])])


def functions_page():
    "Functions of the module, as the chapters order them."
    parts = ["# Functions\n", HEAD]
    for title, module in MODULES.items():
        made = getattr(litsock, module)
        found = [name for name in made.__all__ if name in litsock.__all__ and inspect.isroutine(getattr(made, name))]
        parts += [f"## {title}\n", *(entry("function", name, getattr(made, name)) for name in found)]
    return "\n".join([*parts, *not_here(["function"])])


def beyond():
    "The names that litsock adds to those of the standard module. Methods stand with the object."
    return [*(name for name in litsock._LAZY if "." not in name), "install"]


def beyond_page():
    "What litsock has and the standard module lacks, and is loaded when it is first used."
    parts = ["# Beyond the standard module\n", HEAD,
             "These are loaded when they are first used. Methods of this kind stand with [the object](socket.md).\n"]
    for name in sorted(beyond(), key=str.lower):
        value = getattr(litsock, name)
        parts.append(class_entry(name) if inspect.isclass(value) else entry("function", name, value))
    parts.append("## What these functions and methods return\n")
    for cls in returned():
        name = cls.__name__ if cls.__name__ in litsock.__all__ else f"{cls.__module__.removeprefix('litsock.')}.{cls.__name__}"
        parts.append(f"```{{py:class}} {name}\n\n{inspect.getdoc(cls)}\n\n{about(name, chapter_link(cls))}\n```\n")
        parts += member_entries(cls, name)
    return "\n".join(parts)


def returned():
    "The classes of what the lazily loaded functions and methods return."
    functions = [litsock.describe, *(getattr(litsock, name) for name in beyond())]
    functions += [value for name, value in inspect.getmembers(litsock.socket, inspect.isfunction) if value.__module__ != "litsock.core"]
    found = {}
    for function in filter(inspect.isfunction, functions):
        cls = getattr(inspect.getmodule(function), str(inspect.signature(function).return_annotation), None)
        if inspect.isclass(cls) and cls.__module__ == function.__module__:
            found[cls.__name__] = cls
    return [found[name] for name in sorted(found)]


def exceptions_page():
    "Exceptions, enumerations and the rest that is neither a function nor a number."
    parts = ["# Exceptions and types\n", HEAD]
    for name in ("error", "timeout", "herror", "gaierror"):
        value = getattr(litsock, name)
        same = "" if value.__name__ == name else f"Another name of `{value.__name__}`."
        kind = "data" if same else "exception"
        parts.append(f"```{{py:{kind}}} {name}\n\n{same or inspect.getdoc(value)}\n\n{about(name)}\n```\n")
    for name in ("AddressFamily", "SocketKind", "MsgFlag", "AddressInfo"):
        count = len(getattr(litsock, name))
        parts.append(f"```{{py:class}} {name}\n\nAn enumeration with {count} members: see [the constants](constants-1.md).\n\n{about(name)}\n```\n")
    parts.append(f"```{{py:class}} SocketType\n\nThe class beneath `socket`: what the kernel offers, and no more.\n\n{about('SocketType')}\n```\n")
    for name in others():
        value = getattr(litsock, name)
        parts.append(f"```{{py:data}} {name}\n:value: {value!r}\n\n{about(name)}\n```\n")
    return "\n".join(parts)


def others():
    "Public names that are on no other page."
    from litsock.constant_names import GROUPS

    constants = {name for _, members in GROUPS.values() for name in members}
    return [name for name in sorted(set(litsock.__all__) - constants) if isinstance(getattr(litsock, name), (bool, int, str, bytes, dict))]


def constant_pages():
    "The constants, group by group. Those that this platform lacks are listed too."
    from litsock.constant_names import GROUPS

    pages, titles = {}, {first: title for title, first in CONSTANTS.items()}
    for name, group in GROUPS.items():
        if name in titles:
            pages[titles[name]] = [f"# {titles[name]}\n", HEAD]
        pages[list(pages)[-1]] += constant_group(name, group)
    if list(pages) != list(CONSTANTS):
        raise SystemExit(f"docs/reference.py: a page of constants begins with a group that is not there: {CONSTANTS}")
    return {f"constants-{number}": "\n".join(lines) for number, lines in enumerate(pages.values(), 1)}


def constant_group(title, group):
    "A heading and the names of a group."
    header, members = group
    yield f"## {title}\n"
    yield f"From `<{header}>`.\n" if header else ""
    for name, (_, _, text) in members.items():
        value = getattr(litsock, name, None)
        number = f":value: {int(value)}\n" if isinstance(value, int) else ""
        missing = "" if hasattr(litsock, name) else " (Not on this platform.)"
        plain = text.replace("*", "\\*").replace("_", "\\_")
        words = [plain + missing, f"since {since(name, litsock.__version__)}", standard_link(name)]
        yield f"```{{py:data}} {name}\n:no-contents-entry:\n{number}\n{' · '.join(filter(None, words))}\n```\n"
