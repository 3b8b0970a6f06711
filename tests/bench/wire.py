"""
A server's front as the internet has it: TLS 1.3, and a round trip that takes time.

    client ──TCP──▶ late, each way ──▶ TLS ──▶ the simulator, or a fixed answer

It runs as a process of its own, so that what it costs is nobody's; it prints its port and
ends with its standard input. A connection's first bytes wait one round trip more, as TCP's
own handshake would have them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from functools import partial

CHUNK = 65536


async def serve(certificate: str, *, round_trip: float, upstream: int, answer: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    behind = partial(answering, answer.encode()) if answer else partial(passing, upstream, 0.0)
    inner = await asyncio.start_server(behind, "127.0.0.1", 0, ssl=tls, backlog=512)
    port = inner.sockets[0].getsockname()[1]
    outer = await asyncio.start_server(partial(passing, port, round_trip), "127.0.0.1", 0, backlog=512)
    print(outer.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def passing(port: int, round_trip: float, reader: StreamReader, writer: StreamWriter) -> None:
    """Hand on both ways to `port`, each way half of `round_trip` (seconds) late."""
    back, there = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(
        pour(reader, there, round_trip / 2, first=round_trip), pour(back, writer, round_trip / 2)
    )


async def pour(source: StreamReader, sink: StreamWriter, late: float, *, first: float = 0.0) -> None:
    """Whatever comes leaves `late` seconds after it came; the first of it `first` seconds later still."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        extra = first
        while True:
            data = b""
            with contextlib.suppress(OSError):
                data = await source.read(CHUNK)
            await queue.put((loop.time() + late + extra, data))
            extra = 0.0
            if not data:
                return

    reading = asyncio.create_task(read())
    with contextlib.suppress(OSError):
        while True:
            due, data = await queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            sink.write(data)
            await sink.drain()
    await reading
    sink.close()


async def answering(answer: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Say `answer` (JSON) to each request, as Slack would on a connection that it keeps."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = request.partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length or 0))
            writer.write(head.encode() + answer)
            if b"connection: close" in request:
                break
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate")
    parser.add_argument("--round-trip", type=float, default=0.0)
    parser.add_argument("--upstream", type=int, default=0)
    parser.add_argument("--answer", default="")
    given = parser.parse_args()
    asyncio.run(
        serve(given.certificate, round_trip=given.round_trip, upstream=given.upstream, answer=given.answer)
    )
