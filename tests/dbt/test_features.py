"""Feature marts against a slow replay of what each origin knew: late hours, gaps and revisions included."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.dbt.conftest import Body, Scratch, scratch

START = datetime(2024, 1, 1, 5)
HOUR = timedelta(hours=1)
BACKFILLED = datetime(2024, 1, 12, 6, 10)
FIRST_RUN = datetime(2024, 1, 13, 7, 25)
SECOND_RUN = datetime(2024, 1, 14, 6, 10)
SELECT = "+fct_forecast_features"
COLUMNS = (
    "series_id, origin_at, history, last_value, staleness_h, n_known_24, n_known_168, mean_3, mean_6, mean_12, mean_24,"
    " mean_72, mean_168, mean_672, std_24, min_24, max_24"
)
Versions = dict[datetime, list[tuple[float, datetime]]]


def body(place: str, fetched: datetime, mode: str, first: datetime, hours: int, seed: int) -> Body:
    """Hourly temperatures with gaps; another seed brings other values for the same hours."""
    dice = random.Random(f"{place} {first} {seed}")
    stamps = [first + i * HOUR for i in range(hours) if first + i * HOUR <= fetched]
    values = [None if dice.random() < 0.1 else round(dice.uniform(0, 20), 1) for _ in stamps]
    hourly = {"time": [f"{stamp:%Y-%m-%dT%H:%M}" for stamp in stamps], "temperature_2m": values}
    text = f"{fetched:%Y-%m-%d %H:%M:%S}"
    return Body("open_meteo", "archive", place, {"utc_offset_seconds": 0, "hourly": hourly}, text, mode)


def first_bodies() -> list[Body]:
    backfills = [body(place, BACKFILLED, "backfill", START, 11 * 24, 1) for place in "AB"]
    live = [body(place, FIRST_RUN - 15 * timedelta(minutes=1), "live", datetime(2024, 1, 11), 60, 2) for place in "AB"]
    return backfills + live


def late_bodies() -> list[Body]:
    revised = [
        body("A", SECOND_RUN, "live", datetime(2024, 1, 8), 40, 3),
        body("A", SECOND_RUN, "live", datetime(2024, 1, 13, 7), 24, 4),
    ]
    gap_filled = body("B", SECOND_RUN, "backfill", datetime(2024, 1, 5), 48, 5)
    newcomer = body("C", SECOND_RUN, "backfill", datetime(2024, 1, 9), 24 * 6, 6)
    return [*revised, gap_filled, newcomer]


def versions_of(bodies: list[Body]) -> dict[str, Versions]:
    """By series: each hour's values in the order of arrival, with the moment from which each was known."""
    known: dict[str, Versions] = {}
    for received in bodies:
        hours = known.setdefault(f"weather.{received.subject}.temperature_c", {})
        fetched = datetime.fromisoformat(received.fetched_at)
        hourly = received.body["hourly"]
        for stamp, value in zip(hourly["time"], hourly["temperature_2m"], strict=True):
            if value is None:
                continue
            held = hours.setdefault(datetime.fromisoformat(stamp), [])
            if not held:
                held.append((value, datetime.fromisoformat(stamp) if received.mode == "backfill" else fetched))
            elif held[-1][0] != value:
                held.append((value, fetched))
    return known


def history_at(hours: Versions, origin: datetime) -> list[float | None]:
    """The 168 hours up to the origin, newest first, as known within the origin's hour."""
    slots: list[float | None] = []
    for i in range(168):
        seen = [
            value
            for value, known_at in hours.get(origin - i * HOUR, [])
            if known_at.replace(minute=0, second=0) <= origin
        ]
        slots.append(seen[-1] if seen else None)
    return slots


@dataclass
class Built:
    warehouse: Scratch
    first_grid: list[tuple[Any, ...]]
    first_live: list[tuple[Any, ...]]
    second_grid: list[tuple[Any, ...]]
    rebuilt_grid: list[tuple[Any, ...]]

    @property
    def view(self) -> list[tuple[Any, ...]]:
        return self.warehouse.rows(
            "select series_id, origin_at, horizon_h, target_at, same_hour_d1, same_hour_d7, naive_day, target,"
            " target_known_at, local_target_at from marts.fct_forecast_features"
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    places = "".join(f"{p},Place {p},XX,1,2,Asia/Kolkata\n" for p in "ABC")
    wh = scratch(
        tmp_path_factory.mktemp("features"),
        places=places,
        series="".join(f"weather,{p},open_meteo,{p}\n" for p in "ABC"),
    )
    wh.env = {"SKYDUCK_THREADS": "1"}
    grid = f"select {COLUMNS} from marts.fct_origin_features order by series_id, origin_at"
    wh.receive(*first_bodies())
    wh.build(select=SELECT, tests=False, as_of=f"{FIRST_RUN:%Y-%m-%d %H:%M:%S}")
    first_grid, first_live = wh.rows(grid), wh.rows(f"select {COLUMNS} from marts.fct_live_origin_features")
    wh.receive(*late_bodies())
    wh.build(select=SELECT, tests=True, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
    second_grid = wh.rows(grid)
    wh.build("--full-refresh", select=SELECT, tests=False, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
    return Built(wh, first_grid, first_live, second_grid, wh.rows(grid))


def assert_history(rows: list[tuple[Any, ...]], known: dict[str, Versions]) -> None:
    for series_id, origin, history, last_value, staleness, *_ in rows:
        expected = history_at(known[series_id], origin)
        assert history == pytest.approx(expected, abs=1e-4), (series_id, origin)
        places = [i for i, value in enumerate(expected) if value is not None]
        assert staleness == (places[0] if places else None)
        assert last_value == pytest.approx(expected[places[0]] if places else None)


def test_every_origin_holds_what_was_known_then_and_nothing_else(built: Built) -> None:
    known = versions_of(first_bodies() + late_bodies())
    assert len(built.rebuilt_grid) > 250
    assert_history(built.rebuilt_grid, known)


def test_revised_hours_and_late_hours_are_among_the_cases(built: Built) -> None:
    known = versions_of(first_bodies() + late_bodies())
    assert sum(len(held) > 1 for hours in known.values() for held in hours.values()) > 30
    assert any(held[0][1] > stamp + HOUR for hours in known.values() for stamp, held in hours.items())


def test_an_incremental_run_leaves_the_same_rows_as_a_full_refresh(built: Built) -> None:
    assert len(built.first_grid) < len(built.second_grid)
    assert built.second_grid == built.rebuilt_grid


def test_the_runs_own_origin_between_two_steps_comes_from_the_same_rules(built: Built) -> None:
    assert {row[1] for row in built.first_live} == {FIRST_RUN.replace(minute=0)}
    assert sorted(row[0] for row in built.first_live) == ["weather.A.temperature_c", "weather.B.temperature_c"]
    assert_history(built.first_live, versions_of(first_bodies()))


def test_what_arrives_later_never_changes_an_origin_that_could_not_know_it(built: Built) -> None:
    """A's later bodies are live: known from their fetching, after each of its first origins."""
    before = [row for row in built.first_grid if row[0] == "weather.A.temperature_c"]
    after = {row[:2]: row for row in built.rebuilt_grid}
    assert before == [after[row[:2]] for row in before]
    assert (
        versions_of(first_bodies())["weather.A.temperature_c"]
        != versions_of(first_bodies() + late_bodies())["weather.A.temperature_c"]
    )


def test_means_are_those_of_the_known_hours(built: Built) -> None:
    names = [name.strip() for name in COLUMNS.split(",")]
    for row in built.rebuilt_grid[::17]:
        values = dict(zip(names, row, strict=True))
        for hours in (3, 24, 168):
            known = [x for x in values["history"][:hours] if x is not None]
            assert values[f"mean_{hours}"] == pytest.approx(sum(known) / len(known) if known else None, abs=1e-4)
        assert values["n_known_168"] == sum(x is not None for x in values["history"])


def test_a_same_hour_lag_is_the_value_of_that_hour_or_null_after_the_origin(built: Built) -> None:
    known = versions_of(first_bodies() + late_bodies())
    checked = 0
    for series_id, origin, horizon, target_at, day, week, naive_day, target, target_known_at, local in built.view[::41]:
        history = history_at(known[series_id], origin)
        assert target_at == origin + horizon * HOUR
        assert day == pytest.approx(history[24 - horizon] if horizon <= 24 else None)
        assert week == pytest.approx(history[168 - horizon])
        newest = history[24 - horizon] if horizon <= 24 else history[48 - horizon]
        if newest is not None:
            assert naive_day == pytest.approx(newest)
        held = known[series_id].get(target_at)
        assert target == (held[-1][0] if held else None)
        assert target_known_at == (max(at for _, at in held) if held else None)
        assert local == target_at + timedelta(hours=5, minutes=30)
        checked += target is not None
    assert checked > 50
