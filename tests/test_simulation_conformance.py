"""CPython's own tests of sockets, run inside a host of a simulated network: what passes on the real kernel must pass there."""
import sys
from importlib.util import find_spec

import pytest

from conformance.child import forget_broken_testcapi
from conformance.simulated import MOST, TABLE, Compared, compare

COMPARED: dict[str, Compared] = {}


@pytest.mark.parametrize('module', TABLE['modules'])
def test_passes_on_a_simulated_host(module):
    if sys.implementation.name == 'pypy': forget_broken_testcapi()
    if not find_spec(f'test.{module}'): pytest.skip(f'this interpreter does not have test.{module}')
    COMPARED[module] = compare(module)
    assert not COMPARED[module].failures


def test_each_exception_has_a_reason_and_they_are_few():
    assert all(rule['why'] and rule['tests'] for rule in TABLE['left_out'] + TABLE['exception'])
    if len(COMPARED) < len(TABLE['modules']): pytest.skip('not all modules were run')
    both, excepted = (sum(len(compared[at]) for compared in COMPARED.values()) for at in (0, 1))
    assert excepted <= MOST * (both + excepted)
