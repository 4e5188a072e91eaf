from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from warehouse import ledger, raw
from warehouse.connection import connect
from warehouse.raw import Answer, Load, Payload
from warehouse.settings import Settings

NOW = datetime(2026, 11, 20, 6, 10)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = datetime(2026, 11, 20)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[raw.Connection]:
    with connect(Settings(_env_file=None, data_dir=tmp_path)) as opened:
        yield opened


def payload(sha: str = "a", body: str | None = '{"a":1}', **fields: Any) -> Payload:
    made = Payload(
        "run", "open_meteo", "archive", "SG", TODAY, TODAY + DAY, NOW, "live", "ok", None, sha, body, None, 7
    )
    return replace(made, **fields)


def line(start: datetime = TODAY, days: int = 1, **fields: Any) -> Load:
    made = Load(
        "run", "open_meteo", "archive", "SG", start, start + days * DAY, NOW, "ok", None, 24, 24, None, 200, 1.0, 0.1
    )
    return replace(made, **fields)


def states(con: raw.Connection, now: datetime = NOW) -> dict[tuple[str, datetime], ledger.DayState]:
    return ledger.day_states(con, "open_meteo", "archive", now=now, start=TODAY - 30 * DAY, end=TODAY + DAY)


def test_numbers_rise_by_one_over_batches(con: raw.Connection):
    for sha in ("a", "b"):
        raw.append(con, [Answer(payload(sha, subject=s), (line(subject=s),)) for s in ("SG", "LON")])
    assert con.execute("select payload_seq, subject from raw.payloads order by 1").fetchall() == [
        (1, "SG"), (2, "LON"), (3, "SG"), (4, "LON"),
    ]  # fmt: skip


def test_a_body_like_the_newest_of_its_window_is_not_stored_again_but_one_like_an_older_is(con: raw.Connection):
    at = [NOW + n * HOUR for n in range(4)]
    flags = [
        raw.append(con, [Answer(payload(sha), (line(attempted_at=when),))])
        for sha, when in zip(("a", "a", "b", "a"), at, strict=True)
    ]
    assert flags == [[True], [False], [True], [True]]
    assert con.execute("select sha256 from raw.payloads order by payload_seq").fetchall() == [("a",), ("b",), ("a",)]
    assert con.execute("select is_new_body from raw.loads").fetchall() == [(True,), (False,), (True,), (True,)]


def test_what_was_committed_and_is_said_again_changes_nothing(con: raw.Connection):
    """A commit may be durable without its caller ever hearing of it."""
    answers = [Answer(payload(subject=s), (line(subject=s),)) for s in ("SG", "LON")]
    raw.append(con, answers)
    before = [con.execute(f"from raw.{table} order by all").fetchall() for table in ("payloads", "loads")]
    assert raw.append(con, answers) == [False, False]
    assert [con.execute(f"from raw.{table} order by all").fetchall() for table in ("payloads", "loads")] == before


def test_the_same_body_twice_in_one_batch_is_stored_once(con: raw.Connection):
    assert raw.append(con, [Answer(payload(), ()), Answer(payload(), ())]) == [True, False]


def test_text_that_is_no_json_is_kept_as_text_and_does_not_fail_its_batch(con: raw.Connection):
    odd = '{"a": "\\ud800"}'
    raw.append(con, [Answer(payload("a", odd), ()), Answer(payload("b", None, body_text="<html>", subject="LON"), ())])
    assert con.execute("select body, body_text from raw.payloads order by payload_seq").fetchall() == [
        (None, odd), (None, "<html>"),
    ]  # fmt: skip


def test_bodies_and_lines_are_committed_together_or_not_at_all(con: raw.Connection):
    broken = replace(line(), n_expected=2**40)
    with pytest.raises(Exception, match="int"):
        raw.append(con, [Answer(payload(), (line(), broken))])
    assert con.execute("select (select count(*) from raw.payloads), (select count(*) from raw.loads)").fetchall() == [
        (0, 0)
    ]
    raw.append(con, [Answer(payload(), (line(),))])


def test_hostile_text_is_only_text(con: raw.Connection):
    evil = "'); drop table raw.payloads; --"
    raw.append(con, [Answer(payload(subject=evil, reason=evil, body=f'{{"a":"{evil}"}}'), (line(subject=evil),))])
    assert con.execute("select subject, reason from raw.payloads").fetchall() == [(evil, evil)]
    assert ledger.first_attempts(con, "open_meteo", "archive", now=NOW) == {evil: NOW}


def test_a_day_is_complete_once_all_its_hours_came_after_it_had_ended(con: raw.Connection):
    raw.append(
        con, [Answer(None, (line(TODAY - 3 * DAY, 2, n_expected=48, n_present=48), line(TODAY - DAY, n_present=20)))]
    )
    found = states(con)
    assert {day: s.is_complete for (_, day), s in found.items()} == {
        TODAY - 3 * DAY: True, TODAY - 2 * DAY: True, TODAY - DAY: False,
    }  # fmt: skip


def test_hours_that_came_while_the_day_ran_do_not_complete_it(con: raw.Connection):
    raw.append(con, [Answer(None, (line(TODAY, n_expected=7, n_present=7),))])
    assert states(con, NOW + 2 * DAY) == {("SG", TODAY): ledger.DayState(NOW, False)}


def test_a_line_marked_incomplete_completes_nothing(con: raw.Connection):
    raw.append(con, [Answer(None, (line(TODAY - DAY, reason="incomplete: missing variable x"),))])
    assert not states(con)["SG", TODAY - DAY].is_complete


def test_a_failed_attempt_neither_answers_a_day_nor_undoes_it(con: raw.Connection):
    raw.append(con, [Answer(None, (line(TODAY - 2 * DAY, status="failed", n_present=0), line(TODAY - DAY)))])
    later = NOW + HOUR
    raw.append(con, [Answer(None, (line(TODAY - DAY, status="rejected", n_present=0, attempted_at=later),))])
    assert states(con, later) == {("SG", TODAY - DAY): ledger.DayState(NOW, True)}


def test_later_attempts_are_not_seen_by_a_run_as_of_an_earlier_time(con: raw.Connection):
    raw.append(con, [Answer(payload(fetched_at=NOW), (line(TODAY - DAY, weight=3.0),))])
    early = NOW - HOUR
    assert states(con, early) == {}
    assert ledger.first_attempts(con, "open_meteo", "archive", now=early) == {}
    assert ledger.stable_fields(con, "open_meteo", "archive", {"a": "$.a"}, now=early) == {}
    assert ledger.weight_used(con, "open_meteo", now=early, within=DAY) == []
    assert ledger.weight_used(con, "open_meteo", now=NOW + HOUR, within=DAY) == [(NOW, 3.0)]


def test_fields_of_the_newest_accepted_body_are_read_by_their_paths(con: raw.Connection):
    for n, status in enumerate(["ok", "ok", "rejected"]):
        body = f'{{"lat":{n}.5,"types":[{{"name":"x{n}"}},{{"name":"y"}}]}}'
        raw.append(con, [Answer(payload(str(n), body, status=status), ())])
    paths = {"lat": "$.lat", "types": "$.types[*].name", "none": "$.none"}
    assert ledger.stable_fields(con, "open_meteo", "archive", paths, now=NOW) == {
        "SG": {"lat": 1.5, "types": ["x1", "y"], "none": None}
    }
