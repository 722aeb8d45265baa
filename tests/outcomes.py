"""What a call comes to, in a form that can be compared."""

from __future__ import annotations

import io
import socket as standard
from collections.abc import Callable
from typing import Any, NamedTuple

import litsock


class Raised(NamedTuple):
    """An exception, as far as it has to be the same."""

    kind: str
    errno: int | None


def raised(error: Exception) -> Raised:
    """What counts of an exception. `gaierror` and `herror` are classes of each module: their name counts."""
    number = error.errno if isinstance(error, OSError) else None
    return Raised(type(error).__name__, number)


def outcome(call: Callable, *arguments: Any, **named: Any) -> tuple[Any, str]:
    """What a call comes to: its result or what it raised, and the message."""
    try:
        return plain(call(*arguments, **named)), ""
    except Exception as error:
        return raised(error), str(error)


def plain(result: Any) -> Any:
    """A result in a form that can be compared. A socket or a file is closed, and told as what it was."""
    if isinstance(result, io.IOBase):
        with result:
            return type(result).__name__
    if isinstance(result, (standard.socket, litsock.socket)):
        with result:
            return f"a socket of family {result.family:d}, type {result.type:d}"
    if isinstance(result, tuple):
        return tuple(plain(part) for part in result)
    return result
