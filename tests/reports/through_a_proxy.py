"""PySocks takes the place of `socket.socket`: connections go through a SOCKS server, accepted ones and pairs work on."""
# needs: package:socks
# ways: run, cffi

import http.server
import socket
import struct
import threading
import urllib.request

import socks

plain = socket.socket
asked = []


def serve(listening):
    while True:
        near, _ = listening.accept()
        threading.Thread(target=relay, args=[near], daemon=True).start()


def relay(near):
    """SOCKS version 5 without a password: RFC 1928."""
    with near, near.makefile("rb", buffering=0) as file:
        _, count = file.read(2)
        file.read(count)
        near.sendall(b"\5\0")
        _, _, _, kind = file.read(4)
        host = socket.inet_ntoa(file.read(4)) if kind == 1 else file.read(file.read(1)[0]).decode()
        (port,) = struct.unpack("!H", file.read(2))
        asked.append(host)
        with plain(socket.AF_INET, socket.SOCK_STREAM) as far:
            far.connect(("127.0.0.1", port))
            near.sendall(b"\5\0\0\1" + bytes(6))
            back = threading.Thread(target=copy, args=[far, near], daemon=True)
            back.start()
            copy(near, far)
            back.join()


def copy(source, target):
    try:
        while data := source.recv(10_000):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a page")

    def log_message(self, *words):
        pass


proxy = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=[proxy], daemon=True).start()
web = http.server.HTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=web.serve_forever, daemon=True).start()
socks.set_default_proxy(socks.SOCKS5, *proxy.getsockname(), rdns=True)
socket.socket = socks.socksocket
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, port, *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]  # names go to the proxy as they are
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(f"http://somewhere.invalid:{web.server_port}/", timeout=30).read(), asked)
with socket.create_connection(("elsewhere.invalid", web.server_port), timeout=30) as sock:
    print(type(sock).__name__, type(sock).__module__, sock.gettimeout())
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with sock.makefile("rb") as file:
        print(file.read().endswith(b"a page"))
one, other = socket.socketpair()
one.send(b"x")
print(type(one).__name__, other.recv(1))
one.close(), other.close()
socks.set_default_proxy()
socket.getaddrinfo = lookup
with socket.create_server(("127.0.0.1", 0)) as server, plain() as near:
    near.connect(server.getsockname())
    far, _ = server.accept()
    with far:
        print(type(far).__name__, near.send(b"y"), far.recv(1))
socket.socket = plain
print(sorted(asked))
