"""dnspython with a name server of its own making, over UDP, TCP and TLS: use_dnspython.py CERTIFICATE AUTHORITY."""
import asyncio
import errno
import socket
import socketserver
import ssl
import struct
import sys
import threading

import dns.asyncresolver
import dns.message
import dns.query
import dns.resolver
import dns.rrset

certificate, authority = sys.argv[1:]


def answer(wire, size):
    query = dns.message.from_wire(wire)
    name = query.question[0].name
    response = dns.message.make_response(query)
    count = 300 if str(name).startswith("many") else 1
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *(f"192.0.2.{1 + n % 254}" if n < 254 else f"198.51.100.{n - 253}" for n in range(count))))
    if str(name).startswith("silent"): return None
    try: return response.to_wire(max_size=size)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        if reply := answer(data, 512): sock.sendto(reply, self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            reply = answer(self.rfile.read(*struct.unpack("!H", size)), 65535)
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


class Secure(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def get_request(self):
        sock, address = super().get_request()
        return CONTEXT.wrap_socket(sock, server_side=True), address


CONTEXT = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
CONTEXT.load_cert_chain(certificate)
def servers():
    "One for UDP, one for TCP, at the same port."
    while True:
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
        try: return udp, socketserver.ThreadingTCPServer(udp.server_address, Stream)
        except OSError as error:
            udp.server_close()
            if error.errno != errno.EADDRINUSE: raise


udp, tcp = servers()
port, secure = udp.server_address[1], Secure(("127.0.0.1", 0), Stream)
tcp.daemon_threads = True
for server in (udp, tcp, secure): threading.Thread(target=server.serve_forever, daemon=True).start()

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, 10
assert [str(record) for record in resolver.resolve("www.example.org", "A")] == ["192.0.2.1"]
assert len(resolver.resolve("many.example.org", "A")) == 300, "too much for a datagram, so it asks again over TCP"
query = dns.message.make_query("one.example.org", "A")
told = {call.__name__: str(call(query, "127.0.0.1", timeout=10, port=port).answer[0][0]) for call in (dns.query.udp, dns.query.tcp)}
context = ssl.create_default_context(cafile=authority)
told["tls"] = str(dns.query.tls(query, "127.0.0.1", timeout=10, port=secure.server_address[1], ssl_context=context, server_hostname="localhost").answer[0][0])
assert told == dict.fromkeys(("udp", "tcp", "tls"), "192.0.2.1")
try: dns.query.udp(dns.message.make_query("silent.example.org", "A"), "127.0.0.1", timeout=0.3, port=port)
except dns.exception.Timeout: pass
else: raise AssertionError("a timeout that did not come")


async def in_asyncio():
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    answers = await asyncio.gather(*(resolver.resolve(f"{n}.example.org", "A") for n in range(20)), resolver.resolve("many.example.org", "A"))
    assert [len(answer) for answer in answers] == [1] * 20 + [300]


asyncio.run(in_asyncio())
for server in (udp, tcp, secure):
    server.shutdown()
    server.server_close()
import dns.version

print(f"dnspython {dns.version.version}")
