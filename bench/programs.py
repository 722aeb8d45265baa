"""Whole programs, over either module: each is a process of its own, does its work, and prints the seconds of one operation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
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


@cache
def folder() -> tempfile.TemporaryDirectory:
    """Where the programs lie, and the certificates; gone when the process ends."""
    import trustme

    place, authority = tempfile.TemporaryDirectory(), trustme.CA()
    authority.cert_pem.write_to_path(Path(place.name, "authority"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(Path(place.name, "certificate"))
    for name, text in (("web.py", WEB), ("echo.py", ECHO)):
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


@case("asyncio-echo", "round trip", 1.0)
def asyncio_echo(module: Any) -> float:
    """A hundred clients of an echo server, asyncio's streams on both sides, 64 bytes at a time."""
    return run(module, "echo.py", 50)
