"""Make python.inv: of the standard documentation's inventory, what the site links to.

    python docs/inventory.py /usr/share/doc/python3.11/html/objects.inv     # from Debian's python3.11-doc

So building the site needs no network. The addresses are those of https://docs.python.org/3/.
"""

import sys
import zlib
from pathlib import Path

from sphinx.util.inventory import InventoryFile

MODULES = {"socket", "ssl", "selectors", "select", "socketserver", "collections", "ipaddress", "os", "errno", "signal"}


def lines(path):
    "The names of these modules, and those that need no import."
    with open(path, "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, name: name)
    for role, names in sorted(inventory.items()):
        for name, item in sorted(names.items()):
            module = name.partition(".")[0]
            if role.startswith("py:") and (module in MODULES or ("." not in name and role != "py:module")):
                yield f"{name} {role} 1 {item.uri} {item.display_name}"


def main():
    head = "# Sphinx inventory version 2\n# Project: Python\n# Version: 3\n# The remainder of this file is compressed using zlib.\n"
    body = "\n".join(lines(sys.argv[1])) + "\n"
    Path(__file__).with_name("python.inv").write_bytes(head.encode() + zlib.compress(body.encode(), 9))


if __name__ == "__main__":
    main()
