"""Pictures of bytes, and what a socket tells of itself."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as xml
from struct import pack

import pytest
from common import descriptors

import litsock
from litsock import constants, families
from litsock.observe import decoding, drawing

ADDRESSES = [
    (("192.0.2.1", 80), None, "sockaddr_in", {"sin_port": "80", "sin_addr": "192.0.2.1"}),
    (("fe80::1", 80, 7, 2), None, "sockaddr_in6", {"sin6_flowinfo": "7", "sin6_scope_id": "2", "sin6_addr": "fe80::1"}),
    (("::1", 80), None, "sockaddr_in6", {"sin6_addr": "::1"}),
    ("/run/app.sock", None, "sockaddr_un", {"sun_path": "/run/app.sock"}),
    (b"\0app", constants.AF_UNIX, "sockaddr_un", {"sun_path": r"b'\x00app'"}),
    ((4242, 1), constants.AF_NETLINK, "sockaddr_nl", {"nl_pid": "4242", "nl_groups": "0x1"}),
    (b"\xfe\xff\1\2\3", None, "sockaddr", {"sa_data": r"b'\x01\x02\x03'"}),
]


@pytest.mark.parametrize("address, family, struct, said", ADDRESSES, ids=repr)
def test_draw_an_address(address, family, struct, said):
    picture = litsock.draw_address(address, family)
    assert f"struct {struct}" in picture.text
    for name, meaning in said.items():
        assert f"{name} {meaning}" in picture.text


def test_draw_what_has_no_form():
    for wrong in (5, ("eth0",), (1, 2), None):
        with pytest.raises(ValueError, match="family"):
            litsock.draw_address(wrong)
    with pytest.raises(TypeError):
        litsock.draw_address(("127.0.0.1", "http"))


def all_structs():
    addresses = [family.to_bytes(2, sys.byteorder) for name in decoding.ADDRESSES if (family := int(getattr(litsock, name, 0)))]
    bluetooth = [litsock.AF_BLUETOOTH.to_bytes(2, sys.byteorder).ljust(size, b"\0") for size in (6, 8, 10, 14)] if hasattr(litsock, "AF_BLUETOOTH") else []
    return {**decoding.STRUCTS, **{f"{struct.name} {len(raw)}": struct for raw in addresses + bluetooth for struct in [decoding.struct_of_address(raw)]}}


@pytest.mark.parametrize("name", all_structs())
def test_every_struct_draws(name):
    """Each in full, cut short and too long: well-formed XML, every byte in it."""
    for size in (1, 7, 16, 33, 300):
        raw = bytes(range(1, 251))[:size]
        picture = drawing.picture_of(decoding.fields(all_structs()[name], raw), name)
        image = xml.fromstring(picture._repr_html_())
        assert len(image.findall(".//{*}rect")) == len(raw)
        assert float(image.get("width")) > 0 and image.get("aria-label").split() == picture.text.split()


def test_draw_a_control_message():
    text = litsock.draw_message(litsock.SOL_SOCKET, litsock.SCM_CREDENTIALS, pack("iII", 1, 2, 3)).text
    for part in ("cmsg_len 28", "cmsg_level SOL_SOCKET", "cmsg_type SCM_CREDENTIALS", "pid 1", "uid 2", "gid 3", "(padding)"):
        assert part in text


def test_draw_an_option():
    assert "TCP_NODELAY 1" in litsock.draw_option(litsock.IPPROTO_TCP, litsock.TCP_NODELAY, 1).text
    assert "SO_ERROR ECONNREFUSED" in litsock.draw_option(litsock.SOL_SOCKET, litsock.SO_ERROR, 111).text
    assert "tcpi_state TCP_LISTEN" in litsock.draw_option(litsock.IPPROTO_TCP, litsock.TCP_INFO, b"\x0a" + bytes(200)).text


def test_layouts_agree_with_the_codecs():
    """What the table of structs says of an address is what its codec packed."""
    raw = families.codec_for(litsock.AF_INET6).pack(("2001:db8::1", 443, 5, 6))
    assert {field.name: field.value for field in decoding.address_fields(raw)} == {
        "sin6_family": "AF_INET6", "sin6_port": 443, "sin6_flowinfo": 5, "sin6_addr": "2001:db8::1", "sin6_scope_id": 6,
    }  # fmt: skip


# A socket


def test_info_of_a_new_socket():
    with litsock.socket() as sock:
        info = sock.info()
        assert (info.fd, info.family, info.type, info.proto) == (sock.fileno(), litsock.AF_INET, litsock.SOCK_STREAM, 0)
        assert (info.mode, info.peer, info.listening, info.options, info.tcp.state) == ("blocking", None, False, {}, "TCP_CLOSE")


def test_info_of_a_connection():
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.create_connection(server.getsockname(), timeout=2) as near:
        far, _ = server.accept()
        with far:
            near.sendall(b"x" * 5000)
            received = 0
            while received < 5000:
                received += len(far.recv(5000))
            ours, theirs = near.info(), far.info()
        assert (ours.local, ours.peer) == (theirs.peer, theirs.local) == (near.getsockname(), server.getsockname())
        assert ours.mode == "timeout of 2 s" and ours.tcp.state == "TCP_ESTABLISHED" and 0 < ours.tcp.rtt < 10
        assert ours.tcp.bytes_sent == theirs.tcp.bytes_received == 5000 and ours.tcp.snd_cwnd > 0
        assert server.info().listening and server.info().tcp.state == "TCP_LISTEN"


def test_tcp_info_agrees_with_the_bytes():
    """State and a number that is set by hand, at the places where `<linux/tcp.h>` has them."""
    raw = bytearray(240)
    raw[0], raw[68:72], raw[80:84] = 8, (1_500).to_bytes(4, sys.byteorder), (33).to_bytes(4, sys.byteorder)
    raw[120:128] = (12345).to_bytes(8, sys.byteorder)
    info = drawing.tcp_info(bytes(raw))
    assert (info.state, info.rtt, info.snd_cwnd, info.bytes_acked) == ("TCP_CLOSE_WAIT", 0.0015, 33, 12345)
    old = drawing.tcp_info(bytes(raw[:104]))  # as Linux 2.6 had it
    assert (old.rtt, old.bytes_acked, old.min_rtt, old.delivery_rate) == (0.0015, None, None, None)


def test_options_that_were_set():
    with litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock:
        assert sock.info().options == {}
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_BROADCAST, 1)
        sock.setsockopt(litsock.IPPROTO_IPV6, litsock.IPV6_UNICAST_HOPS, 5)
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_RCVBUF, 5000)
        options = sock.info().options
    assert options == {"SO_BROADCAST": 1, "SO_RCVBUF": 10000, "IPV6_UNICAST_HOPS": 5}


def test_asking_changes_nothing():
    """An error that waits to be told still waits, and no descriptor is left over."""
    with litsock.socket(type=litsock.SOCK_DGRAM) as sock, litsock.socket(type=litsock.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        sock.connect(gone.getsockname())
        gone.close()
        sock.send(b"into the void")
        before = descriptors()
        sock.info(), sock._repr_html_()
        assert descriptors() == before
        with pytest.raises(ConnectionRefusedError):
            sock.send(b"again")


def test_html_of_a_socket():
    with litsock.socket() as sock:
        html = sock._repr_html_()
        assert "AF_INET, SOCK_STREAM" in html and f">{sock.fileno()}<" in html and "<script" not in html
    assert "closed" in sock._repr_html_() and "closed" in repr(sock.info())


def test_sockets_of_subclasses_and_others():
    class Mine(litsock.socket):
        pass

    with Mine(litsock.AF_UNIX, litsock.SOCK_SEQPACKET) as sock:
        assert sock.info().family == litsock.AF_UNIX and sock.info().tcp is None
        assert "SOCK_SEQPACKET" in sock._repr_html_()


def test_the_chapter_is_loaded_when_first_used():
    """A program that shows nothing does not pay for it."""
    import subprocess

    code = "import sys, litsock; s = litsock.socket(); print([n for n in sys.modules if n in ('litsock.observe.drawing', 'litsock.observe.tracing')]); s.info(); print('litsock.observe.drawing' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_states_are_not_those_of_the_congestion_control():
    """`TCP_CA_Open` is 0, and so is a `tcp_info` that says nothing."""
    assert [decoding.tcp_state(number) for number in (0, 1, 10, 99)] == ["0", "TCP_ESTABLISHED", "TCP_LISTEN", "99"]


def test_what_is_not_measured_is_not_shown():
    new = drawing.TCPInfo(*drawing.tcp_info(bytes(280)))._replace(state="TCP_SYN_SENT", rttvar=0.25, bytes_sent=1, total_retrans=1)
    rows = dict(drawing.tcp_rows(new))
    assert rows["round trip"] == "not measured yet"
    assert rows["sent"] == "1 byte, 0 bytes acknowledged, 1 segment again"


@pytest.mark.parametrize("value", ["x", 1 << 40, -(1 << 40)])
def test_option_values_that_cannot_be(value):
    draw_option = drawing.draw_option

    with pytest.raises(ValueError, match="value must be bytes, or a number of 32 bits"):
        draw_option(litsock.SOL_SOCKET, litsock.SO_RCVBUF, value)
    assert "SO_MARK -1" in repr(draw_option(litsock.SOL_SOCKET, litsock.SO_MARK, 0xFFFFFFFF))
