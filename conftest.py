"""Every cell of a notebook counts as run.

Execution counts would make noise in each difference, so the notebooks are stored without: nbdev_clean takes them out.
nbval takes a cell without one for a cell that was never run, and does not compare what it shows. Ours all were.
"""

from nbval.plugin import IPyNbCell


def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, IPyNbCell):
            item.cell.execution_count = 0
