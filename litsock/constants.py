from enum import IntEnum, IntFlag
from ._native import ffi, lib
_t = dict(zip(ffi.string(lib.constant_names).decode().split(), ffi.unpack(lib.constant_values, lib.constant_count)))
g = globals(); g.update(_t)
IntEnum._convert_('AddressFamily', __name__, lambda C: C.isupper() and C.startswith('AF_'))
IntEnum._convert_('SocketKind', __name__, lambda C: C.isupper() and C.startswith('SOCK_'))
IntFlag._convert_('MsgFlag', __name__, lambda C: C.isupper() and C.startswith('MSG_'))
IntFlag._convert_('AddressInfo', __name__, lambda C: C.isupper() and C.startswith('AI_'))
class gaierror(OSError): pass
class herror(OSError): pass
error = OSError; timeout = TimeoutError; has_ipv6 = True
def as_member(n, kind):
    try: return kind(n)
    except ValueError: return n
__all__ = [*_t, "AddressFamily","SocketKind","MsgFlag","AddressInfo","gaierror","herror","error","timeout","has_ipv6","as_member"]
