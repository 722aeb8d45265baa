from . import kernel
from .families import encode_host, lookup_failure, unpack, AddressFamily
from .constants import *
__all__=["getaddrinfo"]
def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    host = None if host is None else encode_host(host)
    code, found = kernel.getaddrinfo(host, None if port is None else str(port).encode(), family, type, proto, flags)
    if code: raise lookup_failure(code, found)
    return [(as_member(f,AddressFamily),as_member(t,SocketKind),p,n.decode(),unpack(a)) for f,t,p,n,a in found]
