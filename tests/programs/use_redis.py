"""redis-py with a Redis server, over TCP, TLS and a Unix socket, in threads and in asyncio: use_redis.py PORT TLS_PORT PATH AUTHORITY."""
import asyncio
import sys
import threading

import redis
import redis.asyncio

port, tls_port, path, authority = sys.argv[1:]
tls = dict(ssl=True, ssl_ca_certs=authority, host="localhost", port=int(tls_port))
for way in (dict(host="127.0.0.1", port=int(port)), tls, dict(unix_socket_path=path)):
    with redis.Redis(socket_timeout=10, **way) as server:
        server.flushall()
        large = bytes(range(256)) * 8192
        assert server.set("large", large) and server.get("large") == large
        with server.pipeline() as pipeline:
            for number in range(1000): pipeline.incr("counter", number)
            assert len(pipeline.execute()) == 1000
        assert int(server.get("counter")) == 499500
        threads = [threading.Thread(target=lambda: [server.incr("shared") for _ in range(100)]) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert int(server.get("shared")) == 400
        threading.Timer(0.2, server.rpush, ("queue", "job")).start()
        assert server.blpop("queue", timeout=5) == (b"queue", b"job")
        with server.pubsub() as listener:
            listener.subscribe("news")
            assert listener.get_message(timeout=5)["type"] == "subscribe"
            server.publish("news", "something")
            assert listener.get_message(timeout=5)["data"] == b"something"
            assert listener.get_message(timeout=0.05) is None
    with redis.Redis(socket_timeout=0.2, **way) as server:
        try: server.blpop("nothing", timeout=5)
        except redis.TimeoutError: continue
    raise AssertionError("a timeout that did not come")


async def in_asyncio():
    async with redis.asyncio.Redis(**tls) as server:
        assert await asyncio.gather(*(server.set(f"key{number}", number) for number in range(50))) == [True] * 50
        assert int(await server.get("key49")) == 49


asyncio.run(in_asyncio())
print(f"redis {redis.__version__}")
