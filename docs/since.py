"""Since when the standard module has a name: what its documentation says, else what typeshed knows.

The documentation gives a version for what came after Python 3.0; that is the column `since` of names.tsv. Most constants it
names only in groups (`SO_*`). For each of them typeshed, the types of the standard library, says in which versions it exists, as
far back as typeshed goes.
"""

from functools import cache

import typeshed_client

from mapping import documented_names

VERSIONS = [(3, minor) for minor in range(10, 16)]
OLDEST = VERSIONS[0]
UNSAID = "3"  # documented, without a version


@cache
def documented():
    "For each documented name its version; methods and attributes as `socket.name`."
    found = {}
    for row in documented_names():
        name = f"socket.{row['name']}" if row["kind"] in ("method", "attribute") else row["name"]
        if not name.endswith("*"):
            found[name] = row["since"] or UNSAID
    return found


@cache
def typed():
    "The names of the module that typeshed knows, each with the first version that has it. Methods stand as `socket.name`."
    found: dict[str, tuple[int, int]] = {}
    for version in VERSIONS:
        for platform in "linux", "darwin", "win32", "freebsd":
            context = typeshed_client.get_search_context(version=version, platform=platform, search_path=[])
            for module in "socket", "_socket":
                for name in names(typeshed_client.get_stub_names(module, search_context=context)):
                    found.setdefault(name, version)
    return found


def names(stub):
    "The names in a stub, and those of the socket object."
    yield from stub
    if "socket" in stub and stub["socket"].child_nodes:
        yield from (f"socket.{name}" for name in stub["socket"].child_nodes)


def since(name: str, release: str) -> str:
    "The words for a name: the version of Python where its module has it, and litsock's where it is litsock's own."
    if version := documented().get(name):
        return f"Python {version}"
    if name not in typed():
        return f"litsock {release}"
    version = typed()[name]
    return f"Python {version[0]}.{version[1]}" + " or before" * (version == OLDEST)
