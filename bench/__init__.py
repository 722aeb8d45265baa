"""litsock beside the standard module: `make bench`, or `python -m bench`."""

from . import cases as _cases, at_scale as _at_scale, programs as _programs  # they enter themselves into the table
