"""The lower type cannot be changed, as the types of C cannot: a patch meant for one class does not reach all of them."""

import socket

for attribute in ("recv", "new_name"):
    try:
        setattr(socket.SocketType, attribute, getattr(socket.SocketType, attribute, None))
        print("the lower type can be changed")
    except TypeError:
        print("the lower type cannot be changed")
if "new_name" in vars(socket.SocketType):
    del socket.SocketType.new_name
