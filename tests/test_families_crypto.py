"""`AF_ALG`: addresses byte for byte on any machine, and both modules side by side against what Python computes itself."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket as standard
import struct
import tempfile
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import outcome
from test_bad_input import compare, descriptors
from test_difference import BASE, settings

import litsock
from litsock import families
from litsock.families.crypto import Alg

MANY = settings(BASE, max_examples=50 if "LITSOCK_VM" in os.environ else 5000)  # emulation is slow
ALG = Alg()


def sockaddr(kind: bytes, name: bytes, feat: int = 0, mask: int = 0) -> bytes:
    """`struct sockaddr_alg`, by `struct`."""
    return struct.pack("=H14sII64s", standard.AF_ALG, kind, feat, mask, name)


# Addresses, byte for byte


@pytest.mark.parametrize(
    ("address", "raw"),
    [
        (("hash", "sha256"), sockaddr(b"hash", b"sha256")),
        (("aead", "gcm(aes)", 1), sockaddr(b"aead", b"gcm(aes)", 1)),
        (("rng", "stdrng", 2**32 - 1, 0x1000), sockaddr(b"rng", b"stdrng", 2**32 - 1, 0x1000)),
        (("", ""), sockaddr(b"", b"")),
        (("t" * 13, "n" * 63), sockaddr(b"t" * 13, b"n" * 63)),
        (("ü", "é" * 31), sockaddr("ü".encode(), ("é" * 31).encode())),
    ],
)
def test_bytes(address: tuple, raw: bytes) -> None:
    assert ALG.pack(address) == raw and len(raw) == 88
    assert ALG.unpack(raw) == (*address, 0, 0)[:4]
    assert families.unpack(raw) == ALG.unpack(raw)


def test_what_is_too_large_is_cut_off() -> None:
    assert ALG.unpack(ALG.pack(("hash", "sha256", -1, 2**32 + 5)))[2:] == (2**32 - 1, 5)


def test_the_codec_of_a_socket() -> None:
    assert families.codec_for(litsock.AF_ALG) is families.codec_for(litsock.AF_ALG, 5)


def test_truncated() -> None:
    raw = sockaddr(b"hash", b"sha256")
    assert ALG.unpack(raw + b"more") == ALG.unpack(raw)
    for end in range(len(raw)):
        with pytest.raises(ValueError, match="sockaddr_alg"):
            ALG.unpack(raw[:end])


@MANY
@given(st.one_of(st.binary(max_size=120), st.binary(min_size=88, max_size=120)))
def test_any_bytes(raw: bytes) -> None:
    try:
        address = ALG.unpack(raw)
    except ValueError:  # too few, or not UTF-8
        return
    kind, name = (part.partition(b"\0")[0].decode() for part in (raw[2:16], raw[24:88]))
    assert address == (kind, name, *struct.unpack("=II", raw[16:24]))


TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@MANY
@given(st.text(TEXT, max_size=13), st.text(TEXT, max_size=63), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_there_and_back(kind: str, name: str, feat: int, mask: int) -> None:
    if len(kind.encode()) > 13 or len(name.encode()) > 63:
        with pytest.raises(ValueError, match="too long"):
            ALG.pack((kind, name, feat, mask))
        return
    raw = sockaddr(kind.encode(), name.encode(), feat, mask)
    assert ALG.unpack(raw) == (kind, name, feat, mask)
    assert ALG.pack(ALG.unpack(raw)) == raw


# What is refused. The kernel need not know the family: a socket object believes what it is told about its own.


class Index:
    def __index__(self) -> int:
        return 1


def on_a_datagram_socket(module: Any, call: str, *arguments: Any, **named: Any) -> Any:
    """What a socket that claims to be of `AF_ALG` answers."""
    with module.socket(module.AF_INET, module.SOCK_DGRAM) as plain:
        with module.socket(module.AF_ALG, module.SOCK_SEQPACKET, 0, fileno=plain.detach()) as sock:
            return outcome(getattr(sock, call), *arguments, **named)


@pytest.mark.parametrize("method", ["bind", "connect", "connect_ex"])
@pytest.mark.parametrize(
    "address",
    [
        "hash", b"hash", None, 5, ["hash", "sha256"], (), ("hash",), ("hash", "sha256", 0, 0, 0),
        (b"hash", "sha256"), ("hash", b"sha256"), (None, "sha256"), ("hash", 5), ("hash", "sha256", "0"), ("hash", "sha256", 0, "0"),
        ("hash", "sha256", 1.0), ("hash", "sha256", None), ("h\0sh", "sha256"), ("hash", "sha\x00256"),
        ("t" * 14, "sha256"), ("hash", "n" * 64), ("ü" * 7, "sha256"), ("\ud800", "sha256"), ("hash", "\ud800"),
        ("t" * 14, "n" * 64, "0"), ("t" * 14, "n\0"),
    ],
    ids=repr,
)  # fmt: skip
def test_refused(address: Any, method: str) -> None:
    compare(lambda module: on_a_datagram_socket(module, method, address))


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ((b"hash", "sha256"), "type"), (("hash", 5), "name"), (("hash", "sha256", "0"), "feat"), (("hash", "sha256", 0, "0"), "mask"),
        (("t" * 14, "x"), "type too long"), (("hash", "n" * 64), "name too long"), (("h\0", "x"), "type"), (("h", "x\0"), "name"),
    ],
)  # fmt: skip
def test_messages_name_the_field(address: Any, field: str) -> None:
    with pytest.raises((TypeError, ValueError), match=field):
        ALG.pack(address)


@pytest.mark.parametrize(
    "named",
    [
        {}, *({"op": op} for op in (None, 1, True, -1, 2**31, 2**40, 1.0, "1", Index())),
        *({"op": 1, "iv": iv} for iv in (None, "text", 5, b"", bytearray(16), memoryview(b"abcd")[::2])),
        *({"op": 1, "assoclen": size} for size in (None, -1, 0, 2**31, 1.0, "1", Index())),
        *({"op": 1, "flags": flags} for flags in (None, "1", 2**40)),
        *({"op": 1, "msg": msg} for msg in (None, 5, b"bytes", ["text"], [b"a", bytearray(b"b")])),
        {"op": 1, "more": 1},
    ],
)  # fmt: skip
def test_orders(named: dict) -> None:
    compare(lambda module: on_a_datagram_socket(module, "sendmsg_afalg", **named))


def test_orders_to_another_family() -> None:
    def case(module: Any) -> Any:
        with module.socket() as sock:
            return outcome(sock.sendmsg_afalg, op=1)

    compare(case)


# In the kernel, both modules side by side

in_the_kernel = pytest.mark.needs("AF_ALG")
MODULES = pytest.mark.parametrize("module", [standard, litsock])
KEY = bytes(range(16))


@pytest.fixture
def closing():
    with ExitStack() as stack:
        yield stack.enter_context


def operation(closing: Any, module: Any, kind: str, name: str, key: bytes | None = None, tag: int = 0) -> Any:
    algorithm = closing(module.socket(module.AF_ALG, module.SOCK_SEQPACKET))
    algorithm.bind((kind, name))
    if key is not None:
        algorithm.setsockopt(module.SOL_ALG, module.ALG_SET_KEY, key)
    if tag:
        algorithm.setsockopt(module.SOL_ALG, module.ALG_SET_AEAD_AUTHSIZE, None, tag)
    made, address = algorithm.accept()
    assert address is None
    made.settimeout(20)
    return closing(made)


@in_the_kernel
@pytest.mark.parametrize("name", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 5000])
def test_hashes(closing: Any, name: str, size: int) -> None:
    data = os.urandom(size)
    plain = operation(closing, litsock, "hash", name)
    plain.send(data)
    assert plain.recv(100) == hashlib.new(name, data).digest()
    keyed = operation(closing, litsock, "hash", f"hmac({name})", KEY)
    keyed.send(data[: size // 2], litsock.MSG_MORE)
    keyed.send(data[size // 2 :])
    assert keyed.recv(100) == hmac.digest(KEY, data, name)


@in_the_kernel
@pytest.mark.parametrize(("sealing", "opening"), [(standard, litsock), (litsock, standard)])
def test_what_one_seals_the_other_opens(closing: Any, sealing: Any, opening: Any) -> None:
    clear, plain, iv = os.urandom(13), os.urandom(50), os.urandom(12)
    one = operation(closing, sealing, "aead", "gcm(aes)", KEY, 16)
    other = operation(closing, opening, "aead", "gcm(aes)", KEY, 16)
    one.sendmsg_afalg([clear, plain], op=sealing.ALG_OP_ENCRYPT, iv=iv, assoclen=len(clear))
    sealed = one.recv(len(clear) + len(plain) + 16)
    other.sendmsg_afalg([sealed], op=opening.ALG_OP_DECRYPT, iv=bytearray(iv), assoclen=len(clear))
    assert other.recv(len(sealed) - 16) == clear + plain
    other.sendmsg_afalg([sealed[:-1], b"?"], op=opening.ALG_OP_DECRYPT, iv=iv, assoclen=len(clear))
    with pytest.raises(OSError, match="Bad message"):
        other.recv(len(sealed) - 16)


@in_the_kernel
@pytest.mark.parametrize(
    ("name", "key", "iv", "plain", "cipher"),  # NIST SP 800-38A, the sections named; first blocks
    [
        ("ecb(aes)", "2b7e151628aed2a6abf7158809cf4f3c", "", "6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"),
        ("cbc(aes)", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
         "6bc1bee22e409f96e93d7e117393172a", "7649abac8119b246cee98e9b12e9197d"),
        ("cbc(aes)", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f",
         "6bc1bee22e409f96e93d7e117393172a", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
        ("ctr(aes)", "2b7e151628aed2a6abf7158809cf4f3c", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "6bc1bee22e409f96e93d7e117393172a", "874d6191b620e3261bef6864990db6ce"),
    ],
    ids=["F.1.1", "F.2.1", "F.2.5", "F.5.1"],
)  # fmt: skip
@MODULES
def test_ciphers(closing: Any, module: Any, name: str, key: str, iv: str, plain: str, cipher: str) -> None:
    aes = operation(closing, module, "skcipher", name, bytes.fromhex(key))
    vector = {"iv": bytes.fromhex(iv)} if iv else {}
    for op, text, other in ((module.ALG_OP_ENCRYPT, plain, cipher), (module.ALG_OP_DECRYPT, cipher, plain)):
        aes.sendmsg_afalg([bytes.fromhex(text)], op=op, **vector)
        assert aes.recv(16).hex() == other


@in_the_kernel
@MODULES
def test_orders_first_data_later(closing: Any, module: Any) -> None:
    aes = operation(closing, module, "skcipher", "cbc(aes)", KEY)
    text = bytes(range(48))
    assert aes.sendmsg_afalg(op=module.ALG_OP_ENCRYPT, iv=KEY, flags=module.MSG_MORE) == 0
    aes.sendall(text)
    at_once = operation(closing, module, "skcipher", "cbc(aes)", KEY)
    assert at_once.sendmsg_afalg([text[:5], text[5:]], op=module.ALG_OP_ENCRYPT, iv=KEY) == 48
    assert aes.recv(48) == at_once.recv(48)


@in_the_kernel
def test_a_file(closing: Any) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 10_000)
        file.flush()
        sha1 = operation(closing, litsock, "hash", "sha1")
        assert os.sendfile(sha1.fileno(), file.fileno(), 0, 10_000) == 10_000
        assert sha1.recv(20) == hashlib.sha1(b"x" * 10_000).digest()


@in_the_kernel
@pytest.mark.parametrize("name", ["stdrng", "drbg_nopr_sha256", "drbg_nopr_ctr_aes256"])
def test_random_numbers(closing: Any, name: str) -> None:
    generator = operation(closing, litsock, "rng", name, b"seed")
    numbers = [generator.recv(size) for size in (1, 16, 128, 1000, 128)]
    assert [len(number) for number in numbers] == [1, 16, 128, 128, 128]
    assert len(set(numbers)) == 5


@in_the_kernel
def test_an_operation_is_a_socket_like_others(closing: Any) -> None:
    """It has no names, so nothing that asks for one may fail."""
    sha256 = operation(closing, litsock, "hash", "sha256")
    twin = closing(sha256.dup())
    third = closing(litsock.fromfd(sha256.fileno(), litsock.AF_ALG, litsock.SOCK_SEQPACKET))
    assert (twin.family, twin.type) == (third.family, third.type) == (litsock.AF_ALG, litsock.SOCK_SEQPACKET)
    assert "laddr" not in repr(sha256) and not sha256.get_inheritable()
    sha256.send(b"a", litsock.MSG_MORE)
    twin.send(b"b", litsock.MSG_MORE)
    third.send(b"c")
    assert twin.recvfrom(100) == (hashlib.sha256(b"abc").digest(), None)
    sha256.send(b"abc")
    assert third.recvmsg(100, 100) == (hashlib.sha256(b"abc").digest(), [], 0, None)
    before = descriptors()
    for _ in range(3):
        with pytest.raises(OSError, match="not supported"):
            litsock.socket(fileno=sha256.fileno())
    assert descriptors() == before


@in_the_kernel
def test_what_the_kernel_says() -> None:
    """Calls that it takes or refuses: both modules come to the same."""

    def case(module: Any, call: str) -> Any:
        with module.socket(module.AF_ALG, module.SOCK_SEQPACKET) as sock:
            sock.settimeout(0)
            calls = {
                "unknown": (sock.bind, ("hash", "sha257")),
                "unknown type": (sock.bind, ("cypher", "aes")),
                "longest": (sock.bind, ("t" * 13, "n" * 63)),
                "flags": (sock.bind, ("hash", "sha256", 1, 1)),
                "all flags": (sock.bind, ("hash", "sha256", 0x1000, 0x1000)),
                "accept": (sock.accept,),
                "key": (sock.setsockopt, module.SOL_ALG, module.ALG_SET_KEY, b"key"),
                "getsockname": (sock.getsockname,),
                "getpeername": (sock.getpeername,),
                "connect": (sock.connect, ("hash", "sha256")),
                "connect_ex": (sock.connect_ex, ("hash", "sha256")),
                "sendto": (sock.sendto, b"data", ("hash", "sha256")),
                "send": (sock.send, b"data"),
                "recv": (sock.recv, 10),
                "recvfrom": (sock.recvfrom, 10),
                "recvmsg": (sock.recvmsg, 10, 10),
                "listen": (sock.listen,),
                "taken": (lambda: module.socket(fileno=sock.fileno()),),
            }
            return outcome(*calls[call]) if call else list(calls)

    for call in case(litsock, ""):
        compare(lambda module: case(module, call))  # noqa: B023
