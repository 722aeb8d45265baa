"""What a simulated network costs: python -m bench.simulation. The standard module has nothing to compare it with, so the figures stand beside their targets."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import process_time

import litsock

SIZE, CLIENTS, CONNECTIONS = 5_000_000, 100, 10


def idle_hour() -> float:  # seconds
    """A program that looks around every second, for an hour."""
    import time

    net = litsock.Network(seed=1)
    net.host("one").program(lambda: [time.sleep(1) for _ in range(3600)])
    begun = process_time()
    net.run()
    needed = process_time() - begun
    net.close()
    return needed


def segments(loss: float = 0.001) -> float:  # a second
    """A long transfer that loses a segment now and then; the segments with data and the acknowledgements."""
    net = litsock.Network(seed=1)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, latency=0.02, loss=loss, bandwidth=1e8)

    @server.program
    def sink() -> None:
        with litsock.create_server(("", 9)) as listener:
            peer, _ = listener.accept()
            with peer:
                while peer.recv(1 << 16):
                    pass

    @client.program
    def source() -> None:
        with litsock.create_connection(("10.0.0.2", 9)) as sock:
            sock.sendall(bytes(SIZE))

    begun = process_time()
    net.run()
    rate = net.sent / (process_time() - begun)
    net.close()
    return rate


def many_connections() -> float:  # seconds
    """A hundred hosts with ten connections to each of ten others: a thousand for each host, counted at both ends, and all open at once."""
    import asyncio

    net = litsock.Network(seed=1)
    hosts = [net.host(f"host{number}") for number in range(CLIENTS)]
    for at, one in enumerate(hosts):
        for other in hosts[at + 1 :]:
            net.link(one, other, latency=0.001)
    opened: list[int] = []

    def program(number: int) -> Callable:
        async def talk() -> None:
            async def answer(reader, writer) -> None:
                writer.write(await reader.readline())
                await reader.read()
                writer.close()

            server = await asyncio.start_server(answer, hosts[number].addresses[0], 7, backlog=2000)
            await asyncio.sleep(1)
            ends = []
            for step in range(1, 51):
                address = hosts[(number + step) % CLIENTS].addresses[0]
                ends += await asyncio.gather(*(asyncio.open_connection(address, 7) for _ in range(CONNECTIONS)))
            for reader, writer in ends:
                writer.write(b"hello\n")
            for reader, writer in ends:
                assert await reader.readline() == b"hello\n"
            opened.append(len(ends))
            await asyncio.sleep(60)
            for reader, writer in ends:
                writer.close()
            await asyncio.sleep(60)
            server.close()

        return talk

    for number, host in enumerate(hosts):
        host.program(program(number))
    begun = process_time()
    net.run()
    needed = process_time() - begun
    net.close()
    assert sum(opened) == CLIENTS * 50 * CONNECTIONS
    return needed


def many_threads() -> float:  # seconds
    """As many hosts with fifty connections each to one server, which has a thread for each, and all open at once."""
    import threading
    import time

    net = litsock.Network(seed=1)
    server, clients = net.host("server"), [net.host(f"host{number}") for number in range(CLIENTS)]
    for client in clients:
        net.link(client, server, latency=0.001)
    opened: list[int] = []

    def answer(peer) -> None:
        with peer:
            while data := peer.recv(100):
                peer.sendall(data)

    @server.program
    def serve() -> None:
        with litsock.create_server(("", 7), backlog=CLIENTS) as listener:
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],)).start()

    def talk() -> None:
        ends = [litsock.create_connection(("server", 7)) for _ in range(50)]
        for end in ends:
            end.sendall(b"hello")
        opened.append(sum(end.recv(10) == b"hello" for end in ends))
        time.sleep(60)
        for end in ends:
            end.close()

    for client in clients:
        client.program(talk)
    begun = process_time()
    net.run()
    needed = process_time() - begun
    net.close()
    assert opened == CLIENTS * [50]
    return needed


def main() -> None:
    """The command."""
    cases = (
        ("an hour of virtual idle", idle_hour, 1000, "ms", "under 50"),
        ("segments of a long transfer in a second of CPU time", segments, 1, "", "at least 20,000"),
        (f"{CLIENTS} hosts with 1000 connections each", many_connections, 1, "s", "in one process"),
        (f"{CLIENTS * 50} threads with a connection each", many_threads, 1, "s", "in one process"),
    )
    for name, measure, factor, unit, target in cases:
        gc.collect()
        figures = [measure() * factor for _ in range(1 if measure in (many_connections, many_threads) else 5)]
        print(f"{name}: {sorted(figures)[len(figures) // 2]:,.0f} {unit} ({min(figures):,.0f} to {max(figures):,.0f}; asked: {target})", flush=True)


if __name__ == "__main__":
    main()
