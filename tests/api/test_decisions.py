"""Operators override and silence over HTTP; the record is the same as the command's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.serving import NOW, problem, served, settings_of
from tests.flows.test_overrides import MARTS, ROME
from warehouse import api_keys, overrides, silences
from warehouse.connection import connect
from warehouse.lock import hold
from warehouse.settings import Settings

OVERRIDE = {
    "series_id": ROME, "target_from": "2026-11-21T14:00:00+02:00", "target_to": "2026-11-21T14:00:00Z",
    "method": "add", "value": 1.5, "reason": "foehn",
}  # fmt: skip
SILENCE = {"window_from": "2026-11-21T12:00:00Z", "window_to": "2026-11-22T12:00:00Z", "reason": "works"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_of(tmp_path)
    with connect(found) as con:
        con.execute(MARTS)
    return found


@pytest.fixture
def api(settings: Settings) -> Iterator[httpx.Client]:
    secret = api_keys.issue(settings, "night shift", "operator", NOW)
    with served(settings) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


def test_an_override_is_on_record_with_who_and_why(api: httpx.Client, settings: Settings):
    answer = api.post("/v1/overrides", json=OVERRIDE)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["actor"], told["reason"], told["target_from"]) == (
        "api:night shift", "foehn", "2026-11-21T12:00:00Z",
    )  # fmt: skip
    (kept,) = overrides.listed(settings, NOW)
    assert kept["override_id"] == told["override_id"]
    assert (kept["method"], kept["value"], kept["state"]) == ("add", 1.5, "ahead")


@pytest.mark.parametrize(("alert", "series"), [(f"heat_day:{ROME}", ROME), ("heat_day", None)])
def test_an_alert_is_silenced_for_one_series_or_for_all(
    alert: str, series: str | None, api: httpx.Client, settings: Settings
):
    assert api.post(f"/v1/alerts/{alert}/silence", json=SILENCE).status_code == 201
    (kept,) = silences.listed(settings, NOW)
    assert (kept["rule_id"], kept["series_id"], kept["actor"]) == ("heat_day", series, "api:night shift")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"series_id": "weather.ROMA.temperature_c"}, f"did you mean {ROME}"),
        ({"value": 900, "method": "set"}, "not plausible"),
        ({"target_to": "2026-11-21T06:30:00Z"}, "not after its begin"),
        ({"target_to": "2027-03-02T06:30:00Z"}, "more than 14 days"),
        ({"reason": "\u0007"}, "printable"),
        ({"method": "guess"}, "method"),
        ({"value": None}, "value"),
        ({"target_from": 1772431200}, "target_from"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_cannot_be_overridden_is_said_in_a_line(change: dict[str, object], said: str, api: httpx.Client,
                                                     settings: Settings):  # fmt: skip
    assert said in problem(api.post("/v1/overrides", json={**OVERRIDE, **change}), 422)
    assert overrides.listed(settings, NOW) == []


@pytest.mark.parametrize(
    ("body", "status"), [("", 422), ("{", 422), ('{"value": NaN}', 422), ("[]", 422), (b"\xff", 400)]
)
def test_a_body_that_is_no_json_is_a_problem(body: str | bytes, status: int, api: httpx.Client):
    problem(api.post("/v1/overrides", content=body, headers={"Content-Type": "application/json"}), status)


def test_an_unknown_rule_is_named(api: httpx.Client):
    assert "did you mean heat_day" in problem(api.post("/v1/alerts/heat_dy/silence", json=SILENCE), 422)


def test_while_a_run_writes_the_decision_is_to_be_asked_for_again(api: httpx.Client, settings: Settings, tmp_path):
    script = (
        "import sys, datetime, warehouse.lock as lock; from warehouse.settings import Settings\n"
        "with lock.hold(Settings(data_dir=sys.argv[1]), run_id='r', now=datetime.datetime(2026, 3, 2, 6)):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        answer = api.post("/v1/overrides", json=OVERRIDE)
        assert problem(answer, 503) == "a run is writing the warehouse: ask again when it has ended"
        assert answer.headers["retry-after"] == "30"
        other.communicate()
    assert api.post("/v1/overrides", json=OVERRIDE).status_code == 201


def test_a_warehouse_that_is_not_there_yet_says_so(tmp_path: Path):
    settings = settings_of(tmp_path / "empty")
    secret = api_keys.issue(settings, "early", "operator", NOW)
    with served(settings) as api:
        answer = api.post("/v1/overrides", json=OVERRIDE, headers={"Authorization": f"Bearer {secret}"})
        assert "skyduck run" in problem(answer, 503)


def test_two_at_once_are_both_on_record(api: httpx.Client, settings: Settings):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: api.post("/v1/overrides", json={**OVERRIDE, "value": n}), range(1, 5)))
    assert [answer.status_code for answer in found] == [201] * 4
    assert len(overrides.listed(settings, NOW)) == 4
    with hold(settings, run_id="after", now=NOW):
        pass
