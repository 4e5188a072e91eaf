"""The judging of a replay: what belongs to a fault, how soon it was found, and what was raised for nothing."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from bench.replay import recordings
from bench.replay.days import Done
from bench.replay.faults import CHANGES, FOUND_BY, HALF_YEAR, TOLD, Fault, Plan
from bench.replay.found import judge
from bench.replay.record import Event, Record, Spell, spells
from flows.recorded import read_text

FIRST = date(2019, 7, 1)
EAST, WEST = "sgpm.east.pm2_5_ugm3", "sgpm.west.pm2_5_ugm3"


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def record(*found: Spell, events: tuple[Event, ...] = (), missed: tuple[int, ...] = (), error: float = 4.0) -> Record:
    days = {day(n): Done(str(day(n)), 1.0, None, [], int(n in missed)) for n in range(60)}
    errors = {(day(n), name): (error * 24, 24) for n in range(60) for name in (EAST, WEST)}
    return Record(days, list(found), list(events), errors)


def plan(*faults: Fault, episode: tuple[date, date] | None = None) -> Plan:
    return Plan(FIRST, day(60), faults, episode)


def test_a_fault_is_found_by_the_first_alarm_of_its_series_and_the_runs_are_counted():
    fault = Fault("unit", day(10), day(12), "east")
    alarms = [
        Spell(f"drift:{WEST} (target)", "data drift", "", day(10), day(11)),
        Spell(f"drift:{EAST} (target)", "data drift", "", day(12), day(14)),
    ]
    told = judge(plan(fault), record(*alarms, missed=(11,)))
    (found,) = told.findings
    assert (found.by, found.runs, found.over) == (f"drift:{EAST} (target)", 2, day(14))
    assert [spell.alarm_id for spell in told.false_alarms] == [f"drift:{WEST} (target)"]


def test_an_alarm_that_was_open_before_the_fault_does_not_find_it():
    fault = Fault("unit", day(10), day(12), "east")
    told = judge(plan(fault), record(Spell(f"drift:{EAST} (target)", "data drift", "", day(9))))
    assert told.findings[0].runs is None
    assert told.per_100_days == pytest.approx(100 / 60)


def test_alarms_of_an_episode_and_its_two_weeks_after_are_no_false_alarms_and_its_days_do_not_count():
    alarms = [Spell("model_drift:sgpm:error", "model drift", "", day(n)) for n in (20, 36, 37)]
    told = judge(plan(episode=(day(20), day(22))), record(*alarms))
    assert [spell.raised for spell in told.false_alarms] == [day(37)]
    assert told.n_days == 60 - 17


def test_what_a_neighbour_forecasts_belongs_to_the_fault_and_what_it_measures_does_not():
    fault = Fault("shift", day(10), day(12), "east")
    alarms = [Spell(f"drift:{WEST} ({kind})", "data drift", "", day(15)) for kind in ("prediction", "target")]
    assert [spell.alarm_id for spell in judge(plan(fault), record(*alarms)).false_alarms] == [f"drift:{WEST} (target)"]


def test_a_missed_day_is_found_by_the_watchdog_and_a_bad_champion_by_a_rollback():
    faults = Fault("missed day", day(5), day(5)), Fault("bad champion", day(20), day(20))
    event = Event(day(22), "rollback", "policy", "worse than what was there before")
    ours = Event(day(20), "promote", "replay", "a mistake")
    found = judge(plan(*faults), record(events=(ours, event), missed=(5,))).findings
    assert [(each.by, each.runs) for each in found] == [("watchdog", 1), ("rollback by policy", 2)]


def test_the_error_after_is_that_of_the_replay_without_faults_on_the_same_days():
    fault = Fault("unit", day(10), day(12), "east")
    found = judge(plan(fault), record(error=4.2), record(error=4.0)).findings[0]
    assert (found.before, found.after) == (pytest.approx(4.0), pytest.approx(4.2))
    assert found.worse == pytest.approx(0.05)


def test_raised_and_recovered_rows_become_spells():
    at = [datetime(2019, 7, n, 6, 10) for n in (1, 2, 3)]
    rows = [
        {"alarm_id": "x", "kind": "gap", "what": "silent", "state": state, "created_at": when}
        for state, when in zip(("raised", "recovered", "raised"), at, strict=True)
    ]
    assert [(each.raised.day, each.recovered and each.recovered.day) for each in spells(rows)] == [(1, 2), (3, None)]


def test_every_kind_of_fault_is_in_the_half_year_once_and_says_what_finds_it():
    kinds = [fault.kind for fault in HALF_YEAR.faults]
    assert sorted(kinds) == sorted(FOUND_BY) == sorted(TOLD)
    assert set(CHANGES) <= set(kinds)


def month(path: Path, hours: list[float | None], days: tuple[int, ...] = (1, 2, 3)) -> Path:
    path.mkdir(parents=True)
    lines = []
    for n in days:
        items = [
            {"timestamp": f"2019-07-0{n}T{hour:02d}:00:00+08:00", "readings": {"pm25_one_hourly": {"east": value}}}
            for hour, value in enumerate(hours)
        ]
        lines.append(json.dumps({"date": f"2019-07-0{n}", "body": {"data": {"items": items[::-1]}}}))
    (path / "2019-07.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("unit", [0.01, 0.02, None, 0.03]),
        ("stuck", [30.0, 30.0, 30.0, 30.0]),
        ("shift", [35, 45, None, 55]),
        ("spread", [0.0, 20.0, None, 50.0]),
        ("missing", [None, None, None, None]),
        ("impossible", [-50.0, 9999.0, None, 9999.0]),
    ],
)
def test_the_recordings_tell_the_fault_in_its_region_on_its_days_and_nowhere_else(kind, told, tmp_path):
    source = tmp_path / "source"
    month(source / recordings.MONTHS, [10, 20, None, 30])
    fault = Fault(kind, date(2019, 7, 2), date(2019, 7, 2), "east")
    recordings.write(source, tmp_path / "copy", (fault,))
    text = read_text(tmp_path / "copy" / recordings.MONTHS / "2019-07.jsonl.gz")
    days = [json.loads(line) for line in text.splitlines()]
    values = [
        [item["readings"]["pm25_one_hourly"]["east"] for item in reversed(each["body"]["data"]["items"])]
        for each in days
    ]
    assert values == [[10, 20, None, 30], told, [10, 20, None, 30]]
