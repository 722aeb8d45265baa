"""Unmodified programs on a simulated network that loses packets; run in an interpreter of their own: python simulated_programs.py NAME."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import litsock

litsock.install()


def network(**qualities):
    net = litsock.Network(seed=2)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, **({"latency": 0.02, "loss": 0.05} | qualities))
    return net, client, server


def finish(net, program):
    net.run()
    net.close()
    return program.result


def requests():
    import requests

    net, client, server = network()

    @server.program
    def serve():
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(bytes(100_000))

            def log_message(self, *arguments):
                pass

        ThreadingHTTPServer(("", 80), Answer).serve_forever()

    @client.program
    def ask():
        with requests.Session() as session:
            return sum(len(session.get("http://server/", timeout=10).content) for _ in range(5))

    assert finish(net, ask) == 500_000


def aiohttp():
    import asyncio

    import aiohttp
    from aiohttp import web

    net, client, server = network()

    @server.program
    async def serve():
        async def hello(request):
            await asyncio.sleep(0.2)
            return web.Response(text="hello")

        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 80).start()
        await asyncio.Event().wait()

    @client.program
    async def ask():
        async def one(session):
            async with session.get("http://10.0.0.2/") as answer:
                return await answer.text()

        async with aiohttp.ClientSession() as session:
            return await asyncio.gather(*[one(session) for _ in range(20)])

    assert finish(net, ask) == ["hello"] * 20


def smtplib():
    import smtplib
    import socketserver

    net, client, server = network()

    class Mail(socketserver.StreamRequestHandler):
        def handle(self):
            self.say(b"220 hello")
            for line in self.rfile:
                word = line.strip().lower()
                if word == b"data":
                    self.say(b"354 go on")
                    while self.rfile.readline().strip() != b".":
                        pass
                self.say(b"221 bye" if word == b"quit" else b"250 ok")

        def say(self, text):
            self.wfile.write(text + b"\r\n")

    @server.program
    def serve():
        with socketserver.ThreadingTCPServer(("", 25), Mail) as mail:
            mail.serve_forever()

    @client.program
    def ask():
        with smtplib.SMTP("server", 25, timeout=20) as mail:
            return mail.sendmail("a@client", "b@server", "Subject: hello\r\n\r\nhello")

    assert finish(net, ask) == {}


def redis():
    import socketserver

    import redis

    net, client, server = network()

    class Store(socketserver.StreamRequestHandler):
        values: dict = {}

        def handle(self):
            while count := self.rfile.readline():
                words = []
                for _ in range(int(count[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2])
                self.answer(*words)

        def answer(self, command, *rest):
            if command.upper() == b"SET":
                self.values[rest[0]] = rest[1]
            found = self.values.get(rest[0]) if command.upper() == b"GET" else None
            self.wfile.write(b"$%d\r\n%s\r\n" % (len(found), found) if found else b"+OK\r\n")

    @server.program
    def serve():
        with socketserver.ThreadingTCPServer(("", 6379), Store) as store:
            store.daemon_threads = True
            store.serve_forever()

    @client.program
    def ask():
        store = redis.Redis("server", socket_timeout=10, protocol=2)
        store.set("a", "one")
        return store.get("a")

    assert finish(net, ask) == b"one"


def executors():
    import time
    from concurrent.futures import ThreadPoolExecutor

    net, client, _ = network()

    @client.program
    def ask():
        with ThreadPoolExecutor(4) as executor:
            return sum(executor.map(lambda n: (time.sleep(n), n)[1], range(10))), time.monotonic()

    assert finish(net, ask) == (45, 15.0)


def streams():
    import asyncio

    net, client, server = network()

    @server.program
    async def serve():
        async def answer(reader, writer):
            while line := await reader.readline():
                await asyncio.sleep(0.5 if line != b"slow\n" else 60)
                writer.write(line)

        await (await asyncio.start_server(answer, "0.0.0.0", 7)).serve_forever()

    @client.program
    async def ask():
        reader, writer = await asyncio.open_connection("10.0.0.2", 7)
        writer.write(b"fast\nslow\n")
        found = await reader.readline()
        try:
            await asyncio.wait_for(reader.readline(), 5)
        except TimeoutError:
            writer.close()
            return found, "timed out"

    assert finish(net, ask) == (b"fast\n", "timed out")


def urllib():
    """The link goes down in the middle of a download; TCP repeats what was lost, and the program waits."""
    import urllib.error
    import urllib.request
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    net, client, server = network(bandwidth=1e6)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bytes(200_000))

        def log_message(self, *arguments):
            pass

    @server.program
    def serve():
        ThreadingHTTPServer(("", 80), Answer).serve_forever()

    @client.program
    def ask():
        found = len(urllib.request.urlopen("http://server/", timeout=60).read())
        server.silent.add(81)
        try:
            urllib.request.urlopen("http://server:81/", timeout=5)
        except urllib.error.URLError as error:
            return found, type(error.reason)

    net.at(1, net.partition, client, server)
    net.at(4, net.heal)
    assert finish(net, ask) == (200_000, TimeoutError)
    assert net.now > 9, "three seconds without a link, and five of waiting for a silent port"


def retries():
    """A server that restarts: http.client meets a reset and a refusal, and asks again until it gets the answer."""
    import http.client
    import socketserver
    import time

    net, client, server = network(loss=0.02)

    class Answer(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            time.sleep(1)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    @server.program
    def serve():
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        socketserver.ThreadingTCPServer(("", 80), Answer).serve_forever()

    @client.program
    def ask():
        met = []
        for wait in 1, 2, 4, 8, 16:
            connection = http.client.HTTPConnection("server", timeout=5)
            try:
                connection.request("GET", "/")
                return connection.getresponse().read(), met
            except (OSError, http.client.HTTPException) as error:
                met.append(type(error).__name__)
            finally:
                connection.close()
            time.sleep(wait)

    net.at(0.5, server.crash)
    net.at(9, server.restart)
    found, met = finish(net, ask)
    assert found == b"ok" and met and set(met) <= {"TimeoutError", "ConnectionResetError", "ConnectionRefusedError", "RemoteDisconnected"}, met


def dnspython():
    """Queries and answers get lost, and the first name server is dead; a large answer comes over TCP."""
    import dns.flags
    import dns.message
    import dns.resolver
    import dns.rrset

    net, client, server = network(loss=0.2)
    dead = net.host("dead")
    net.link(client, dead, latency=0.02)
    dead.silent.add(53)

    def answer(data, limit):
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        name = query.question[0].name
        addresses = [f"10.1.{number // 250}.{number % 250 + 1}" for number in range(200 if str(name).startswith("many") else 1)]
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *addresses))
        wire = reply.to_wire(max_size=65535)
        if len(wire) > limit:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        return wire

    @server.program
    def over_udp():
        import socket

        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(("", 53))
            while True:
                data, address = sock.recvfrom(4096)
                sock.sendto(answer(data, 512), address)

    @server.program
    def over_tcp():
        import socketserver

        class Answer(socketserver.StreamRequestHandler):
            def handle(self):
                wire = answer(self.rfile.read(int.from_bytes(self.rfile.read(2), "big")), 65535)
                self.wfile.write(len(wire).to_bytes(2, "big") + wire)

        socketserver.ThreadingTCPServer(("", 53), Answer).serve_forever()

    @client.program
    def ask():
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.lifetime = ["10.0.0.3", "10.0.0.2"], 60
        return [len(resolver.resolve(f"{name}.example.", "A")) for name in ("one", "two", "three", "many")]

    found = finish(net, ask)
    assert found == [1, 1, 1, 200], found
    assert any(packet.comment == "lost" for packet in net.packets.only(protocol="UDP")), "the test lost nothing"


def socketserver():
    """A server with a thread for each connection: one client falls silent, one dies, the others are served."""
    import socket
    import socketserver

    net, client, server = network()
    silent, dying = net.host("silent"), net.host("dying")
    for host in silent, dying:
        net.link(host, server, latency=0.02)
    ends = []

    class Echo(socketserver.StreamRequestHandler):
        timeout = 10

        def handle(self):
            try:
                while line := self.rfile.readline():
                    self.wfile.write(line.upper())
                ends.append("end")
            except OSError as error:
                ends.append(type(error).__name__)

    @server.program
    def serve():
        with socketserver.ThreadingTCPServer(("", 7), Echo) as echo:
            echo.serve_forever()

    def talk(*lines):
        with socket.create_connection(("server", 7)) as sock, sock.makefile("rwb") as file:
            found = []
            for line in lines:
                file.write(line)
                file.flush()
                found.append(file.readline())
            return found

    @silent.program
    def say_nothing():
        with socket.create_connection(("server", 7)) as sock:
            return sock.recv(1)

    @dying.program(daemon=True)
    def die():
        with socket.create_connection(("server", 7)) as sock:
            sock.sendall(b"half a li")
            sock.recv(1)

    @client.program
    def ask():
        return [talk(b"a\n", b"b\n") for _ in range(5)]

    net.at(1, dying.crash)
    assert finish(net, ask) == [[b"A\n", b"B\n"]] * 5
    assert say_nothing.result == b"" and sorted(ends) == ["TimeoutError"] * 2 + ["end"] * 5, ends


def websockets():
    """Messages cross a link that loses packets and goes down; a peer that has died is noticed by its silence."""
    import asyncio

    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve as listen
    from websockets.exceptions import ConnectionClosedError

    net, client, server = network()

    @server.program
    async def serve():
        async def echo(socket):
            async for message in socket:
                await socket.send(message.upper())

        async with listen(echo, "0.0.0.0", 80):
            await asyncio.Event().wait()

    @client.program
    async def ask():
        found = []
        async with connect("ws://10.0.0.2/", ping_interval=5, ping_timeout=5, proxy=None) as socket:
            for number in range(20):
                await socket.send(f"message {number}")
                found.append(await socket.recv())
            server.crash()
            try:
                await socket.recv()
            except ConnectionClosedError as error:
                return found, error.rcvd, error.sent.reason

    net.at(1, net.partition, client, server)
    net.at(3, net.heal)
    assert finish(net, ask) == ([f"MESSAGE {number}" for number in range(20)], None, "keepalive ping timeout")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("done")
