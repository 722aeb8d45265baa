"""Packets: built and taken apart, damaged in every way, and read by another program.

`python tests/test_wire.py 1000000` tries that many random inputs; the suite tries ten thousand.
"""
import random
import sys

import pytest

from litsock.observe import packets
from litsock.observe.packets import (
    ACK, ARP, FIN, ICMP, PSH, RST, SYN, TCP, UDP, URG, VLAN, Authentication, Cooked, Cooked2, DestinationOptions, Ethernet, Fragment,
    HopByHop, ICMPv6, IPv4, IPv6, Loopback, Option, Packet, Routing, dissect, encode,
)

INPUTS = 10_000
LINKS = packets.ETHERNET, packets.RAW, packets.LINUX_SLL, packets.LINUX_SLL2, packets.NULL, packets.IPV4_LINK, packets.IPV6_LINK, 77


def some_host(chance, version):
    if version == 4:
        return f"10.0.{chance.randrange(256)}.{chance.randrange(1, 255)}"
    return f"fd00::{chance.randrange(1, 65536):x}:{chance.randrange(1, 65536):x}"


def some_options(chance):
    "Options of TCP that make sense together, in every combination."
    found = [
        packets.mss(chance.randrange(536, 65496)), packets.sack_permitted(), packets.timestamps(chance.randrange(2**32), 7), Option(1),
        packets.window_scale(chance.randrange(15)),
    ]
    if chance.random() < 0.3:
        found = [Option(1), Option(1), packets.sack(*[(at, at + 1448) for at in range(5000, 5000 + 3000 * chance.randrange(1, 4), 3000)])]
    elif chance.random() < 0.2:
        found = [packets.fast_open(chance.randbytes(8))]
    return tuple(chance.sample(found, chance.randrange(len(found) + 1)))


def some_transport(chance, version):
    ports = chance.randrange(1, 65536), chance.randrange(1, 65536)
    payload = chance.randbytes(chance.choice((0, 1, 2, 7, 100, 536)))
    kind = chance.randrange(4)
    if kind == 0:
        return [UDP(*ports)], payload
    if kind == 1:
        message = ICMP(8, 0, chance.randbytes(4)) if version == 4 else ICMPv6(128, 0, chance.randbytes(4))
        return [message], payload
    flags = chance.choice((SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, URG | ACK | PSH))
    header = TCP(*ports, chance.randrange(2**32), chance.randrange(2**32), flags, chance.randrange(65536), some_options(chance))
    return [header._replace(urgent=9 if flags & URG else 0)], payload


def some_packet(chance):
    "A packet of any kind: (link, headers, payload)."
    if chance.random() < 0.05:
        return packets.ETHERNET, [Ethernet(), ARP(chance.choice((1, 2)), "02:00:00:00:00:01", "10.0.0.1", "02:00:00:00:00:02", "10.0.0.2")], b""
    version = chance.choice((4, 6))
    ends = some_host(chance, version), some_host(chance, version)
    transport, payload = some_transport(chance, version)
    if version == 4:
        options = chance.choice(((), (), (Option(148, b"\0\0"),), (Option(7, b"\4" + bytes(4)), Option(0))))
        ip = [IPv4(*ends, ttl=chance.randrange(1, 256), tos=chance.randrange(256), id=chance.randrange(65536), options=options)]
    else:
        extra = [HopByHop(bytes([5, 2, 0, 0, 1, 0])), DestinationOptions(bytes([1, 4, 0, 0, 0, 0])), Routing(bytes([3, 0]) + bytes(4)),
                 Authentication(bytes(22))]
        ip = [IPv6(*ends, ttl=chance.randrange(1, 256), tos=chance.randrange(256), flow_label=chance.randrange(2**20))]
        ip += [header for header in extra if chance.random() < 0.15]
    link, first = chance.choice((
        (packets.ETHERNET, [Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")]),
        (packets.ETHERNET, [Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01"), VLAN(chance.randrange(4096), chance.randrange(8))]),
        (packets.RAW, []), (packets.LINUX_SLL, [Cooked(4, 1, bytes(6))]), (packets.LINUX_SLL2, [Cooked2(0, 1, bytes(6), 2)]),
    ))
    return link, [*first, *ip, *transport], payload


def damaged(chance, raw):
    "The same with some bytes changed, cut out, or put in."
    raw = bytearray(raw)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(4):
            case 0: raw[at : at + 1] = chance.randbytes(1)
            case 1: del raw[at:]
            case 2: del raw[at : at + chance.randrange(8)]
            case 3: raw[at:at] = chance.randbytes(chance.randrange(8))
    return bytes(raw)


def look_at(packet):
    "All that can be asked of a packet. What comes back must make sense, whatever the bytes are."
    assert str(packet) and "\n" not in str(packet)
    assert all(verdict in (True, False, None) for verdict in packet.checksums().values())
    shown = packets.packet_fields(packet)
    assert all(before.start + len(before.raw) == after.start for before, after in zip(shown, shown[1:]) if before.name[:4] != "data")
    assert packet.payload_size >= len(packet.payload) and packet.size >= len(packet.raw) >= packet.dissected.end >= packet.dissected.start


def try_inputs(many, seed):
    "Random bytes, and packets that were damaged, as each kind of capture."
    chance = random.Random(seed)
    for _ in range(many):
        link, layers, payload = some_packet(chance)
        raw = damaged(chance, encode(*layers, payload=payload)) if chance.random() < 0.8 else chance.randbytes(chance.randrange(120))
        if chance.random() < 0.2:
            link = chance.choice(LINKS)
        try:
            look_at(packet := Packet(raw, link, size=chance.choice((None, len(raw), len(raw) + 100))))
            assert chance.random() < 0.9 or packet._repr_html_() and packet.draw()
        except Exception:
            print(f"seed {seed}, link {link}, bytes {raw.hex()}", file=sys.stderr)
            raise


def test_what_is_built_is_found_again():
    chance = random.Random(1)
    for _ in range(2000):
        link, layers, payload = some_packet(chance)
        raw = encode(*layers, payload=payload)
        packet = Packet(raw, link)
        assert [type(layer) for layer in packet.layers] == [type(layer) for layer in layers]
        assert packet.payload == payload and not packet.problem
        assert encode(*packet.layers, payload=packet.payload) == raw
        assert set(packet.checksums().values()) <= {True} or packet.get(Routing)


def test_damaged_packets_do_no_harm():
    try_inputs(INPUTS, seed=2)


def test_a_damaged_packet_fails_its_checksum():
    raw = bytearray(encode(IPv4("10.0.0.1", "10.0.0.2"), TCP(1, 2), payload=b"some data"))
    for at in range(len(raw)):
        raw[at] ^= 0x10
        if len((packet := Packet(bytes(raw), packets.RAW)).layers) == 2 and not packet.problem and not packet.fragment:
            assert False in packet.checksums().values() or packet.dissected.claimed != packet.dissected.end, at
        raw[at] ^= 0x10


def test_headers_inside_headers_come_to_an_end():
    bomb = encode(*[IPv4("10.0.0.1", "10.0.0.2")] * 1000, UDP(1, 2))
    assert len(Packet(bomb, packets.RAW).layers) == packets.MOST_LAYERS
    quoting = encode(IPv4("10.0.0.1", "10.0.0.2"), UDP(1, 2))
    for _ in range(300):  # an error about an error about an error …
        quoting = encode(IPv4("10.0.0.1", "10.0.0.2"), ICMP(3, 3), payload=quoting)
    assert str(Packet(quoting, packets.RAW)).count("about") == 1


@pytest.mark.parametrize("raw, line", [
    (encode(IPv4("10.0.0.1", "10.0.0.2"), TCP(40312, 80, flags=SYN, options=(packets.mss(65495), packets.sack_permitted()))),
     "10.0.0.1:40312 → 10.0.0.2:80 [SYN] seq 0 win 65535 mss 65495 sackOK"),
    (encode(IPv6("fe80::1", "fe80::2"), TCP(1, 2, 5, 6, FIN | ACK, 9)), "[fe80::1]:1 → [fe80::2]:2 [FIN ACK] seq 5 ack 6 win 9"),
    (encode(IPv6("fe80::1", "ff02::1"), ICMPv6(135), payload=b"\xfe\x80" + bytes(13) + b"\2"), "fe80::1 → ff02::1 ICMPv6 neighbor solicitation fe80::2"),
    (encode(IPv4("10.0.0.1", "10.0.0.2"), ICMP(3, 4, bytes([0, 0, 5, 220])), payload=encode(IPv4("10.0.0.2", "10.0.0.1"), UDP(3, 4))),
     "10.0.0.1 → 10.0.0.2 ICMP destination unreachable (fragmentation needed), mtu 1500, about 10.0.0.2:3 → 10.0.0.1:4 UDP 0 bytes"),
    (encode(IPv4("10.0.0.1", "10.0.0.2", protocol=89), payload=b"abc"), "10.0.0.1 → 10.0.0.2 protocol 89 3 bytes"),
    (encode(IPv4("10.0.0.1", "10.0.0.2"), ICMP(8, 0, bytes([0, 7, 0, 1])), payload=bytes(56)), "10.0.0.1 → 10.0.0.2 ICMP echo request id 7 seq 1, 56 bytes"),
    (b"", "0 bytes"),
])
def test_lines(raw, line):
    assert str(Packet(raw, packets.RAW)) == line


def test_options_are_kept_as_they_are():
    for raw in (b"\2\4\5\xb4", b"\1\1\1\1", b"\0\0\0\0", b"\2\3\5\0", b"\x08\x02\x01\x00", b"\2\x09\1\1", b"\3\1\1\1"):
        header = b"\0\1\0\2" + bytes(8) + b"\x60\2\0\0\0\0\0\0" + raw
        tcp, size = TCP.parse(memoryview(header))
        assert size == 24 and tcp.pack(b"", None, None) == header
        assert tcp.mss in (None, 1460)


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    print(f"{many} inputs, seed {seed}", flush=True)
    try_inputs(many, seed)
