"""Control messages: what the chapter's functions make and read, and those in C that stand in their place."""

import os
import sys
import warnings
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as some

import litsock
from litsock import control_messages, kernel

PLAIN = kernel.IN_PYTHON
if "parse" not in PLAIN:
    pytest.skip("the extension in C is not here, so there is nothing to compare", allow_module_level=True)

TRIPLES = some.tuples(
    some.integers(-(2**31) - 1, 2**31),
    some.integers(-(2**31) - 1, 2**31),
    some.binary(max_size=40) | some.binary(max_size=9).map(bytearray) | some.binary(max_size=9).map(memoryview)
    | some.lists(some.integers(-9, 9)).map(lambda numbers: array("i", numbers)) | some.text(max_size=3) | some.none(),
)  # fmt: skip


def outcome(call, *arguments):
    "What came of a call: its answer or the type of its exception, and the warnings."
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            answer = call(*arguments)
        except Exception as error:
            answer = type(error)
    return answer, [str(warning.message) for warning in heard]


def test_they_are_two():
    assert control_messages.parse is not PLAIN["parse"] and PLAIN["build_one"].__module__ == "litsock.control_messages"


@given(triple=TRIPLES)
def test_building(triple):
    assert outcome(control_messages.build_one, *triple) == outcome(PLAIN["build_one"], *triple)


@given(control=some.binary(max_size=100))
def test_reading_anything(control):
    assert outcome(control_messages.parse, control) == outcome(PLAIN["parse"], control)


@given(
    triples=some.lists(some.tuples(some.integers(0, 300), some.integers(0, 300), some.binary(max_size=30)), max_size=4),
    cut=some.integers(0, 60),
)
def test_there_and_back(triples, cut):
    control = control_messages.build(triples)
    assert control_messages.parse(control) == triples
    control = control[: max(len(control) - cut, 0)]
    assert outcome(control_messages.parse, control) == outcome(PLAIN["parse"], control)


def test_a_length_that_lies():
    for length in (0, 1, 15, 2**31, 2**63 - 1, 2**64 - 1):
        control = length.to_bytes(8, sys.byteorder) + bytes(24)
        assert outcome(control_messages.parse, control) == outcome(PLAIN["parse"], control), length


@pytest.mark.parametrize("parse", [control_messages.parse, PLAIN["parse"]])
def test_the_warning_names_the_line_that_receives(monkeypatch, parse):
    monkeypatch.setattr("litsock.core.parse", parse)

    def cut(fd, size, control, flags):
        control[:] = control_messages.build_one(1, 1, bytes(12))[: len(control)]
        return 1, b"x", len(control), litsock.MSG_CTRUNC, b""

    monkeypatch.setattr("litsock.kernel.recvmsg", cut)
    with litsock.socket() as sock, pytest.warns(RuntimeWarning, match="truncated") as heard:
        assert sock.recvmsg(1, 20)[:2] == (b"x", [(1, 1, bytes(4))])
    assert heard[0].filename == __file__


def send(messages):
    "What came of sending one byte with these control messages, and what arrived of them."
    one, other = litsock.socketpair()
    with one, other:
        came = outcome(one.sendmsg, [b"x"], messages)
        other.settimeout(0)
        arrived = outcome(other.recvmsg, 1, litsock.CMSG_SPACE(4 * 260))
        fds = [fd for _, _, data in arrived[0][1] for fd in array("i", data)] if type(arrived[0]) is tuple else []
        for fd in fds:
            os.close(fd)
        return came, arrived[0] if not fds else len(fds)


def send_by_python(messages, monkeypatch):
    "The same, and C steps aside."
    with monkeypatch.context() as patch:
        patch.setattr(kernel, "sendmsg", lambda *arguments, original=kernel.sendmsg: original(*arguments))
        return send(messages)


RIGHTS = (litsock.SOL_SOCKET, litsock.SCM_RIGHTS)
ODD = {
    "none": [], "an empty tuple": (), "one": [(*RIGHTS, array("i", [0]))], "in a tuple": ((*RIGHTS, array("i", [0])),),
    "252 descriptors": [(*RIGHTS, array("i", [0] * 252))], "too many": [(*RIGHTS, array("i", [0] * 254))],
    "more than is plain": [(*RIGHTS, bytes(1009))], "just as much as is plain": [(*RIGHTS, bytes(1008))],
    "no data": [(*RIGHTS, b"")], "no descriptor": [(*RIGHTS, array("i", [-1]))], "three bytes": [(*RIGHTS, b"abc")],
    "two": [(*RIGHTS, array("i", [0])), (*RIGHTS, array("i", [1]))], "a list in a list": [[*RIGHTS, array("i", [0])]],
    "two elements": [RIGHTS], "four elements": [(*RIGHTS, b"", b"")], "text": [(*RIGHTS, "abc")], "a large number": [(2**40, 1, b"")],
    "none at all": [None], "a number": 5, "an iterator": iter([(*RIGHTS, array("i", [0]))]), "an unknown level": [(9999, 1, b"abcd")],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_sending_is_the_same_in_c(name, monkeypatch):
    messages = [*ODD[name]] if name == "an iterator" else ODD[name]
    by_c = send(iter(messages) if name == "an iterator" else messages)
    assert by_c == send_by_python(iter(messages) if name == "an iterator" else messages, monkeypatch)
