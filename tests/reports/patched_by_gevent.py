"""gevent patches itself in, serves a few clients, talks over TLS's plain cousin, and stops."""
# needs: package:gevent
# ways: run, cffi

from gevent import monkey

monkey.patch_all()

import gevent
import gevent.server
import gevent.socket
import socket
import threading
import urllib.request
import wsgiref.simple_server

print(socket.socket is gevent.socket.socket, monkey.is_module_patched("socket"))


def echo(sock, address):
    while data := sock.recv(100):
        sock.sendall(data)


server = gevent.server.StreamServer(("127.0.0.1", 0), echo)
server.start()


def client(number):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as sock:
        sock.sendall(b"%d" % number)
        sock.shutdown(socket.SHUT_WR)
        with sock.makefile("rb") as file:
            return file.read()


tasks = [gevent.spawn(client, number) for number in range(20)]
gevent.joinall(tasks, timeout=60, raise_error=True)
print([task.value for task in tasks])

near, far = socket.socketpair()
waiting = gevent.spawn(far.recv, 5)
gevent.sleep(0)
near.send(b"hello")
print(waiting.get(timeout=30), type(near) is socket.socket)
far.settimeout(0.01)
try:
    far.recv(1)
except TimeoutError as error:
    print(type(error).__name__, error)
near.close(), far.close()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"from a thread that is none"]


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *words):
        pass


web = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
threading.Thread(target=web.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://127.0.0.1:{web.server_port}/", timeout=30).read())
web.shutdown()
web.server_close()
server.stop()
try:
    socket.create_connection(("127.0.0.1", server.server_port or 1), timeout=5)
except OSError as error:
    print(type(error).__name__)
print(socket.gethostbyname("127.0.0.1"), socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4])
