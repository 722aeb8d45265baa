"""numpy's integers and arrays, wherever a number or a buffer goes."""
# needs: package:numpy

import numpy
import socket

near, far = socket.socketpair()
near.settimeout(numpy.float64(20))
print(near.gettimeout(), type(near.gettimeout()).__name__)
for kind in (numpy.int8, numpy.uint8, numpy.int32, numpy.int64, numpy.uint64):
    far.send(b"0123456789" * 10)
    number = kind(3)
    print(kind.__name__, near.recv(number), near.recvmsg(number, kind(64)), near.recvmsg_into([bytearray(3)], kind(64))[0], socket.recv_fds(near, number, kind(2))[0])
    print(near.recv_into(numpy.zeros(4, kind), kind(4)), near.recv_into(numpy.zeros(2, kind)) > 0, near.recvfrom(kind(60))[0][-1:])
print(near.send(numpy.arange(3, dtype=numpy.int32)), near.sendmsg([numpy.ones((2, 2), numpy.uint8)]), near.sendall(numpy.zeros(0)))
print(near.send(numpy.array([1], dtype=bool)), near.send(numpy.array(["ab"])), near.getsockopt(numpy.int32(1), numpy.int64(3)))
for call in (lambda: near.send(numpy.arange(10)[::2]), lambda: near.recv(numpy.float32(3)), lambda: near.recv_into(numpy.broadcast_to(numpy.zeros(1), 5)), lambda: near.send(numpy.int32(5))):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__)
with socket.socket(numpy.int64(2), numpy.int64(1), numpy.int64(0)) as sock:
    print(sock.family, sock.type, sock.setsockopt(1, 9, numpy.int32(1)), sock.settimeout(numpy.int64(2)), sock.gettimeout())
