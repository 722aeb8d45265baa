"""Write litsock/kernel/windows_constants.py: the constants that Windows' headers define, out of the list in the book.

    python tools/windows/constants.py     # needs a C compiler for Windows (Debian: gcc-mingw-w64-x86-64-win32)

Nothing is run. The compiler first says which names it does not know; then the values of the others stand in the assembly text.
"""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))
from litsock.constant_names import GROUPS  # noqa: E402

TARGET = TOP / "litsock" / "kernel" / "windows_constants.py"
COMPILER = "x86_64-w64-mingw32-gcc"
HEADERS = "winsock2.h", "ws2tcpip.h", "mswsock.h", "mstcpip.h", "ws2bth.h", "hvsocket.h"
# What MinGW's headers leave out, or give otherwise than Microsoft's do. The comment says where the value is fixed.
DOCUMENTED = {
    "AF_LINK": 33, "AF_BLUETOOTH": 32,  # ws2def.h
    "BTPROTO_RFCOMM": 3,  # ws2bth.h, as BTHPROTO_RFCOMM
    "MSG_ERRQUEUE": 4096,  # ws2def.h
    "SOL_IP": 65531,  # ws2def.h: SOL_SOCKET - 4
    "SOL_TCP": 6, "SOL_UDP": 17,  # the protocols' numbers
    "TCP_MAXSEG": 4, "TCP_FASTOPEN": 15, "TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 17, "TCP_KEEPCNT": 16,  # ws2ipdef.h
    "SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2,  # winsock2.h, as SD_RECEIVE, SD_SEND, SD_BOTH
    "INADDR_UNSPEC_GROUP": 0xE0000000, "INADDR_ALLHOSTS_GROUP": 0xE0000001, "INADDR_MAX_LOCAL_GROUP": 0xE00000FF,  # RFC 1112
    "EAI_NODATA": 11001,  # ws2tcpip.h: the same as EAI_NONAME
    "EWOULDBLOCK": 10035, "EAGAIN": 11, "EBADF": 9,  # as the module errno has them
    "IPPORT_USERRESERVED": 5000,  # the first port that a user may take
}  # fmt: skip
WITHHELD = {"AF_MAX", "PF_MAX"}  # of the year of the headers
WITHHELD |= {"AF_UNIX", "PF_UNIX", "AF_LOCAL", "PF_LOCAL"}  # programs take the name for a promise, and not every Windows keeps it
ENUMS = 4  # the first groups of the list become enums, each of its own


HEAD = ["#define _WIN32_WINNT 0x0A00", *(f"#include <{header}>" for header in HEADERS), "const long long values[] = {"]


def text(names):
    "C that says the value of each name, a line for each."
    return "\n".join([*HEAD, *(f"    (long long)({name})," for name in names), "};", ""])


def compiled(source, *options):
    return subprocess.run([COMPILER, "-x", "c", "-w", *options, "-o", "-", "-"], input=source, capture_output=True, text=True)


def identifiers():
    "Every word in the headers: the names of macros, and what stands in the declarations."
    both = compiled(text([]), "-E", "-dM").stdout + compiled(text([]), "-E", "-P").stdout
    return set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", both))


def values_of(names):
    "The names that the headers know, with their values. A name that is no number hides those behind it: hence several rounds."
    words = identifiers()
    known = [name for name in names if name in words]
    while (done := compiled(text(known), "-S")).returncode:
        wrong = {int(line) - len(HEAD) - 1 for line in re.findall(r"^<stdin>:(\d+):\d+: error", done.stderr, re.MULTILINE)}
        if not wrong:
            sys.exit(done.stderr)
        known = [name for position, name in enumerate(known) if position not in wrong]
    values = re.findall(r"^\s+\.quad\s+(-?\d+)$", done.stdout.partition("values:")[2], re.MULTILINE)
    if len(values) != len(known):
        sys.exit(f"{len(known)} names, {len(values)} values")
    return dict(zip(known, map(int, values)))


def table():
    "The five groups that the package divides constants into."
    groups = [[*members] for _, members in GROUPS.values()]
    groups = [*groups[:ENUMS], [name for group in groups[ENUMS:] for name in group]]
    found = values_of([name for group in groups for name in group if name not in DOCUMENTED]) | DOCUMENTED
    return [{name: spelled(name, found[name]) for name in group if name in found and name not in WITHHELD} for group in groups]


def spelled(name, value):
    "An IPv4 address has a sign on Windows, where a C long has 32 bits."
    return value - (1 << 32) if name.startswith("INADDR_") and value >> 31 else value


def main():
    lines = ['"""The constants of Windows, from its headers as MinGW-w64 has them: written by tools/windows/constants.py."""', "", "GROUPS = ["]
    for group in table():
        lines += ["    {", *(f'        "{name}": {value},' for name, value in group.items()), "    },"]
    TARGET.write_text("\n".join([*lines, "]", ""]), encoding="utf-8")
    print(f"{TARGET.relative_to(TOP)}: {sum(map(len, table()))} constants")


if __name__ == "__main__":
    main()
