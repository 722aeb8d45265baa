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


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("done")
