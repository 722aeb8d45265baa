"""Runs in Windows' Python: cycles of everything that makes handles, and what the process has of handles and memory meanwhile.

    cycles.py SECONDS

Wine does not count a process's handles. But it gives out the smallest number that is free, so that a new socket's tells.
"""

import ctypes
import sys
import time
from threading import Thread

import litsock

litsock.install()
import asyncio  # noqa: E402
import socketserver  # noqa: E402


def used():
    "The number of a new handle, and KiB of memory that is this process's alone (`PagefileUsage`, psapi.h)."
    counters = (ctypes.c_size_t * 10)()
    ctypes.windll.psapi.GetProcessMemoryInfo(ctypes.c_void_p(-1), counters, ctypes.sizeof(counters))
    with litsock.socket() as sock:
        return sock.fileno(), counters[7] // 1024


class Upper(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(100).upper())


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        assert await reader.read(100) == b"hello"
        writer.close()
        await writer.wait_closed()


def cycle():
    one, other = litsock.socketpair()
    with one, other, one.makefile("rwb") as file:
        file.write(b"x" * 5000)
        file.flush()
        assert other.recv(9000)
        with other.dup() as again, litsock.fromshare(one.share(PROCESS)):
            again.settimeout(0.0)
            try:
                again.recv(1)
            except BlockingIOError:
                pass
    try:
        litsock.create_connection(("127.0.0.1", 1), timeout=1)
    except ConnectionRefusedError:
        pass
    with socketserver.TCPServer(("127.0.0.1", 0), Upper) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        with litsock.create_connection(server.server_address) as sock:
            sock.sendall(b"hello")
            assert sock.recv(10) == b"HELLO"
        thread.join()
    with litsock.trace():
        litsock.getaddrinfo("127.0.0.1", 80)
        litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM).close()


def main(seconds):
    end, count, line = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        cycle()
        if count % 10 == 0:
            for policy in asyncio.WindowsSelectorEventLoopPolicy, asyncio.WindowsProactorEventLoopPolicy:
                asyncio.set_event_loop_policy(policy())
                asyncio.run(echo())
        count += 1
        if time.monotonic() > line:
            line = time.monotonic() + seconds / 12
            tell(count)
    tell(count)


def tell(count):
    handle, memory = used()
    print(f"{count:7} cycles: handle {handle}, {memory} KiB", flush=True)


if __name__ == "__main__":
    import os

    PROCESS = os.getpid()
    main(float(sys.argv[1]))
