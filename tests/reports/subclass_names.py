"""A subclass owns its names: whatever it calls its attributes, methods, properties and slots, a whole conversation works."""

import io
import socket
import tempfile

PUBLIC = """
    address addr addresses alive answer args ask async_ attempts auth backlog bandwidth begin buf buffer buffers bytes_in bytes_out bytes_received
    bytes_sent cache callback callbacks chunk chunks client client_address clock closed codec conn connected connection connections context control
    cookies count counter created credentials data db deadline debug decode default_timeout delay descriptor done dst encode encoding end endpoint
    error errors ev events expect extra fd fds feed file files finish flags flush free frame frames generation get group guard handle handler hooks host
    hostname id idle in_buffer index info inner io is_open key keepalive keys kind kinds label lan last last_used lease len level limit line lines local lock log
    logger loop mark master max_size messages meta mode monitor mtu name names need next nonce note notes number offset on_close options out_buffer owner
    owns pack packet packets parent parse parser partial password path payload peek peer peername pending pid pipe policy poll pool port ports position
    pos prefix prefixes process progress protocol proxy push queue rate raw read read_into readable reader ready real receive received recv_all
    recv_exactly recv_exactly_into recv_segments recvmmsg recvmmsg_into reconnect register release remaining remote remote_address request requests reset
    resolver response result retries retry role room rx safe scheme secret seen segments select selector send_all send_message send_segments sendmmsg
    sent sequence serial serve server session session_id size sock sockname source span speed ssl ssl_context start started state states stats status
    stop stream struct subscribers suppress tag take target task tasks text thread ticket time timed_out timer timeout timeouts tls token topic trace
    traffic transport ttl tx unpack until update upstream url user username users uuid value version view wait wait_until wakeup weight when window
    wire worker wrap writable write writer zone
""".split()
PRIVATE = """
    _accept_into _accepted _address _again _at_once _alive _begin _begin_mode _begun _buf _buffer _buffers _bytes _call _choose _choose_mode _client _clock _codec
    _connect _connected _connection _context _convert _core _count _data _deadline _deadlines _descriptor _detach _done _dup _end _eof _error _errors
    _events _family _fd _feed _file _fileno _finish _flags _flush _guard _handle _host _impl _init _inner _io _kernel _keep _kind _known _label _lock _log _loop
    _make _message _mode _name _note _options _option_bytes _owner _pack _parse _peer _pending _poll _port _proto _queue _raw _read _read_into _ready
    _real _receive _receive_into _receive_message _recv _remote _repr_html_ _resolve _retry _send _send_all _send_message _send_rest _sendall
    _set _set_timeout _setblocking _settimeout _size _sock _socket _ssl _sslobj _start _state _stream _take _target _text _thread _time _timed_out _timeout
    _timer _tls _transport _type _unpack _until _value _wait _wait_for _wait_until _wrap _write cached fast family_ slow _fast _slow _blocking _blocks _closing _data_ _ms
""".split()
INTERFACE = """
    accept bind close connect connect_ex detach dup family fileno get_inheritable getblocking getpeername getsockname getsockopt gettimeout listen
    makefile proto recv recv_into recvfrom recvfrom_into recvmsg recvmsg_afalg recvmsg_into send sendall sendfile sendmsg sendmsg_afalg sendto set_inheritable setblocking
    setsockopt settimeout shutdown timeout type
    _accept _closed _decref_socketios _io_refs _real_close _sendfile_use_send _sendfile_use_sendfile _check_sendfile_params _sendfile_zerocopy
    _sendfile_use_sendfile _sendfile_zerocopy_wait
""".split()  # what the standard module's class has itself

HIDDEN = "__", "_litsock_"  # where litsock keeps its own: nobody else's names begin so
found = [name for name in dir(socket.socket) if name not in INTERFACE and not name.startswith(HIDDEN)]
NAMES = sorted({*PUBLIC, *PRIVATE, *found, "timeout"})
TAKEN = {*INTERFACE} - {"timeout"}  # who overrides a method changes what it does; a class attribute `timeout` hides a getter only
assert not TAKEN & set(NAMES), TAKEN & set(NAMES)

server = socket.create_server(("127.0.0.1", 0))
server.settimeout(30)
place = server.getsockname()
document = tempfile.TemporaryFile()
document.write(b"document")
document.flush()


def converse(sock):
    """Use nearly every method of a socket, in each mode."""
    assert sock.gettimeout() is None and sock.getblocking()
    sock.settimeout(20)
    sock.bind(("127.0.0.1", 0))
    sock.connect(place)
    far, address = server.accept()
    with far:
        assert address == sock.getsockname() and sock.getpeername() == place
        assert sock.send(b"a") == 1 and sock.sendall(bytearray(b"b")) is None and sock.sendmsg([b"c", b"d"]) == 2
        assert sock.sendto(b"e", place) == 1 and sock.sendfile(document) == 8 and sock.sendfile(io.BytesIO(b"f")) == 1
        with far.makefile("rb", buffering=14) as incoming:
            assert incoming.read(14) == b"abcdedocumentf"
        document.seek(0)
        far.sendall(b"0123456789" + b"line\n" * 2)
        buffer = bytearray(2)
        assert sock.recv(1) == b"0" and sock.recv_into(buffer) == 2 and sock.recvfrom(1)[0] == b"3"
        assert sock.recvfrom_into(buffer)[0] == 2 and sock.recvmsg(2)[0] == b"67" and sock.recvmsg_into([buffer])[0] == 2
        with sock.makefile("rw", newline="\n") as file:
            assert file.readline() == "line\n"
            file.write("answer")
        assert far.recv(10) == b"answer"
        sock.setblocking(False)
        try:
            sock.recv(1)
        except BlockingIOError:
            pass
        sock.settimeout(0.001)
        try:
            sock.recv(1)
        except TimeoutError:
            pass
        sock.setblocking(True)
        assert sock.gettimeout() is None
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == sock.type == socket.SOCK_STREAM
        assert sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) is None and "raddr" in repr(sock)
        sock.set_inheritable(False)
        assert not sock.get_inheritable() and sock.family == socket.AF_INET and sock.proto == 0
        sock.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
    assert sock.recv(1) == b"" and sock.connect_ex(("127.0.0.1", 1)) != 0
    number = sock.detach()
    socket.close(number)
    assert sock.fileno() == -1


def as_attribute(name):
    return type("Named", (socket.socket,), {name: f"mine: {name}"})()


def as_nothing(name):
    return type("Named", (socket.socket,), {name: None})()


def as_method(name):
    def method(self, *arguments):
        raise AssertionError(f"{name} is nobody else's to call")

    return type("Named", (socket.socket,), {name: method})()


def as_property(name):
    def getter(self):
        raise AssertionError(f"{name} is nobody else's to read")

    return type("Named", (socket.socket,), {name: property(getter)})()


def as_slot(name):
    sock = type("Named", (socket.socket,), {"__slots__": (name,)})()
    setattr(sock, name, f"mine: {name}")
    return sock


def as_own(name):
    sock = type("Named", (socket.socket,), {})()
    sock.__dict__[name] = f"mine: {name}"
    if name != "timeout":
        setattr(sock, name, f"mine: {name}")
    return sock


failed = []
for make in (as_attribute, as_nothing, as_method, as_property, as_slot, as_own):
    for name in NAMES:
        try:
            sock = make(name)
            with sock:
                converse(sock)
            if make in (as_attribute, as_slot, as_own) and (make is not as_own or name != "timeout"):
                assert getattr(sock, name) == f"mine: {name}", "the value is another one now"
        except Exception as error:
            failed.append(f"{make.__name__} {name}: {type(error).__name__}: {error}")
print(len(failed), "fail")
assert not failed, "\n".join(failed)
