"""TLS: after the peer has reset the connection, every write raises, not only the first."""
# needs: package:trustme
# ways: run, cffi

import socket
import ssl
import struct
import threading
import time

import trustme

authority = trustme.CA()
serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
authority.issue_cert("localhost").configure_cert(serving)
authority.configure_trust(asking)


def pair(version):
    asking.maximum_version = version
    server = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(server.getsockname())
    far, _ = server.accept()
    server.close()
    found = []
    thread = threading.Thread(target=lambda: found.append(serving.wrap_socket(far, server_side=True)))
    thread.start()
    tls = asking.wrap_socket(near, server_hostname="localhost")
    thread.join()
    return tls, found[0]


for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    for timeout in (None, 20):
        for method in ("send", "sendall", "write"):
            near, far = pair(version)
            near.settimeout(timeout)
            far.sendall(b"x")
            print(near.recv(1))
            raw = socket.socket(fileno=far.detach())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
            time.sleep(0.1)
            raised = 0
            for _ in range(5):
                try:
                    getattr(near, method)(b"y" * 1000)
                except OSError:
                    raised += 1
            print(version.name, timeout, method, raised == 5)
            assert raised == 5, raised
            try:
                near.close()
            except OSError:
                pass
