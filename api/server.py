"""Starts the server, on this machine only unless keys guard it."""

from __future__ import annotations

import argparse
import ipaddress
import sys

import uvicorn

from api.app import create_app
from warehouse.api_keys import read_keys
from warehouse.errors import BadInput, SkyduckError
from warehouse.settings import Settings, load_settings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    parser.add_argument("--host", help="address to listen on (default: SKYDUCK_API_HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default: SKYDUCK_API_PORT, 8000)")
    asked = parser.parse_args(arguments)
    try:
        settings = load_settings()
        host, port = asked.host or settings.api_host, settings.api_port if asked.port is None else asked.port
        check(settings, host)
        app = create_app(settings, is_guarded=not is_local(host))
    except SkyduckError as error:
        print(f"skyduck: {error}", file=sys.stderr)
        return error.exit_code
    uvicorn.run(app, host=host, port=port, access_log=False, server_header=False, timeout_graceful_shutdown=10)
    return 0


def is_local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(settings: Settings, host: str) -> None:
    """Raises BadInput for a server that anybody could read: it listens wider than this machine and has no keys."""
    if not is_local(host) and all(key.revoked_at for key in read_keys(settings)):
        raise BadInput(
            f"to listen on {host} takes API keys: `skyduck keys issue NAME` makes one; "
            "without any, only 127.0.0.1 is served"
        )
