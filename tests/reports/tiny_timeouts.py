"""A timeout far below a microsecond still connects where that is immediate, and gives what is there already."""

import socket

server = socket.create_server(("127.0.0.1", 0), backlog=500)
path = socket.socket(socket.AF_UNIX)
path.bind("")
path.listen(500)
failed = []
for timeout in (5e-324, 1e-12, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4):
    for family, place in ((socket.AF_INET, server.getsockname()), (socket.AF_UNIX, path.getsockname())):
        for method in ("connect", "connect_ex"):
            with socket.socket(family) as sock:
                sock.settimeout(timeout)
                try:
                    if getattr(sock, method)(place):
                        failed.append((timeout, method, family))
                except TimeoutError:
                    failed.append((timeout, method, family))
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(timeout)
        try:
            near.recv(1)
            failed.append((timeout, "nothing to receive"))
        except TimeoutError:
            pass
        far.sendall(b"x" * 20)
        for method, arguments in {"recv": (1,), "recv_into": (bytearray(1),), "recvfrom": (1,), "recvmsg": (1, 100), "send": (b"x",), "sendmsg": ([b"x"],)}.items():
            try:
                getattr(near, method)(*arguments)
            except TimeoutError:
                failed.append((timeout, method))
        print(timeout, near.gettimeout())
assert not failed, failed
