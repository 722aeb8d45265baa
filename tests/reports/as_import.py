# Runs a program that was written for `socket` as its author would change it: with `import litsock as socket`.
import re
import sys

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    text = file.read()
changed = re.sub(r"^( *)import socket$", r"\1import litsock as socket", text, flags=re.MULTILINE)
sys.argv[:] = sys.argv[1:]
exec(compile(changed, path, "exec"), {"__name__": "__main__", "__file__": path})
