from __future__ import annotations
import sys
from . import kernel
from .families import codec_for, unpack, lookup_failure, RESOLVER, encode_host
from .constants import *
from .kernel import c_int
__all__=["getaddrinfo","getnameinfo","gethostbyname","gethostbyname_ex","gethostbyaddr","getfqdn","gethostname","sethostname","getservbyname","getservbyport","getprotobyname","if_nameindex","if_nametoindex","if_indextoname"]
ffi=kernel.ffi
def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    if isinstance(host,str): h=host.encode("idna")
    elif isinstance(host,bytes) or host is None: h=host
    else: raise TypeError("getaddrinfo() argument 1 must be string or None")
    if isinstance(port,int): p=b"%d"%port
    elif isinstance(port,str): p=port.encode()
    elif isinstance(port,bytes) or port is None: p=port
    else: raise OSError("Int or String expected")
    sys.audit("socket.getaddrinfo", host, port, family, type, proto)
    code, found = kernel.getaddrinfo(h, p, c_int(family), c_int(type), c_int(proto), c_int(flags))
    if code: raise lookup_failure(code, found)
    return [(as_member(f,AddressFamily),as_member(t,SocketKind),p,n.decode(),unpack(a)) for f,t,p,n,a in found]
def getnameinfo(sockaddr, flags, /):
    if not isinstance(sockaddr, tuple): raise TypeError("getnameinfo() argument 1 must be a tuple")
    flags=c_int(flags)
    host,port,flow,scope=(*sockaddr,0,0)[:4]
    if not isinstance(host,str): raise TypeError("illegal sockaddr argument")
    port=c_int(port)
    if flow>0xfffff or flow<0: raise OverflowError("getnameinfo(): flowinfo must be 0-1048575.")
    sys.audit("socket.getnameinfo", sockaddr)
    code, found = kernel.getaddrinfo(host.encode("idna"), b"%d"%port, 0, 2, 0, 4)
    if code: raise lookup_failure(code, found)
    if len(found)!=1: raise OSError("sockaddr resolved to multiple addresses")
    raw=found[0][4]
    if found[0][0]==AF_INET and len(sockaddr)!=2: raise OSError("IPv4 sockaddr must be 2 tuple")
    if found[0][0]==AF_INET6: raw=raw[:4]+flow.to_bytes(4,"big")+raw[8:24]+scope.to_bytes(4,sys.byteorder)
    h,s,e=ffi.new("char[1025]"),ffi.new("char[32]"),ffi.new("int*")
    code=kernel.getnameinfo(raw,len(raw),h,1025,s,32,flags,e)
    if code: raise lookup_failure(code,e[0])
    return ffi.string(h).decode(), ffi.string(s).decode()
def gethostbyname(name,/):
    h=encode_host(name); sys.audit("socket.gethostbyname", name)
    if h==b"": return "0.0.0.0"
    return unpack(RESOLVER.numeric(h,AF_INET) or RESOLVER.name(h,AF_INET))[0]
def _strings(v):
    out=[]; i=0
    while v[i]: out.append(ffi.string(v[i]).decode()); i+=1
    return out
def _entry(e,family):
    addrs=[]; i=0
    while e.h_addr_list[i]: addrs.append(inet_ntop(e.h_addrtype, bytes(ffi.buffer(e.h_addr_list[i],e.h_length)))); i+=1
    return ffi.string(e.h_name).decode(), _strings(e.h_aliases), addrs
def _host(call,*a):
    e,found,herr=ffi.new("struct hostent*"),ffi.new("struct hostent*[1]"),ffi.new("int*"); size=16384
    buf=ffi.new("char[]",size)
    r=call(*a,e,buf,size,found,herr)
    if not found[0]:
        raise herror(herr[0], ffi.string(kernel.hstrerror(herr[0])).decode())
    return e,buf
def gethostbyname_ex(name,/):
    h=encode_host(name); sys.audit("socket.gethostbyname", name)
    RESOLVER.numeric(h,AF_INET) or RESOLVER.name(h,AF_INET)
    e,b=_host(kernel.gethostbyname,h,AF_INET); return _entry(e,AF_INET)
def gethostbyaddr(ip,/):
    h=encode_host(ip); sys.audit("socket.gethostbyaddr", ip)
    code,found=kernel.getaddrinfo(h,None,0,0,0,0)
    if code: raise lookup_failure(code,found)
    raw=found[0][4]; f=found[0][0]
    a=raw[4:8] if f==AF_INET else raw[8:24]
    e,b=_host(kernel.gethostbyaddr,a,len(a),f); return _entry(e,f)
def gethostname():
    sys.audit("socket.gethostname"); b=ffi.new("char[1024]"); r=kernel.gethostname(b,1023)
    if r<0: raise kernel.failure(r)
    return ffi.string(b).decode()
def sethostname(name,/):
    import os
    raw=os.fsencode(name) if isinstance(name,str) else bytes(memoryview(name)); sys.audit("socket.sethostname", name)
    r=kernel.sethostname(raw,len(raw))
    if r<0: raise kernel.failure(r)
def getfqdn(name=""):
    name=name.strip()
    if not name or name in("0.0.0.0","::"): name=gethostname()
    try: h,al,_=gethostbyaddr(name)
    except OSError: return name
    for n in (h,*al):
        if "." in n: return n
    return h
def getservbyname(servicename, protocolname=None, /):
    sys.audit("socket.getservbyname", servicename, "" if protocolname is None else protocolname)
    e,found,buf=ffi.new("struct servent*"),ffi.new("struct servent*[1]"),ffi.new("char[4096]")
    kernel.getservbyname(servicename.encode(), ffi.NULL if protocolname is None else protocolname.encode(), e,buf,4096,found)
    if not found[0]: raise OSError("service/proto not found")
    return ntohs(e.s_port & 0xffff)
def getservbyport(port, protocolname=None, /):
    port=c_int(port)
    if not 0<=port<=65535: raise OverflowError("getservbyport: port must be 0-65535.")
    sys.audit("socket.getservbyport", port, "" if protocolname is None else protocolname)
    e,found,buf=ffi.new("struct servent*"),ffi.new("struct servent*[1]"),ffi.new("char[4096]")
    kernel.getservbyport(htons(port), ffi.NULL if protocolname is None else protocolname.encode(), e,buf,4096,found)
    if not found[0]: raise OSError("port/proto not found")
    return ffi.string(e.s_name).decode()
def getprotobyname(name,/):
    e,found,buf=ffi.new("struct protoent*"),ffi.new("struct protoent*[1]"),ffi.new("char[4096]")
    kernel.getprotobyname(name.encode(), e,buf,4096,found)
    if not found[0]: raise OSError("protocol not found")
    return e.p_proto
def if_nameindex():
    l=kernel.if_nameindex()
    try:
        out=[]; i=0
        while l[i].if_index: out.append((l[i].if_index, ffi.string(l[i].if_name).decode())); i+=1
        return out
    finally: kernel.if_freenameindex(l)
def if_nametoindex(name,/):
    import os
    r=kernel.if_nametoindex(os.fsencode(name))
    if not r: raise OSError("no interface with this name")
    return r
def if_indextoname(i,/):
    b=ffi.new("char[16]"); r=kernel.if_indextoname(i,b)
    if r<0: raise kernel.failure(r)
    return ffi.string(b).decode()
