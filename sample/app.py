"""The FastAPI application: every upstream host under its own name as the first path segment, and `/_admin`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from fastapi import FastAPI, Request, Response

from sample import data_gov_sg, energy_charts, open_meteo
from sample.admin import router
from sample.answer import Answer, Refused, json_answer
from sample.backend import Backend, Endpoint
from sample.clock import Clock
from sample.faults import INSTEAD, FaultBook, Rule
from sample.limits import QUEUE, REASONS, WeightedWindows
from sample.wire import response

OPEN_METEO: dict[str, Endpoint] = {
    "archive-api.open-meteo.com/v1/archive": "archive",
    "api.open-meteo.com/v1/forecast": "forecast",
    "air-quality-api.open-meteo.com/v1/air-quality": "air_quality",
    "previous-runs-api.open-meteo.com/v1/forecast": "previous_runs",
}
DATA_GOV_SG = "api-open.data.gov.sg/v2/real-time/api/pm25"
ENERGY_CHARTS = "api.energy-charts.info/public_power"
LOG_LENGTH = 50_000


@dataclass
class Upstream:
    """Everything the server knows and counts."""

    backend: Backend
    clock: Clock
    limited: bool = False
    faults: FaultBook = field(default_factory=FaultBook)
    log: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    weights: WeightedWindows = field(default_factory=WeightedWindows)
    keys: data_gov_sg.KeyLimits = field(default_factory=data_gov_sg.KeyLimits)
    pace: energy_charts.Pace = field(default_factory=energy_charts.Pace)

    @property
    def limits(self) -> Literal["documented", "off"]:
        return "documented" if self.limited else "off"

    async def answer(self, host: str, path: str, params: Mapping[str, str], key: str) -> Answer:
        """What the host itself would answer: no faults here."""
        target = f"{host.removeprefix('customer-')}{path}"
        try:
            if target in OPEN_METEO:
                return await self._open_meteo(OPEN_METEO[target], host, params)
            if target == DATA_GOV_SG:
                refused = self.keys.exceeded(key) if self.limited else None
                return refused or data_gov_sg.answer(params, self.clock.now(), self.backend)
            if target == ENERGY_CHARTS:
                refused = self.pace.exceeded() if self.limited else None
                return refused or energy_charts.answer(params, self.clock.now(), self.backend)
        except Refused as refusal:
            return refusal.answer
        return json_answer({"error": True, "reason": "Not Found"}, 404)

    async def _open_meteo(self, endpoint: Endpoint, host: str, params: Mapping[str, str]) -> Answer:
        if not self.limited:
            return open_meteo.answer(endpoint, params, self.clock.now(), self.backend)[0]
        reason = self.weights.exceeded(host)
        if reason is None and self.weights.running.get(host, 0) > QUEUE:
            reason = REASONS["concurrent"]
        if reason:
            self.weights.add(host, 1)
            return json_answer({"error": True, "reason": reason}, 429)
        async with self._turn(host):
            try:
                answer, heavy = open_meteo.answer(endpoint, params, self.clock.now(), self.backend)
            except Refused:
                self.weights.add(host, 1)
                raise
            await asyncio.sleep(0.05)  # one call runs at a time: without a pause none would ever queue
            self.weights.add(host, heavy)
            return answer

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[None]:
        """One request of a host runs, the others wait."""
        self.weights.running[host] = self.weights.running.get(host, 0) + 1
        try:
            async with self.weights.turn.setdefault(host, asyncio.Lock()):
                yield
        finally:
            self.weights.running[host] -= 1

    async def faulty(self, rule: Rule | None, host: str, path: str, params: Mapping[str, str], key: str) -> Answer:
        if rule and rule.fault in INSTEAD:
            return self.faults.apply(rule, Answer(200, b""), host)
        answer = await self.answer(host, path, params, key)
        return self.faults.apply(rule, answer, host) if rule else answer


def build(upstream: Upstream) -> FastAPI:
    app = FastAPI(title="skyduck sample upstream", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.upstream = upstream
    app.include_router(router)

    @app.get("/{target:path}")
    async def serve(request: Request, target: str) -> Response:
        host, slash, rest = target.partition("/")
        path, query, key = slash + rest, request.url.query, request.headers.get("x-api-key", "")
        rule = upstream.faults.pick(host, path, query)
        before = rule.applied if rule else 0
        asked = request.query_params
        params = {name: ",".join(asked.getlist(name)) for name in asked}  # a=1&a=2 means a=1,2
        answer = await upstream.faulty(rule, host, path, params, key)
        fault = rule.fault if rule and rule.applied > before else None
        entry = {"host": host, "path": path, "query": query, "status": answer.status, "fault": fault}
        upstream.log.append(entry)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        result = response(answer)
        result.headers["x-sample-limits"] = upstream.limits
        return result

    return app
