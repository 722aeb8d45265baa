"""Whole programs, over either module: each is a process of its own, does its work, and prints the seconds of one operation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .table import case

WEB = """
import os, signal, ssl, sys, time
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNT, KEPT, CERTIFICATES = int(sys.argv[1]), sys.argv[2] == "kept", sys.argv[3:]

class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(bytes(1000))

    def log_message(self, *arguments):
        pass

def connect():
    if CERTIFICATES: return HTTPSConnection("localhost", server.server_port, context=ssl.create_default_context(cafile=CERTIFICATES[1]))
    return HTTPConnection("127.0.0.1", server.server_port)

def get(connection):
    connection.request("GET", "/")
    answer = connection.getresponse().read()
    assert len(answer) == 1000

server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
if CERTIFICATES:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
child = os.fork()
if not child: server.serve_forever()
try:
    connection = connect()
    for turn in range(COUNT + 50):
        if turn == 50: start = time.perf_counter()
        if not KEPT:
            connection.close()
            connection = connect()
        get(connection)
    print((time.perf_counter() - start) / COUNT)
finally:
    os.kill(child, signal.SIGKILL)
"""

ECHO = """
import asyncio, os, signal, sys, time

COUNT, CLIENTS = int(sys.argv[1]), 100

async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()

async def client(port, begin, ready):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ready.release()
    await begin.wait()
    for _ in range(COUNT):
        writer.write(bytes(64))
        await reader.readexactly(64)
    writer.close()

async def serve(sock):
    async with await asyncio.start_server(echo, sock=sock) as server: await server.serve_forever()

async def ask(port):
    begin, ready = asyncio.Event(), asyncio.Semaphore(0)
    tasks = [asyncio.create_task(client(port, begin, ready)) for _ in range(CLIENTS)]
    for _ in tasks: await ready.acquire()
    start = time.perf_counter()
    begin.set()
    await asyncio.gather(*tasks)
    print((time.perf_counter() - start) / COUNT / CLIENTS)

import socket
with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS) as listener:
    child = os.fork()
    if not child: asyncio.run(serve(listener))
    try: asyncio.run(ask(listener.getsockname()[1]))
    finally: os.kill(child, signal.SIGKILL)
"""

TLS = """
import os, signal, socket, ssl, sys, time

BULK, COUNT, certificate, authority = sys.argv[1] == "bulk", int(sys.argv[2]), *sys.argv[3:]

def serve(listener):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    sock = context.wrap_socket(listener.accept()[0], server_side=True)
    if BULK:
        sock.recv(1)
        for _ in range(COUNT): sock.sendall(bytes(65536))
    while data := sock.recv(64): sock.sendall(data)

with socket.create_server(("127.0.0.1", 0)) as listener:
    child = os.fork()
    if not child: serve(listener); os._exit(0)
    try:
        context = ssl.create_default_context(cafile=authority)
        with context.wrap_socket(socket.create_connection(listener.getsockname()), server_hostname="localhost") as sock:
            sock.settimeout(60)
            if not BULK:
                sock.sendall(bytes(64)); sock.recv(64)
            start = time.perf_counter()
            if BULK:
                sock.sendall(b"x")
                left, buffer = COUNT * 65536, bytearray(65536)
                while left: left -= sock.recv_into(buffer)
            else:
                for _ in range(COUNT): sock.sendall(bytes(64)); sock.recv(64)
            print((time.perf_counter() - start) / (1 if BULK else COUNT))
    finally:
        os.kill(child, signal.SIGKILL)
"""

DATAGRAMS = """
import asyncio, os, signal, socket, sys, time

COUNT, CLIENTS = int(sys.argv[1]), 20

class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, address): self.transport.sendto(data, address)

class Client(Echo):
    def __init__(self): self.left, self.done = COUNT, asyncio.get_running_loop().create_future()
    def datagram_received(self, data, address):
        self.left -= 1
        if self.left: self.transport.sendto(data)
        elif not self.done.done(): self.done.set_result(None)

async def serve(sock):
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, sock=sock)
    await asyncio.Event().wait()

async def ask(address):
    loop = asyncio.get_running_loop()
    made = [await loop.create_datagram_endpoint(Client, remote_addr=address) for _ in range(CLIENTS)]
    start = time.perf_counter()
    for transport, _ in made: transport.sendto(bytes(64))
    await asyncio.gather(*(client.done for _, client in made))
    print((time.perf_counter() - start) / COUNT / CLIENTS)

with socket.socket(type=socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    child = os.fork()
    if not child: asyncio.run(serve(sock))
    try: asyncio.run(ask(sock.getsockname()))
    finally: os.kill(child, signal.SIGKILL)
"""

AIOHTTP = """
import asyncio, os, signal, socket, sys, time
from aiohttp import ClientSession, web

COUNT, CLIENTS = int(sys.argv[1]), 10

async def page(request): return web.Response(body=bytes(1000))

async def serve(sock):
    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    await asyncio.Event().wait()

async def client(session, address, count):
    for _ in range(count):
        async with session.get(address) as answer: assert len(await answer.read()) == 1000

async def ask(port):
    address = f"http://127.0.0.1:{port}/"
    async with ClientSession() as session:
        await asyncio.gather(*(client(session, address, 5) for _ in range(CLIENTS)))
        start = time.perf_counter()
        await asyncio.gather(*(client(session, address, COUNT) for _ in range(CLIENTS)))
        print((time.perf_counter() - start) / COUNT / CLIENTS)

with socket.create_server(("127.0.0.1", 0)) as listener:
    child = os.fork()
    if not child: asyncio.run(serve(listener))
    try: asyncio.run(ask(listener.getsockname()[1]))
    finally: os.kill(child, signal.SIGKILL)
"""

PROGRAMS = {"web.py": WEB, "echo.py": ECHO, "tls.py": TLS, "datagrams.py": DATAGRAMS, "asked.py": AIOHTTP}


@cache
def folder() -> tempfile.TemporaryDirectory:
    """Where the programs lie, and the certificates; gone when the process ends."""
    import trustme

    place, authority = tempfile.TemporaryDirectory(), trustme.CA()
    authority.cert_pem.write_to_path(Path(place.name, "authority"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(Path(place.name, "certificate"))
    for name, text in PROGRAMS.items():
        Path(place.name, name).write_text(text, encoding="utf-8")
    return place


def run(module: Any, *words: Any) -> float:
    """The seconds that a program printed. litsock runs it as `litsock run` does."""
    start = ["-m", "litsock", "run"] if module.__name__ == "litsock" else []
    command = [sys.executable, *start, *map(str, words)]
    done = subprocess.run(command, cwd=folder().name, check=True, capture_output=True, text=True, timeout=300)
    return float(done.stdout)


@case("http", "request", 1.0)
def http(module: Any) -> float:
    """`http.client` asks `http.server` for a thousand bytes, again and again over one connection."""
    return run(module, "web.py", 2000, "kept")


@case("http-connections", "request", 1.0)
def http_connections(module: Any) -> float:
    """A connection for each request, and a thread of the server's for each connection."""
    return run(module, "web.py", 500, "new")


@case("https", "request", 1.0)
def https(module: Any) -> float:
    """The same as `http`, with TLS."""
    return run(module, "web.py", 2000, "kept", "certificate", "authority")


@case("asyncio-echo", "round trip", 2.4)
def asyncio_echo(module: Any) -> float:
    """A hundred clients of an echo server, asyncio's streams on both sides, 64 bytes at a time."""
    return run(module, "echo.py", 50)


@case("asyncio-datagrams", "round trip", 3.4)
def asyncio_datagrams(module: Any) -> float:
    """Twenty clients of a UDP echo server, asyncio on both sides, 64 bytes at a time."""
    return run(module, "datagrams.py", 200)


@case("tls-pingpong", "round trip", 1.0)
def tls_pingpong(module: Any) -> float:
    """64 bytes there and back through TLS, `ssl` on both sides."""
    return run(module, "tls.py", "pingpong", 5000, "certificate", "authority")


@case("tls-bulk", "64 MiB", 1.0)
def tls_bulk(module: Any) -> float:
    """`sendall` on one side, `recv_into` on the other, through TLS."""
    return run(module, "tls.py", "bulk", 1024, "certificate", "authority")


@case("aiohttp", "request", 1.0)
def aiohttp(module: Any) -> float:
    """Ten clients of aiohttp ask its server for a thousand bytes, again and again."""
    if not find_spec("aiohttp"):
        raise OSError("needs aiohttp: pip install aiohttp")
    return run(module, "asked.py", 100)
