"""`getsockopt` gives no more than was asked for, and nothing that the kernel did not write, whatever length the kernel states."""
# better: the standard module trusts the kernel's length, and returns foreign memory or crashes

import socket
import struct

SOL_NETLINK, ADD_MEMBERSHIP, LIST_MEMBERSHIPS = 270, 1, 9
GET_FILTER, ATTACH_FILTER = 26, 26
GROUPS = 1, 33, 34, 36

with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
    netlink.bind((0, 0))
    joined = 0
    for group in GROUPS:
        try:
            netlink.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
            joined |= 1 << group - 1
        except OSError:  # this kernel has no such group
            pass
    whole = joined.to_bytes(8, "little")
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 16, 100, 1024):
        found = netlink.getsockopt(SOL_NETLINK, LIST_MEMBERSHIPS, size)
        assert len(found) <= size, (size, found)
        assert all(byte in (0, right) for byte, right in zip(found, whole + bytes(1024))), (size, found)
    number = netlink.getsockopt(SOL_NETLINK, LIST_MEMBERSHIPS)
    assert number & 0xFFFFFFFF == joined & 0xFFFFFFFF, hex(number)

RETURN_ALL = struct.pack("HBBI", 0x06, 0, 0, 0xFFFFFFFF)
for count in (1, 2, 16, 127, 128, 129, 200, 1000):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        code = b"".join(struct.pack("HBBI", 0x00, 0, 0, number) for number in range(count - 1)) + RETURN_ALL
        array = __import__("array").array("b", code)
        sock.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HxxxxxxQ", count, array.buffer_info()[0]))
        for size in (0, 1, 4, 8, 16, 100, 128, 200, 1000, 1024):
            try:
                found = sock.getsockopt(socket.SOL_SOCKET, GET_FILTER, *[size][: bool(size)])
            except OSError:
                continue
            if size:
                assert len(found) <= size, (count, size, len(found))
                whole = code if size >= 8 else count.to_bytes(8, "little")  # with no space for one instruction: how many there are
                assert (whole + bytes(1024)).startswith(found), (count, size, found)

OPTIONS = [  # ordinary ones, with each length: the beginning of what the whole length gives
    (socket.SOL_SOCKET, socket.SO_LINGER), (socket.SOL_SOCKET, socket.SO_RCVTIMEO), (socket.SOL_SOCKET, socket.SO_TYPE),
    (socket.IPPROTO_TCP, socket.TCP_CONGESTION), (socket.IPPROTO_TCP, socket.TCP_NODELAY),
]
with socket.socket() as sock:
    for level, option in OPTIONS:
        whole = sock.getsockopt(level, option, 256)
        for size in range(1, 40):
            try:
                found = sock.getsockopt(level, option, size)
            except OSError:
                continue
            assert len(found) <= size and whole.startswith(found), (level, option, size, found, whole)
