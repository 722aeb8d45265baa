"""Packets: built and taken apart, damaged in every way, and read by another program.

`python tests/test_wire.py 1000000` tries that many random inputs; the suite tries ten thousand.
"""
import array
import ctypes
import errno
import os
import random
import re
import select
import struct
import subprocess
import sys
import threading
from contextlib import ExitStack, nullcontext
from time import monotonic, sleep, time_ns

import pytest

import litsock
from litsock.observe import packets, wire
from litsock.observe.flows import Packets, read_pcapng
from litsock.observe.packets import (
    ACK, ARP, FIN, ICMP, PSH, RST, SYN, TCP, UDP, URG, VLAN, Authentication, Cooked, Cooked2, DestinationOptions, Ethernet, Fragment,
    HopByHop, ICMPv6, IPv4, IPv6, Option, Packet, Routing, encode,
)
from litsock.observe.wire import own_network

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

# -- beside tshark ----------------------------------------------------------------------------------------------------------


def tshark(path, fields, *options):
    "What tshark reads: a row of texts for each packet."
    asked = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", path, "-T", "fields", "-E", "occurrence=f", "-E", "separator=/t", *options, *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(fields, line.split("\t"))) for line in done.stdout.split("\n")[:-1]]


def on_or_off(value):
    return str(int(value))


def tshark_fields(packet):
    "What tshark should say of a packet, by its names of fields."
    seconds, nanoseconds = divmod(packet.time, 10**9)
    found = {"frame.len": packet.size, "frame.cap_len": len(packet.raw), "frame.time_epoch": f"{seconds}.{nanoseconds:09d}"}
    for layer in packet.layers:
        match layer:
            case Ethernet(): found |= {"eth.dst": layer.destination, "eth.src": layer.source}
            case VLAN(): found |= {"vlan.id": layer.id, "vlan.priority": layer.priority}
            case Cooked() | Cooked2(): found |= {"sll.pkttype": layer.kind, "sll.hatype": layer.hardware}
            case ARP(): found |= {"arp.opcode": layer.operation, "arp.src.proto_ipv4": layer.sender, "arp.dst.proto_ipv4": layer.target,
                                  "arp.src.hw_mac": layer.sender_mac, "arp.dst.hw_mac": layer.target_mac}
            case IPv4(): found |= {
                "ip.src": layer.source, "ip.dst": layer.destination, "ip.ttl": layer.ttl, "ip.id": f"{layer.id:#06x}", "ip.len": layer.size,
                "ip.proto": layer.protocol, "ip.dsfield": f"{layer.tos:#04x}", "ip.flags.df": on_or_off(layer.dont_fragment),
                "ip.flags.mf": on_or_off(layer.more_fragments), "ip.frag_offset": layer.offset >> 3, "ip.checksum": f"{layer.checksum:#06x}"}
            case IPv6(): found |= {
                "ipv6.src": layer.source, "ipv6.dst": layer.destination, "ipv6.hlim": layer.ttl, "ipv6.plen": layer.size,
                "ipv6.nxt": layer.protocol, "ipv6.flow": f"{layer.flow_label:#08x}", "ipv6.tclass": f"{layer.tos:#010x}"}
            case Fragment(): found |= {"ipv6.fraghdr.offset": layer.offset >> 3, "ipv6.fraghdr.ident": f"{layer.id:#010x}"}
            case ICMPv6(): found |= {"icmpv6.type": layer.type, "icmpv6.code": layer.code, "icmpv6.checksum": f"{layer.checksum:#06x}"}
            case ICMP(): found |= {"icmp.type": layer.type, "icmp.code": layer.code, "icmp.checksum": f"{layer.checksum:#06x}"}
            case UDP(): found |= {"udp.srcport": layer.source, "udp.dstport": layer.destination, "udp.length": layer.size,
                                  "udp.checksum": f"{layer.checksum:#06x}"}
            case TCP(): found |= tcp_fields(packet, layer)
    return {name: str(value) for name, value in found.items()}


def tcp_fields(packet, tcp):
    found = {
        "tcp.srcport": tcp.source, "tcp.dstport": tcp.destination, "tcp.seq_raw": tcp.seq, "tcp.ack_raw": tcp.ack,
        "tcp.flags": f"{tcp.flags:#06x}", "tcp.window_size_value": tcp.window, "tcp.checksum": f"{tcp.checksum:#06x}",
        "tcp.urgent_pointer": tcp.urgent, "tcp.len": packet.payload_size,
    }
    if tcp.mss is not None: found["tcp.options.mss_val"] = tcp.mss
    if tcp.window_scale is not None: found["tcp.options.wscale.shift"] = tcp.window_scale
    if tcp.timestamps: found |= dict(zip(("tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"), tcp.timestamps))
    if tcp.fast_open: found["tcp.options.tfo.cookie"] = tcp.fast_open.hex()
    if tcp.sack: found |= {"tcp.options.sack.count": len(tcp.sack)}
    return found


FIELDS = """frame.len frame.cap_len frame.time_epoch eth.dst eth.src vlan.id vlan.priority sll.pkttype sll.hatype arp.opcode arp.src.proto_ipv4
    arp.dst.proto_ipv4 arp.src.hw_mac arp.dst.hw_mac ip.src ip.dst ip.ttl ip.id ip.len ip.proto ip.dsfield ip.flags.df ip.flags.mf ip.frag_offset
    ip.checksum ipv6.src ipv6.dst ipv6.hlim ipv6.plen ipv6.nxt ipv6.flow ipv6.tclass ipv6.fraghdr.offset ipv6.fraghdr.ident icmpv6.type icmpv6.code
    icmpv6.checksum icmp.type icmp.code icmp.checksum udp.srcport udp.dstport udp.length udp.checksum tcp.srcport tcp.dstport tcp.seq_raw
    tcp.ack_raw tcp.flags tcp.window_size_value tcp.checksum tcp.urgent_pointer tcp.len tcp.options.mss_val tcp.options.wscale.shift
    tcp.options.timestamp.tsval tcp.options.timestamp.tsecr tcp.options.tfo.cookie tcp.options.sack.count""".split()


def some_packets(many, seed):
    chance = random.Random(seed)
    found = []
    for number in range(many):
        link, layers, payload = some_packet(chance)
        comment = f"packet {number}" if number % 3 else ""
        found.append(Packet(encode(*layers, payload=payload), link, time=10**18 + number * 1_000_001, direction=chance.choice(("", "in", "out")),
                            interface=f"if{link}", comment=comment))
    fragments = [IPv4("10.0.0.1", "10.0.0.2", 17, more_fragments=True, id=9, dont_fragment=False),
                 IPv4("10.0.0.1", "10.0.0.2", 17, offset=1480, id=9, dont_fragment=False)]
    found += [Packet(encode(header, payload=encode(UDP(1, 2, 2000, 0), payload=bytes(1472))), packets.RAW, time=1) for header in fragments]
    found += [Packet(encode(IPv6("fd00::1", "fd00::2"), Fragment(offset, not offset, 77, 17), payload=bytes(64)), packets.RAW, time=2) for offset in (0, 64)]
    return found


@pytest.fixture
def capture_file(tmp_path):
    return str(tmp_path / "capture.pcapng")


@pytest.mark.needs("tshark")
def test_tshark_reads_the_same(capture_file):
    ours = Packets(some_packets(400, seed=3))
    ours.pcapng(capture_file)
    theirs = tshark(capture_file, [*FIELDS, "frame.comment", "frame.interface_name"], "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE")
    assert len(theirs) == len(ours) == 404
    kinds, compared = set(), 0
    for packet, row in zip(ours, theirs):
        kinds.add(tuple(type(layer).__name__ for layer in packet.layers))
        expected = tshark_fields(packet)
        assert {name: row[name] for name in expected} == expected, packet
        assert row["frame.comment"] == packet.comment
        compared += len(expected)
    assert len(kinds) > 20 and compared > 6000


@pytest.mark.needs("tshark")
def test_tshark_agrees_on_checksums(capture_file):
    chance = random.Random(4)
    found = []
    for packet in some_packets(300, seed=5):
        raw = bytearray(packet.raw)
        if chance.random() < 0.5 and packet.payload:
            raw[packet.dissected.start] ^= 1
        found.append(Packet(bytes(raw), packet.link, time=1))
    Packets(found).pcapng(capture_file)
    names = {"IPv4": "ip.checksum.status", "TCP": "tcp.checksum.status", "UDP": "udp.checksum.status", "ICMP": "icmp.checksum.status", "ICMPv6": "icmpv6.checksum.status"}
    checking = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    said = {"1": True, "0": False, "2": None, "3": None, "": None}
    wrong = 0
    for packet, row in zip(found, tshark(capture_file, list(names.values()), *checking)):
        for name, verdict in packet.checksums().items():
            if verdict is not None:
                assert said[row[names[name]]] == verdict, packet
                wrong += not verdict
    assert wrong > 50


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
def test_files_that_others_wrote(capture_file, tmp_path, kind):
    ours = Packets([packet for packet in some_packets(100, seed=6) if packet.link == packets.ETHERNET])
    ours.pcapng(capture_file)
    theirs = str(tmp_path / "theirs")
    subprocess.run(["editcap", "-F", kind, capture_file, theirs], check=True)
    again = read_pcapng(theirs)
    unit = 1000 if kind == "pcap" else 1
    assert [(one.raw, one.time // unit, one.size) for one in again] == [(one.raw, one.time // unit, one.size) for one in ours]
    if kind == "pcapng":
        assert [(one.comment, one.direction, one.interface) for one in again] == [(one.comment, one.direction, one.interface) for one in ours]
    assert not again.problem


@pytest.mark.needs("tshark")
def test_capinfos_counts_what_we_wrote(capture_file):
    ours = Packets(some_packets(50, seed=7), dropped=3)
    ours.pcapng(capture_file)
    told = subprocess.run(["capinfos", "-M", "-c", "-s", "-d", capture_file], capture_output=True, text=True, check=True).stdout
    values = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    assert values["Number of packets"].split()[0] == str(len(ours))
    assert values["Data size"].split()[0] == str(sum(packet.size for packet in ours))
    assert read_pcapng(capture_file).dropped == 3


def test_damaged_files(tmp_path):
    "Whatever is done to a file: the packets before the damage, and a reason; or ValueError, if it is no capture at all."
    chance, path = random.Random(8), tmp_path / "damaged"
    Packets(some_packets(10, seed=9)).pcapng(path)
    whole = path.read_bytes()
    for _ in range(500):
        path.write_bytes(damaged(chance, whole))
        try:
            found = read_pcapng(path)
        except ValueError as error:
            assert "no capture file" in str(error)
        else:
            assert len(found) <= 20 and str(found)
    for raw in (b"", b"abc", b"\x1f\x8b\x08\x00", b"\n\r\r\n" + b"\xff" * 100, chance.randbytes(1000)):
        path.write_bytes(raw)
        try:
            assert read_pcapng(path).problem
        except ValueError as error:
            assert "no capture file" in str(error)

def segments(*rows):
    "Packets of one connection: up to the server or not, flags, seq, ack, payload."
    found = []
    for number, (up, flags, seq, ack, data) in enumerate(rows):
        ends, ports = (("10.0.0.1", "10.0.0.2"), (4000, 80)) if up else (("10.0.0.2", "10.0.0.1"), (80, 4000))
        header = TCP(*ports, seq % 2**32, ack % 2**32, flags)
        found.append(Packet(encode(IPv4(*ends), header, payload=data), packets.RAW, time=10**18 + number * 10**6))
    return Packets(found)


@pytest.mark.parametrize("rows, states", [
    ([(True, ACK, 100, 200, b"middle")], ("ESTABLISHED", "ESTABLISHED")),
    ([(False, SYN | ACK, 0, 1, b"")], ("ESTABLISHED", "SYN_RECV")),
    ([(True, SYN, 0, 0, b""), (False, RST | ACK, 0, 1, b"")], ("CLOSED", "CLOSED")),
    ([(True, ACK, 5, 5, b"x"), (False, RST, 5, 0, b""), (True, ACK, 6, 5, b"late")], ("CLOSED", "CLOSED")),
    ([(True, SYN, 0, 0, b""), (False, SYN, 9, 0, b"")], ("SYN_SENT", "SYN_SENT")),
    ([(True, FIN | ACK, 5, 5, b""), (False, FIN | ACK, 5, 5, b"")], ("CLOSING", "CLOSING")),
    ([(True, FIN | ACK, 5, 5, b""), (False, ACK, 5, 6, b""), (False, FIN | ACK, 5, 6, b""), (True, ACK, 6, 6, b"")], ("TIME_WAIT", "CLOSED")),
])
def test_states(rows, states):
    assert segments(*rows).flows()[0].states == states


def test_sequence_numbers_come_round():
    top = 2**32
    found = segments((True, SYN, top - 3, 0, b""), (False, SYN | ACK, top - 1, top - 2, b""), (True, ACK, top - 2, top, b"four"), (False, ACK, 0, top + 2, b""))
    assert [(packet.seq, packet.ack) for packet in found] == [(0, None), (0, 1), (1, 1), (1, 5)]
    assert not any(packet.marks for packet in found)


# -- captures ---------------------------------------------------------------------------------------------------------------


def some_traffic():
    "TCP, UDP and pings of both versions, refused and not, on several ports."
    for family, here, there in ((litsock.AF_INET, "10.0.0.1", "10.0.0.2"), (litsock.AF_INET6, "::1", "::1")):
        for port in (80, 81):
            with litsock.create_server((there, port), family=family) as server, litsock.socket(family) as client:
                client.bind((here, 0))
                client.connect((there, port))
                server.accept()[0].close()
            with litsock.socket(family, litsock.SOCK_DGRAM) as sock:
                sock.sendto(b"nobody hears this", (there, port))
                sock.sendto(bytes(100), (there, port + 100))


FILTERS = [
    {}, {"port": 80}, {"port": [80, 181]}, {"protocol": "tcp"}, {"protocol": "udp"}, {"protocol": "icmp"}, {"protocol": "icmpv6"},
    {"protocol": "ip"}, {"protocol": "ipv6"}, {"protocol": "arp"}, {"host": "10.0.0.1"}, {"host": "10.0.0.9"}, {"host": ["10.0.0.2", "::1"]},
    {"host": "::1", "port": 81}, {"host": "10.0.0.2", "port": 80, "protocol": "tcp"}, {"protocol": "udp", "port": 180},
]


def capture_with_all_filters():
    with ExitStack() as stack:
        captures = [stack.enter_context(litsock.capture("lo", buffer=1 << 22, **wanted)) for wanted in FILTERS]
        began = time_ns()
        some_traffic()
        ended = time_ns()  # the captures do not end at one moment
    return [[packet for packet in captured.packets if began <= packet.time <= ended] for captured in captures]


@pytest.mark.needs("own-network")
def test_the_filter_in_the_kernel_keeps_what_the_exact_test_keeps():
    everything, *found = own_network(capture_with_all_filters)
    assert len(everything) >= 40 and {"TCP", "UDP", "ICMP", "ICMPv6"} <= {type(packet.last).__name__ for packet in everything}
    for wanted, kept in zip(FILTERS[1:], found):
        exact = wire.wanted_packets(wire.numeric(wanted.get("host")), *[
            [ports] if isinstance(ports := wanted.get("port", ()), int) else list(ports)], wanted.get("protocol"))
        assert [packet.raw for packet in kept] == [packet.raw for packet in everything if exact(packet)], wanted
        assert all(packet.time and packet.interface == "lo" for packet in kept)


def flood(size, emptied=True):
    with litsock.capture("lo", port=9, buffer=size) as captured, litsock.socket(type=litsock.SOCK_DGRAM) as sock:
        sock.bind(("10.0.0.2", 9))
        sock.connect(("10.0.0.2", 9))
        with nullcontext() if emptied else captured._ring.lock:
            for _ in range(30_000):
                sock.send(bytes(100))
    return len(captured.packets), captured.dropped


@pytest.mark.needs("own-network")
def test_what_is_lost_is_counted():
    assert own_network(flood, 32 << 20) == (30_000, 0)
    kept, lost = own_network(flood, 1, False)
    assert kept + lost == 30_000 and lost


def without_privilege():
    with open("/proc/self/status") as status:
        assert "CapEff:\t0000000000000000" not in status.read()
    libc = ctypes.CDLL(None)
    libc.prctl(47, 4, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)  # capset: no capabilities left
    assert libc.capset(header, bytes(24)) == 0
    litsock.capture("lo").__enter__()


@pytest.mark.needs("own-network")
def test_without_the_privilege_the_error_says_what_to_do():
    with pytest.raises(PermissionError, match="CAP_NET_RAW.*setcap.*unshare -rn"):
        own_network(without_privilege)


def iterations():
    with litsock.capture("lo", limit=3) as captured:
        some_traffic()
        limited = [packet.raw for packet in captured]
    with litsock.capture("lo", port=4, seconds=0.2) as nothing:
        start = monotonic()
        assert list(nothing) == []
        took = monotonic() - start
    with litsock.capture("lo") as one:
        some_traffic()
    with pytest.raises(RuntimeError):
        one.__enter__()
    return len(limited), took, len(list(one)) == len(one.packets) > 3, threading.active_count(), len(os.listdir("/proc/self/fd"))


@pytest.mark.needs("own-network")
def test_iterating_ends():
    limited, took, whole, threads, _ = own_network(iterations)
    assert limited == 3 and 0.2 <= took < 2 and whole and threads == 1


@pytest.mark.needs("own-network")
def test_an_interface_that_is_not_there():
    with pytest.raises(OSError) as raised:
        own_network(lambda: litsock.capture("litsock-none").__enter__())
    assert raised.value.errno == errno.ENODEV


def lossy_conversation():
    "Retransmissions, duplicate acknowledgements and closed windows, all real."
    with litsock.capture("lo", port=80) as captured, litsock.create_server(("10.0.0.2", 80)) as server, litsock.socket() as client:
        client.bind(("10.0.0.1", 40312))
        client.setsockopt(litsock.SOL_SOCKET, litsock.SO_SNDBUF, 1 << 20)
        server.setsockopt(litsock.SOL_SOCKET, litsock.SO_RCVBUF, 20000)
        client.connect(("10.0.0.2", 80))
        peer, _ = server.accept()
        deaf(peer, True)
        client.sendall(bytes(3000))
        sleep(0.3)
        deaf(peer, False)
        sleep(0.5)
        client.setblocking(False)
        client.send(bytes(200_000))  # more than the window
        sleep(1)
        while peer in select.select([peer], [], [], 0.5)[0]:
            peer.recv(100_000)
        client.close()
        peer.close()
    return captured.packets


def deaf(sock, on):
    "A filter that drops every segment that arrives."
    memory = array.array("B", struct.pack("HBBI", 6, 0, 0, 0))
    program = struct.pack("HP", 1, memory.buffer_info()[0])
    sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_ATTACH_FILTER if on else litsock.SO_DETACH_FILTER, program if on else 0)


ANALYSIS = {
    "retransmission": "tcp.analysis.retransmission", "zero window": "tcp.analysis.zero_window", "window full": "tcp.analysis.window_full",
    "duplicate ACK": "tcp.analysis.duplicate_ack", "out of order": "tcp.analysis.out_of_order",
}


def acknowledges_a_copy(packet):
    "Whether its first SACK block lies below what it acknowledges: a D-SACK (RFC 2883)."
    blocks = packet.last.sack
    return bool(blocks) and (packet.last.ack - blocks[0][1]) % 2**32 < 2**31


@pytest.mark.needs("own-network", "tshark")
def test_tshark_follows_the_connection_as_we_do(capture_file):
    found = own_network(lossy_conversation, mtu=1500)
    found.pcapng(capture_file)
    fields = ["tcp.seq", "tcp.ack", "tcp.window_size", "tcp.stream", "tcp.analysis.initial_rtt", *ANALYSIS.values()]
    seen = set()
    for packet, row in zip(found, tshark(capture_file, fields)):
        assert [str(packet.seq), str(packet.ack or 0), str(packet.window)] == [row["tcp.seq"], row["tcp.ack"], row["tcp.window_size"]], packet
        assert row["tcp.stream"] == str(packet.flow.number - 1)
        marks = {name for name, field in ANALYSIS.items() if row[field]}
        if acknowledges_a_copy(packet) and "duplicate ACK" not in packet.marks:
            marks.discard("duplicate ACK")  # for tshark it is one, whether anything is on the way or not
        assert marks == set(packet.marks) & set(ANALYSIS), packet
        seen |= marks
    assert {"retransmission", "zero window"} <= seen
    assert abs(float(row["tcp.analysis.initial_rtt"]) - found.flows()[0].rtt) < 1e-9

# -- traces with packets ----------------------------------------------------------------------------------------------------


def traced_conversation():
    "What a trace says of its packets, where the client's port stands in no call."
    with litsock.create_server(("10.0.0.2", 81)) as stranger, litsock.create_connection(("10.0.0.2", 81)) as other:
        with litsock.trace(packets=True) as t, litsock.create_server(("10.0.0.2", 80)) as server:
            with litsock.create_connection(("10.0.0.2", 80)) as client:
                peer, _ = server.accept()
                client.sendall(b"one")
                client.sendall(b"two")
                peer.recv(2)
                peer.recv(10)
                client.shutdown(litsock.SHUT_WR)
                peer.recv(1)
                peer.close()
            litsock.socket.send(other, b"known before, too")
        stranger.accept()[0].close()
    picture = t.timeline()
    return t.packets, picture, t.stable().timeline(), len(t), {thread.name for thread in threading.enumerate()}


@pytest.mark.needs("own-network")
def test_each_packet_knows_its_calls():
    found, picture, stable, _, threads = own_network(traced_conversation)
    comments = {(packet.last.flags & ~PSH, packet.seq, packet.source[1] == 80): packet.comment for packet in found.only(port=80)}
    assert comments[SYN, 0, False].startswith("sent by connect(") and "received by accept4()" in comments[SYN, 0, False]
    assert comments[SYN | ACK, 0, True] == "received by connect(('10.0.0.2', 80))"
    assert comments[ACK, 1, False] == "sent by send(b'one'); received by recv() → b'on', recv() → b'etwo'"
    assert comments[ACK, 4, False] == "sent by send(b'two'); received by recv() → b'etwo'"
    assert comments[FIN | ACK, 7, False].startswith("sent by shutdown(SHUT_WR); received by recv() → b''")
    assert comments[FIN | ACK, 1, True].startswith("sent by close()")
    assert any("known before" in packet.comment for packet in found.only(port=81))
    assert "shutdown(SHUT_WR)" in repr(picture) and "[SYN]" in repr(picture) and "TIME_WAIT" in picture._repr_html_()
    assert "litsock capture" not in threads
    assert not re.search(r"win [1-9]|0\.0\d{5}", repr(stable)), stable


def later_datagrams():
    with litsock.trace(packets=True) as t, litsock.socket(type=litsock.SOCK_DGRAM) as a:
        for port in (54, 55):
            a.connect(("10.0.0.2", port))
            sleep(0.2)  # whoever connects a datagram socket need not send at once
            a.send(b"x")
            with pytest.raises(ConnectionRefusedError):
                a.recv(10)
    return [packet.comment for packet in t.packets]


@pytest.mark.needs("own-network")
def test_datagrams_long_after_connect():
    assert own_network(later_datagrams) == ["sent by send(b'x')", "received by recv() → ECONNREFUSED"] * 2


def traced_datagrams():
    with litsock.trace(packets=True) as t, litsock.socket(type=litsock.SOCK_DGRAM) as a, litsock.socket(type=litsock.SOCK_DGRAM) as b:
        a.bind(("10.0.0.2", 53))
        b.sendto(b"question", ("10.0.0.2", 53))
        _, who = a.recvfrom(100)
        a.sendto(b"answer", who)
        b.recv(100)
        b.connect(("10.0.0.2", 54))
        b.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            b.recv(10)
    return [packet.comment.replace(str(who[1]), "PORT") for packet in t.packets], repr(t.timeline(flow=2))


@pytest.mark.needs("own-network")
def test_datagrams_know_their_calls():
    comments, picture = own_network(traced_datagrams)
    assert comments == [
        "sent by sendto(b'question', ('10.0.0.2', 53)); received by recvfrom() → b'question'",
        "sent by sendto(b'answer', ('10.0.0.1', PORT)); received by recv() → b'answer'",
        "sent by send(b'x')", "received by recv() → ECONNREFUSED",
    ]
    assert "ICMP destination unreachable (port)" in picture


def refusals():
    with litsock.trace() as t:
        pass
    with pytest.raises(ValueError, match="packets=True"):
        t.packets
    with litsock.trace(packets=True) as t:
        pass
    assert len(t.packets) == 0 and "no packets" in repr(t.timeline())
    with pytest.raises(ValueError, match="no packets of flow 7"):
        Packets(story()).timeline(7)
    with litsock.trace(packets=True) as t:
        child = os.fork()
        if not child:
            t.__exit__()
            os._exit(0)
        os.waitpid(child, 0)
        some_traffic()
    return len(t.packets)


def story():
    return [Packet(encode(IPv4("10.0.0.1", "10.0.0.2"), UDP(1, 2), payload=b"x"), packets.RAW)]


@pytest.mark.needs("own-network")
def test_traces_without_packets_say_so_and_a_child_leaves_the_ring_alone():
    assert own_network(refusals) >= 40


def traced_without_privilege():
    ctypes.CDLL(None).capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
    try:
        litsock.trace(packets=True).__enter__()
    except PermissionError as error:
        assert "CAP_NET_RAW" in str(error)
    return [name for name in dir(litsock.kernel) if hasattr(getattr(litsock.kernel, name), "original")]


@pytest.mark.needs("own-network")
def test_a_trace_that_may_not_capture_leaves_nothing_behind():
    assert own_network(traced_without_privilege) == []


# -- the command line -------------------------------------------------------------------------------------------------------

PROGRAM = """
import socket
with socket.create_server(("127.0.0.1", 8080)) as server, socket.create_connection(("127.0.0.1", 8080)) as client:
    peer, _ = server.accept()
    client.sendall(b"hello")
    peer.recv(10)
    peer.close()
"""


def litsock_command(*words):
    done = subprocess.run([sys.executable, "-m", "litsock", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.needs("own-network")
def test_run_prints_the_packets_of_the_program():
    status, output, printed = own_network(litsock_command, "run", "--packets", "-c", PROGRAM)
    assert status == 0 and not output
    assert re.search(r"127\.0\.0\.1:\d+ → 127\.0\.0\.1:8080 \[PSH ACK\] seq 1 ack 1 win \d+, 5 bytes b'hello'", printed), printed
    assert "server, FIN" in printed.splitlines()[-1]


def capture_while_a_program_runs(path):
    capturing = subprocess.Popen([sys.executable, "-m", "litsock", "capture", "lo", "--port", "8080", "--count", "5", "--write", path],
                                 stdout=subprocess.PIPE, text=True)
    deadline = monotonic() + 30
    while capturing.poll() is None and monotonic() < deadline:
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True)
    return capturing.communicate(timeout=10)[0]


@pytest.mark.needs("own-network")
def test_capture_prints_lines_and_writes_a_file(tmp_path):
    path = str(tmp_path / "lines.pcapng")
    printed = own_network(capture_while_a_program_runs, path)
    assert len(printed.splitlines()) == 5 and "[SYN]" in printed
    status, read, _ = litsock_command("capture", "--read", path)
    assert status == 0 and [line.partition("  ")[2] for line in read.splitlines()] == printed.splitlines()
    assert litsock_command("capture", "--read", __file__)[0] == 1


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    print(f"{many} inputs, seed {seed}", flush=True)
    try_inputs(many, seed)
