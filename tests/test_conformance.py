"""CPython's own tests of `socket`, run with litsock in its place: what passes with the standard module must pass."""
from importlib.util import find_spec

import pytest

from conformance.run import DEVIATIONS, RULES, compare, failures


@pytest.mark.parametrize('module', RULES['modules'])
def test_passes_what_the_standard_module_passes(module, verdicts):
    if not find_spec(f'test.{module}'): pytest.skip(f'this interpreter does not have test.{module}')
    verdict = compare(module)
    verdicts.append(verdict)
    if verdict.failures: pytest.fail('\n'.join(failures(verdict)), pytrace=False)
    nothing_ran = verdict.standard.unusable
    if nothing_ran: pytest.skip(f'test.{module} does not run with the standard module: {nothing_ran.reason}')


def test_few_deviations():
    assert len(DEVIATIONS) <= 10
