"""`socket` is taken out of sys.modules and imported anew, or reloaded: eventlet and test tools do both."""
# ways: run, cffi

import importlib
import sys

import socket as first

original_class, original_socketpair = first.socket, first.socketpair
kept = first.socket()
sys.modules.pop("socket")
import socket as second

print(second is first, second.socket is original_class, second.gaierror is first.gaierror, second.AF_INET == first.AF_INET)
print(second.__name__, second.socket.__module__, sys.modules["socket"] is second)
second.socket = None
print(first.socket is original_class)
one, other = first.socketpair()
print(type(one) is original_class)
one.close(), other.close()

sys.modules["socket"] = first
first.marker = "kept"
first.create_connection = None
again = importlib.reload(first)
print(again is first, again.marker, callable(again.create_connection), again.socket is original_class)
with again.create_server(("127.0.0.1", 0)) as server, again.create_connection(server.getsockname()) as near:
    far, _ = server.accept()
    far.close()
    print(type(far) is again.socket, near.recv(1))
kept.close()

import _socket

lower = sys.modules.pop("_socket")
import _socket as lower_again

one, other = lower_again.socketpair()  # whether its classes are the same ones differs between Pythons
print(lower_again.gaierror.__name__, type(one) is lower_again.socket, one.send(b"x"), other.recv(1))
one.close(), other.close()
import importlib.util

for name in ("socket", "_socket"):
    print(name, importlib.util.find_spec(name) is not None)
source = importlib.util.find_spec("socket")
private = importlib.util.module_from_spec(source)
source.loader.exec_module(private)
print(private.socket.__module__, private is first)
with private.socket() as sock:
    print(sock.fileno() >= 0)
