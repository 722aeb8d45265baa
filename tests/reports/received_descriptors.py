"""Descriptors that a message brings are close-on-exec, as everything that a socket makes is."""
# better: the standard module lets programs that are started have them

import array
import os
import socket

near, far = socket.socketpair()
for timeout in (None, 20):
    near.settimeout(timeout)
    for receive in (
        lambda: near.recvmsg(10, socket.CMSG_SPACE(12))[1],
        lambda: near.recvmsg_into([bytearray(10)], socket.CMSG_SPACE(12))[1],
        lambda: [(1, 1, array.array("i", socket.recv_fds(near, 10, 3)[1]).tobytes())],
    ):
        socket.send_fds(far, [b"x"], [0, 1, 2])
        numbers = array.array("i")
        for _, _, data in receive():
            numbers.frombytes(data)
        assert len(numbers) == 3
        assert not any(map(os.get_inheritable, numbers)), "a program that is started would have them"
        for number in numbers:
            os.close(number)
