"""litsock beside the standard module: `make bench`, or `python -m bench`."""

from . import cases as _cases, many as _many, programs as _programs  # they enter themselves into the table
