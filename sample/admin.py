"""`/_admin`: move the clock, set faults, look at what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from sample.clock import parse_now
from sample.faults import FaultBook, Rule

if TYPE_CHECKING:
    from sample.app import Upstream

router = APIRouter(prefix="/_admin")


class Now(BaseModel):
    now: str | None = None  # null = the real clock again


def _upstream(request: Request) -> Upstream:
    upstream: Upstream = request.app.state.upstream
    return upstream


@router.get("/health")
async def health(request: Request) -> dict[str, str]:
    upstream = _upstream(request)
    return {"status": "ok", "now": upstream.clock.now().isoformat(timespec="seconds"), "limits": upstream.limits}


@router.get("/now")
async def get_now(request: Request) -> dict[str, str]:
    return {"now": _upstream(request).clock.now().isoformat(timespec="seconds")}


@router.post("/now")
async def set_now(request: Request, moment: Now) -> dict[str, str]:
    try:
        _upstream(request).clock.moment = parse_now(moment.now) if moment.now else None
    except ValueError as error:
        raise HTTPException(422, f"now must be ISO 8601: {error}") from None
    return await get_now(request)


@router.get("/faults")
async def get_faults(request: Request) -> list[Rule]:
    return _upstream(request).faults.rules


@router.post("/faults")
async def add_faults(request: Request, rules: list[Rule]) -> list[Rule]:
    _upstream(request).faults.rules.extend(rules)
    return _upstream(request).faults.rules


@router.delete("/faults")
async def clear_faults(request: Request) -> list[Rule]:
    _upstream(request).faults = FaultBook()
    return []


@router.get("/requests")
async def get_requests(request: Request) -> list[dict[str, Any]]:
    return list(_upstream(request).log)


@router.delete("/requests")
async def clear_requests(request: Request) -> list[dict[str, Any]]:
    _upstream(request).log.clear()
    return []


@router.get("/places")
async def places(request: Request) -> list[dict[str, Any]]:
    found = _upstream(request).backend.places()
    return [{"endpoint": p.endpoint, "name": p.name, "latitude": p.latitude, "longitude": p.longitude} for p in found]
