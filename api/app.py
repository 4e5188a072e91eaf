"""The application: routes, and around them, from outside in: timing, CORS where asked for, access, cache."""

from __future__ import annotations

import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from api import contract, problems
from api.access import Access, parse_limit
from api.cache import Cache
from api.clock import Clock, machine_now
from api.decisions import decisions
from api.health import Figures, Requests, health
from api.lists import lists
from warehouse.api_keys import KeyRing
from warehouse.reader import Reader
from warehouse.settings import ROOT, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ABOUT = """
Hourly weather, air quality and carbon intensity: observations, forecasts with seven quantiles, alerts, and their own
track record, as last published. Lists come as JSON, CSV, Parquet or Arrow (`Accept`), page by page (`cursor`), each
with an `ETag` of its publication. Times are UTC. Errors are problem+json (RFC 9457).
"""
MIB = 2**20
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")


def create_app(settings: Settings, *, clock: Clock = machine_now, is_guarded: bool = False) -> FastAPI:
    """`is_guarded`: keys are demanded even before the first is issued (a server that others can reach)."""
    reader, registry, ring = Reader(settings), CollectorRegistry(), KeyRing(settings)
    registry.register(Figures(reader, settings, clock))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        reader.close()

    app = FastAPI(
        title="skyduck", description=ABOUT, version=_version(), lifespan=life, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json", redirect_slashes=False,
    )  # fmt: skip
    app.state.settings, app.state.clock, app.state.reader, app.state.registry = settings, clock, reader, registry
    for router in (health, lists, decisions):
        app.include_router(router)
    problems.install(app)
    contract.install(app)
    app.add_middleware(Cache, reader=reader, max_bytes=settings.api_cache_mib * MIB)
    app.add_middleware(
        Access, ring=ring, limit=parse_limit(settings.api_rate_limit), clock=clock, is_guarded=is_guarded
    )
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.api_cors_origins.split(),
            allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "X-API-Key"],
            expose_headers=["ETag", "Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Publication"],
        )
    app.add_middleware(Timing, requests=Requests(registry))
    return app


class Timing:
    """ASGI middleware: every request is counted and timed, by the path template it matched."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["state"] = dict(scope.get("state", {}))
        begun, status = time.perf_counter(), 500

        async def listen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, listen)
        finally:
            route = scope["state"].get("route") or getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._requests.note(method, route, status, time.perf_counter() - begun)


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
