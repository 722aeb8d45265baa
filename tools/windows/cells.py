"""Runs in Windows' Python: the cells of a page, one after the other.

    cells.py CELLS RESULT    # CELLS is a JSON list of code; RESULT gets a list of what each printed and showed
"""

import ast
import io
import json
import sys
from contextlib import redirect_stdout


def run(code, namespace):
    "What the code prints, and what its last expression comes to."
    tree, shown = ast.parse(code), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "<cell>", "exec"), namespace)
        if last:
            shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    return printed.getvalue(), None if shown is None else repr(shown)


if __name__ == "__main__":
    source, result = sys.argv[1:]
    namespace = {"__name__": "__main__"}
    with open(source, encoding="utf-8") as file:
        done = [run(code, namespace) for code in json.load(file)]
    with open(result, "w", encoding="utf-8") as file:
        json.dump(done, file)
