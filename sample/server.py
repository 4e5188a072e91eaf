"""One uvicorn server on loopback that says where it listens, and never outlives its parent."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """Prints `listening URL` as its first line, once connections are accepted."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and self.started:
            print(f"listening http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)


def listen(port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises OSError where the port is taken."""
    # with the protocol named, asyncio turns Nagle off; without, every answer waits 40 ms for an acknowledgement
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    return sock


def watch_parent(parent: int, every: float = 0.25) -> None:
    """Ends this process when `parent` is no longer its parent: by SIGTERM, and for good two seconds later."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(2)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def serve(app: FastAPI, sock: socket.socket) -> None:
    """Runs until SIGTERM or SIGINT; open requests get one second."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # a cut connection is what a test asked for
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", loop="asyncio", timeout_graceful_shutdown=1
    )
    server = Server(config)
    # uvicorn raises the signal again once it has shut down: a clean end must not look like a crash.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.run(sockets=[sock])
