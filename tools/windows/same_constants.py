"""Runs in Windows' Python: every constant of its own `socket` is litsock's too, with the same value."""

import socket

import litsock

mine = {name: getattr(litsock, name, None) for name, value in vars(socket).items() if isinstance(value, (int, str)) and name[0] != "_" and (name.isupper() or name == "AF_DECnet")}
wrong = [(name, getattr(socket, name), value) for name, value in mine.items() if value != getattr(socket, name)]
print(f"{len(mine)} constants of the standard module, {len(wrong)} differ", *wrong, sep="\n")
assert len(mine) > 150 and not wrong
