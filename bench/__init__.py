"""litsock beside the standard module: `make bench`, or `python -m bench`."""
