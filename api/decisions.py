"""POST: what an operator decides. Written under the lock of the one writer, by the same code as the command's."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from api.formats import stamp
from api.lists import told
from api.problems import Problem
from api.schemas import NAME, NewOverride, NewSilence
from warehouse import overrides, silences
from warehouse.api_keys import Key
from warehouse.decider import Decider
from warehouse.lock import hold
from warehouse.settings import Settings

decisions = APIRouter(prefix="/v1")
_one_at_a_time = threading.Lock()  # the writer's lock lets its own process in again
REFUSALS = told(400, 401, 403, 411, 413, 414, 422, 429, 431, 500, 503)


@decisions.post("/overrides", status_code=201, response_class=Response, responses=REFUSALS,
                summary="Put values of your own in place of a forecast's")  # fmt: skip
def override(request: Request, new: NewOverride) -> Response:
    """The forecast itself stays, and both are scored. Readers see it with the next publication."""
    asked = overrides.Asked(new.series_id, new.target_from, new.target_to, new.method, new.value)
    return _decided(request, new.reason, lambda to, by: overrides.add(to, asked, by, f"override-{by.run_id}"))


@decisions.post("/alerts/{alert_id}/silence", status_code=201, response_class=Response, responses=REFUSALS,
                summary="Do not tell an alert for a while")  # fmt: skip
def silence(
    request: Request,
    alert_id: Annotated[
        str,
        Path(
            max_length=400,
            pattern=NAME,
            description="`alert_id` of /v1/alerts, or a rule_id alone: then all its series",
            examples=["heat_day:weather.ROM.temperature_c"],
        ),
    ],
    new: NewSilence,
) -> Response:
    """What the model says is kept, and scored. Readers see it with the next publication."""
    rule, _, series = alert_id.partition(":")
    asked = silences.Asked(rule, series or None, new.window_from, new.window_to)
    return _decided(request, new.reason, lambda to, by: silences.add(to, asked, by, f"silence-{by.run_id}"))


def _decided(request: Request, reason: str, work: Callable[[Settings, Decider], dict[str, Any]]) -> Response:
    key: Key | None = request.scope["state"].get("key")
    if key is None:
        raise Problem(401, "an operator's API key is needed: `skyduck keys issue NAME --scope operator` makes one",
                      {"WWW-Authenticate": 'Bearer realm="skyduck"'})  # fmt: skip
    if key.scope != "operator":
        raise Problem(403, f"the key {key.name!r} may only read; to decide takes one with the scope operator")
    settings, now = request.app.state.settings, request.app.state.clock().replace(microsecond=0)
    by = Decider(f"api:{key.name}", reason, now, f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
    with _one_at_a_time, hold(settings, run_id=by.run_id, now=now, command="api"):
        row = work(settings, by)
    found = {name: stamp(value) if hasattr(value, "isoformat") else value for name, value in row.items()}
    return Response(orjson.dumps(found), 201, media_type="application/json")
