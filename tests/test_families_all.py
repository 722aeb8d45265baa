"""What every codec of every family promises, whichever families there are.

Bytes from the kernel, be they what they may, are an address or a `ValueError`; an address that was unpacked can be packed,
and says the same again; and what is no address is refused with one of four exceptions.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litsock import families
from litsock.constants import gaierror
from litsock.families import codec_for, elsewhere
from litsock.families.addresses import RESOLVER, SOCKADDR, UnknownFamily

SOME = settings(max_examples=500, deadline=None, database=None, derandomize=True)
PROTOCOLS = range(64)  # more than any family has
WRONG = TypeError, ValueError, OverflowError, OSError


def every_codec() -> list[Any]:
    "Each codec once: of the families of this platform with each protocol, and of other systems."
    here = [codec_for(family, proto) for family in (*families.CODECS, *families.MODULE_OF) for proto in PROTOCOLS]
    there = [*elsewhere.CODECS.values(), elsewhere.LINK, *elsewhere.FREEBSD.values(), elsewhere.FREEBSD_HCI,
             *elsewhere.NETBSD.values(), elsewhere.WINDOWS_RFCOMM]
    known = {id(codec): codec for codec in here + there if not isinstance(codec, UnknownFamily)}
    return [*known.values(), UnknownFamily(0xFE)]


CODECS = every_codec()
each = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"{type(codec).__name__}-{int(codec.family)}")


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    "No name of a host is looked up in these tests."

    def unknown(name: bytes, family: int) -> bytes:
        raise gaierror(-2, "Name or service not known")

    monkeypatch.setattr(RESOLVER, "name", unknown)


def test_every_family_with_a_module_has_a_codec() -> None:
    for family in (*families.CODECS, *families.MODULE_OF):
        assert not all(isinstance(codec_for(family, proto), UnknownFamily) for proto in PROTOCOLS), family
    assert len(CODECS) > 20


@each
def test_a_codec_has_what_sockets_use(codec: Any) -> None:
    assert isinstance(codec.cacheable, bool) and 0 < codec.family < 0x10000
    assert callable(codec.pack) and callable(codec.unpack)


def raw_addresses(codec: Any) -> st.SearchStrategy[bytes]:
    "Random bytes: of any family, and of the codec's own."
    head = SOCKADDR.pack(codec.family, b"")
    return st.one_of(st.binary(max_size=160), st.binary(max_size=160).map(lambda body: head + body))


@each
def test_bytes_are_an_address_or_a_valueerror(codec: Any) -> None:
    @given(raw_addresses(codec))
    @SOME
    def check(raw: bytes) -> None:
        try:
            address = codec.unpack(raw)
        except ValueError:
            return
        assert codec.unpack(bytes(raw)) == address
        assert hash(address) is not None and repr(address)

    check()


@each
def test_an_address_that_was_unpacked_says_the_same_again(codec: Any) -> None:
    @given(raw_addresses(codec))
    @SOME
    def check(raw: bytes) -> None:
        try:
            address = codec.unpack(raw)
            again = codec.pack(address)
        except WRONG:  # no address; or an interface or a family that nobody knows
            return
        assert type(again) is bytes
        assert codec.unpack(again) == address
        assert codec.pack(codec.unpack(again)) == again

    check()


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=20),
    st.sampled_from(["", "lo", "127.0.0.1", "::1", "00:11:22:33:44:55", "\ud800", "a\0b", -1, 2**16, 2**32, 2**64, bytearray(b"x")]),
)
JUNK = st.one_of(SCALARS, st.lists(SCALARS, max_size=6).map(tuple), st.lists(SCALARS, max_size=3), st.dictionaries(st.integers(), SCALARS))


@each
def test_what_is_no_address_is_refused_in_one_of_four_ways(codec: Any) -> None:
    @given(JUNK)
    @SOME
    def check(junk: Any) -> None:
        try:
            raw = codec.pack(junk)
        except WRONG as error:
            assert str(error)
            return
        assert type(raw) is bytes and len(raw) >= 2
        codec.unpack(raw)

    check()


@pytest.mark.parametrize("family", sorted({int(family) for family in (*families.CODECS, *families.MODULE_OF)}))
def test_any_bytes_of_a_known_family_can_be_reported(family: int) -> None:
    @given(st.binary(max_size=130), st.integers(-1, 70))
    @SOME
    def check(body: bytes, proto: int) -> None:
        raw = SOCKADDR.pack(family, body)
        try:
            address = families.unpack(raw, proto)
        except ValueError:
            return
        assert families.unpack(raw, proto) == address

    check()
