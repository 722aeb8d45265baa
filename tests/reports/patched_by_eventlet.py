"""eventlet patches itself in, serves a few clients, and stops."""
# needs: package:eventlet
# ways: run, cffi

import warnings

warnings.simplefilter("ignore", DeprecationWarning)
import eventlet

eventlet.monkey_patch()

import socket
import urllib.request

import eventlet.green.socket
import eventlet.patcher
import eventlet.wsgi

print(eventlet.patcher.is_monkey_patched("socket"), socket.socket is eventlet.green.socket.socket)
listening = eventlet.listen(("127.0.0.1", 0))


def echo(sock, address):
    while data := sock.recv(100):
        sock.sendall(data)
    sock.close()


serving = eventlet.spawn(eventlet.serve, listening, echo)


def client(number):
    with socket.create_connection(listening.getsockname(), timeout=30) as sock:
        sock.sendall(b"%d" % number)
        return sock.recv(10)


pool = eventlet.GreenPool()
print(list(pool.imap(client, range(10))))
serving.kill()
listening.close()

near, far = socket.socketpair()
waiting = eventlet.spawn(far.recv, 5)
eventlet.sleep(0)
near.send(b"hello")
print(waiting.wait())
far.settimeout(0.01)
try:
    far.recv(1)
except TimeoutError as error:
    print(type(error).__name__)
near.close(), far.close()

original = eventlet.patcher.original("socket")
print(original is socket, original.__name__)
with original.socket() as sock:
    print(sock.fileno() >= 0)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"green"]


web = eventlet.listen(("127.0.0.1", 0))
serving = eventlet.spawn(eventlet.wsgi.server, web, application, log_output=False)
print(urllib.request.urlopen("http://127.0.0.1:%d/" % web.getsockname()[1], timeout=30).read())
serving.kill()
