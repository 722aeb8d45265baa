"""aiohttp's client with its own server, plain and with TLS: use_aiohttp.py CERTIFICATE AUTHORITY."""
import asyncio
import ssl
import sys

import aiohttp
from aiohttp import web


async def hello(request):
    return web.Response(text=f"hello {request.match_info['name']}")


async def upload(request):
    size = 0
    async for piece in request.content.iter_any(): size += len(piece)
    return web.json_response({"size": size})


async def talk(request):
    sock = web.WebSocketResponse()
    await sock.prepare(request)
    async for message in sock: await sock.send_str(message.data.upper())
    return sock


async def pieces(size, count):
    for _ in range(count): yield bytes(size)


async def serve(certificate):
    app = web.Application(client_max_size=2**30)
    app.add_routes([web.get("/hello/{name}", hello), web.post("/upload", upload), web.get("/talk", talk)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate).start()
    return runner, runner.addresses[0][1]


async def main(certificate, authority):
    runner, port = await serve(certificate)
    url = f"http{'s' * bool(certificate)}://localhost:{port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=authority or True)) as session:
        async def ask(name):
            async with session.get(f"{url}/hello/{name}") as answer: return await answer.text()
        assert await asyncio.gather(*map(ask, range(100))) == [f"hello {number}" for number in range(100)]
        async with session.post(f"{url}/upload", data=pieces(50_000, 100)) as answer:
            assert await answer.json() == {"size": 5_000_000}
        async with session.ws_connect(f"{url}/talk") as sock:
            for word in ("over", "and", "out"):
                await sock.send_str(word)
                assert await sock.receive_str() == word.upper()
        try:
            async with session.get(f"{url}/hello/late", timeout=aiohttp.ClientTimeout(total=1e-6)): raise AssertionError
        except asyncio.TimeoutError: pass
    await runner.cleanup()


serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
serving.load_cert_chain(sys.argv[1])
for contexts in ((None, None), (serving, ssl.create_default_context(cafile=sys.argv[2]))): asyncio.run(main(*contexts))
print(f"aiohttp {aiohttp.__version__}")
