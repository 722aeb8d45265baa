"""The table of cases. A case gets a module, makes its sockets with it, and answers with what one operation took."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Case:
    measure: Callable[[ModuleType], float]
    operation: str  # what is measured, one of it
    target: float | None  # the standard module's figure over litsock's should reach this; None: nothing is asked
    needs: tuple[str, ...]  # names beyond the ordinary ones, such as "socket.sendfile"
    once: Callable[[ModuleType], Any] | None  # a context manager that gives the operation alone, to count its calls
    limit: bool  # whether limits.c does it too
    method: bool  # whether method.c can do it too
    unit: str  # "seconds", or "bytes"

    def lacks(self, module: ModuleType) -> list[str]:
        """The names that `module` would have to have."""
        return [name for name in self.needs if not has(module, name)]


CASES: dict[str, Case] = {}


def as_text(results: Any) -> str:
    """Results as JSON, each series of figures on one line."""
    return re.sub(r"\[[^][{}]*\]", lambda series: " ".join(series.group().split()), json.dumps(results, indent=1)) + "\n"


def has(thing: Any, dotted: str) -> bool:
    """Whether `thing` has an attribute, which may be one of an attribute: "socket.sendfile"."""
    first, _, rest = dotted.partition(".")
    return hasattr(thing, first) and (not rest or has(getattr(thing, first), rest))


def case(
    name: str,
    operation: str,
    target: float | None = None,
    needs: str = "",
    once: Callable | None = None,
    limit: bool = False,
    method: bool = False,
    unit: str = "seconds",
) -> Callable:
    """Enter a function into the table."""

    def enter(measure: Callable[[ModuleType], float]) -> Callable[[ModuleType], float]:
        CASES[name] = Case(measure, operation, target, tuple(needs.split()), once, limit, method, unit)
        return measure

    return enter
