"""fct_observations in batches: the same rows as in one, whatever the cut, with late, revised and doubtful readings."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.dbt.conftest import Body, Scratch, scratch

START = datetime(2024, 1, 1)
TABLES = ("staging.int_readings_judged", "marts.fct_observations", "marts.fct_quarantine", "marts.dim_series")
LAST_BODY_OF_BATCH = (6, 11, 21, 24)
Key = tuple[str, datetime]
Built = tuple[Scratch, dict[str, Any], dict[str, Any]]


def weather(place: str, endpoint: str, fetched: datetime, mode: str, values: dict[datetime, Any]) -> Body:
    hourly = {"time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in values], "temperature_2m": list(values.values())}
    body = {"utc_offset_seconds": 0, "hourly": hourly}
    return Body("open_meteo", endpoint, place, body, f"{fetched:%Y-%m-%d %H:%M:%S}", mode)


def bodies() -> list[Body]:
    """24 bodies of three places: a backfill, days in any order, hours sent twice, values beyond every range."""
    dice = random.Random(7)
    made = []
    for n in range(24):
        place = ("A", "B", "C")[n % 3]
        fetched = START + timedelta(days=20 + n, hours=6)
        first = START + timedelta(hours=dice.randrange(0, 11 * 24)) if n >= 6 else START + timedelta(days=7 * (n // 3))
        values: dict[datetime, Any] = {}
        for h in range(8 * 24 if n < 6 else dice.choice((5, 48, 120))):
            value: float | None = 7.0 if place == "C" and 30 < h < 75 else dice.choice((3.0, 4.0, 4.5))
            value = dice.choice((None, 99.0, -120.0)) if dice.random() < 0.08 else value
            values[first + timedelta(hours=h)] = value
        endpoint = "archive" if n < 6 else dice.choice(("archive", "forecast"))
        made.append(weather(place, endpoint, fetched, "backfill" if n < 6 or n % 7 == 0 else "live", values))
    return made


def replay(received: list[Body]) -> dict[Key, list[tuple[float, datetime]]]:
    """Versions (value, known_at) of each hour by the rule, one reading after another."""
    versions: dict[Key, list[tuple[float, datetime]]] = {}
    spoken: dict[Key, int] = {}
    for body in received:
        fetched = datetime.fromisoformat(body.fetched_at)
        priority = {"archive": 30, "forecast": 20}[body.endpoint]
        for stamp, value in zip(body.body["hourly"]["time"], body.body["hourly"]["temperature_2m"], strict=True):
            key = (f"weather.{body.subject}.temperature_c", datetime.fromisoformat(stamp))
            if value is None or not -90 <= value <= 60 or priority < spoken.get(key, 0):
                continue
            spoken[key] = priority
            held = versions.setdefault(key, [])
            if not held or held[-1][0] != value:
                backfilled = body.mode == "backfill" and not held
                held.append((value, min(key[1], fetched) if backfilled else fetched))
    return versions


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The warehouse after all batches; the hashes before and after one more run that brings nothing."""
    places = "".join(f"{p},Place {p},XX,1,2,UTC\n" for p in "ABC")
    series = "".join(f"weather,{p},open_meteo,{p}\n" for p in "AB")
    wh = scratch(tmp_path_factory.mktemp("observations"), places=places, series=series)
    received, done = bodies(), 0
    for batch, last in enumerate(LAST_BODY_OF_BATCH):
        wh.receive(*received[done:last])
        done = last
        if batch == 2:  # C joins when bodies of it have long been parsed
            with (wh.seeds / "series.csv").open("a") as file:
                file.write("weather,C,open_meteo,C\n")
        wh.build(tests=batch == 3)
    first = wh.hashes(*TABLES)
    wh.build(tests=False)
    return wh, first, wh.hashes(*TABLES)


def test_every_hour_has_the_versions_that_the_rule_gives_one_reading_after_another(built: Built) -> None:
    wh, _, _ = built
    found: dict[Key, list[tuple[float, datetime]]] = {}
    sql = "select series_id, observed_at, value, known_at from staging.int_observation_versions order by version_no"
    for series_id, hour, value, known_at in wh.rows(sql):
        found.setdefault((series_id, hour), []).append((value, known_at))
    expected = replay(bodies())
    assert found == expected
    assert sum(len(held) > 2 for held in expected.values()) > 20, "the bodies must revise some hours more than once"


def test_the_current_value_and_the_first_known_one_are_the_ends_of_the_versions(built: Built) -> None:
    wh, _, _ = built
    columns = "series_id, observed_at, value, first_value, first_known_at, n_versions"
    rows = wh.rows(f"select {columns} from marts.fct_observations")
    versions = replay(bodies())
    for series_id, hour, value, first_value, first_known_at, n_versions in rows:
        held = versions.get((series_id, hour), [])
        assert n_versions == len(held)
        assert (value, first_value, first_known_at) == ((held[-1][0], *held[0]) if held else (None, None, None))


def test_a_run_that_brings_nothing_changes_nothing(built: Built) -> None:
    _, first, again = built
    assert again == first


def test_every_series_is_gridded_from_its_first_to_its_last_hour(built: Built) -> None:
    wh, _, _ = built
    sql = """select series_id, count(*), date_diff('hour', min(observed_at), max(observed_at)) + 1,
                    count(*) filter (where quality = 'missing') from marts.fct_observations group by all order by all"""
    rows = wh.rows(sql)
    assert [row[0][8] for row in rows] == ["A", "B", "C"]
    assert all(n == span and missing > 0 for _, n, span, missing in rows)


def test_a_sensor_that_stood_still_is_flagged_from_the_hour_at_which_it_was_flat_for_a_day(built: Built) -> None:
    wh, _, _ = built
    values = dict(wh.rows("select observed_at, value from marts.fct_observations where series_id like '%.C.%'"))
    stuck = {row[0] for row in wh.rows("select observed_at from marts.fct_observations where quality = 'stuck'")}
    flat = set()
    for hour, value in values.items():
        trail = [values.get(hour - timedelta(hours=h)) for h in range(24)]
        present = [v for v in trail if v is not None]
        if value is not None and trail[23] is not None and len(set(present)) == 1 and len(present) >= 18:
            flat.add(hour)
    assert flat
    assert stuck == flat


def test_a_refused_reading_is_in_the_quarantine_with_its_reason(built: Built) -> None:
    wh, _, _ = built
    refused = {
        (f"weather.{b.subject}.temperature_c", datetime.fromisoformat(stamp), value)
        for b in bodies()
        for stamp, value in zip(b.body["hourly"]["time"], b.body["hourly"]["temperature_2m"], strict=True)
        if value in (99.0, -120.0)
    }
    rows = wh.rows("select series_id, observed_at, value, reason from marts.fct_quarantine")
    assert {row[:3] for row in rows} == refused
    assert len(rows) == len(refused), "a reading refused before is not listed again"
    assert {row[3] for row in rows} == {
        "above the plausible maximum of 60.0 °C", "below the plausible minimum of -90.0 °C",
    }  # fmt: skip


def test_a_full_refresh_gives_the_same_tables(built: Built) -> None:
    wh, _, batches = built
    wh.build("--full-refresh", tests=False)
    assert wh.hashes(*TABLES) == batches


def test_a_series_taken_out_of_the_seeds_is_gone_from_the_observations(built: Built) -> None:
    wh, _, _ = built
    lines = (wh.seeds / "series.csv").read_text().splitlines(keepends=True)
    (wh.seeds / "series.csv").write_text("".join(line for line in lines if "weather,B" not in line))
    wh.build(tests=False)
    kept = [("weather.A.temperature_c",), ("weather.C.temperature_c",)]
    assert wh.rows("select distinct series_id from marts.fct_observations order by all") == kept
    assert wh.rows("select distinct series_id from marts.fct_quarantine order by all") == kept
