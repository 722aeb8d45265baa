"""`MSG_TRUNC` on TCP throws data away. What is returned instead holds nothing of another connection."""
# better: the standard module returns memory that somebody else has used

import socket

SECRET = b"PASSWORD" * 1000


def connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


def secrets(receive):
    """Have the secret received and forgotten in each way, so that memory is full of it."""
    near, far = connection()
    with near, far:
        for method, arguments in {"recv": (8000,), "recvfrom": (8000,), "recvmsg": (8000, 100)}.items():
            far.sendall(SECRET)
            near.settimeout(30)
            found = getattr(near, method)(*arguments)
            del found


for timeout in (None, 20):
    for size in (10, 100, 1000, 8000, 100_000):
        for method in ("recv", "recvfrom", "recvmsg"):
            for waitall in (0, socket.MSG_WAITALL):
                secrets(method)
                near, far = connection()
                with near, far:
                    near.settimeout(timeout)
                    far.sendall(b"y" * size)
                    try:
                        found = getattr(near, method)(size, *[0][: method == "recvmsg"], socket.MSG_TRUNC | waitall)
                    except OSError:
                        continue
                data = found if method == "recv" else found[0]
                assert b"PASSWORD" not in data and b"WORDPASS" not in data, (timeout, size, method)
                assert not set(data) - {0, ord("y")}, (timeout, size, method, data[:20])

near, far = connection()
with near, far:  # into a buffer of the caller's: what was there stays, and the number is that of the bytes thrown away
    for method in ("recv_into", "recvfrom_into"):
        buffer = bytearray(b"mine")
        far.sendall(b"yyyy")
        found = getattr(near, method)(buffer, 4, socket.MSG_TRUNC)
        assert found in (4, (4, None), (4, near.getpeername())) and buffer in (b"mine", b"yyyy"), (found, buffer)
