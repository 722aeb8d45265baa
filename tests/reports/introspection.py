"""Signatures, type hints and sources of the class and its methods can be asked for."""

import inspect
import socket
import typing

for thing in (socket.socket, socket.socket.__init__, socket.socket.makefile, socket.socket.accept, socket.socket.sendfile, socket.socket.dup, socket.socket.close):
    signature = inspect.signature(thing)
    print(thing.__name__, [(name, value.default if value.default is not inspect.Parameter.empty else "-", value.kind.name) for name, value in signature.parameters.items()])
for function in (socket.create_connection, socket.create_server, socket.socketpair, socket.fromfd, socket.send_fds, socket.recv_fds, socket.getfqdn, socket.getaddrinfo):
    parameters = inspect.signature(function).parameters
    print(function.__name__, [name for name in parameters if name != "happy_eyeballs_delay"])
for name in ("accept", "dup", "makefile", "sendfile", "close", "detach", "get_inheritable", "set_inheritable", "__enter__", "__exit__", "__repr__", "__init__"):
    method = getattr(socket.socket, name)
    print(name, inspect.isfunction(method) or inspect.ismethoddescriptor(method), typing.get_type_hints(method) is not None)
print(isinstance(typing.get_type_hints(socket.socket), dict), isinstance(typing.get_type_hints(socket.create_connection), dict))
for name in ("recv", "send", "connect", "bind", "settimeout", "getsockopt"):
    method = getattr(socket.socket, name)
    print(name, callable(method), isinstance(typing.get_type_hints(method), dict), bool(inspect.getdoc(method)))
for thing in (socket, socket.socket, socket.create_connection, socket.create_server, socket.socket.makefile, socket.socket.accept, socket.socket.sendfile, socket.SocketIO.readinto):
    source = inspect.getsource(thing)
    print(getattr(thing, "__name__", thing) not in ("",), thing is socket or ("def " in source and len(source) < 100_000), bool(inspect.getsourcefile(thing)))
print("class socket" in inspect.getsource(socket.socket), "def _decref_socketios" in inspect.getsource(socket.socket), "def makefile" in inspect.getsource(socket.socket.makefile))
print(inspect.isclass(socket.socket), inspect.getmodule(socket.socket) is not None, socket.socket.__doc__ is not None, len(inspect.getmembers(socket.socket)) > 40)
import pydoc

texts = [pydoc.plain(pydoc.render_doc(thing)) for thing in (socket.socket, socket)]
print("makefile" in texts[0], "create_connection" in texts[1])
