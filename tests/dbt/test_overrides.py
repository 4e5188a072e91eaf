"""A person knows better, or does not: from the command line through real builds to a record of whether it helped."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import tables
from flows.cli import _code
from flows.run import Run
from ml.predict import PredictResult
from tests.dbt.conftest import Body, Scratch, scratch
from warehouse.settings import Settings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ORIGIN = datetime(2024, 3, 10, 6)
NOW = ORIGIN + timedelta(minutes=20)  # when a person looks at the forecast of 06:10
A, B = "weather.A.temperature_c", "weather.B.temperature_c"
RULES = (
    "rule_id,dataset,variable,direction,threshold,statistic,window_h,lead_h,cost_of_acting,loss_if_missed,unit,"
    "description,what_to_do\nwarm,weather,temperature_c,above,14,max,24,1,1,5,°C,Warm,Open windows\n"
)
OWN = "fct_current_forecasts fct_alerts fct_override_scores fct_overrides fct_silences"
NEXT_DAY = "+fct_observations dim_series fct_forecasts fct_forecast_scores fct_alert_scores " + OWN
KNOWN = "target_at, point, q05, q95, model_point, override_id, override_reason"
Say = Callable[..., Any]


def weather(place: str, fetched: datetime, first: datetime, values: list[float], mode: str = "live") -> Body:
    times = [f"{first + i * HOUR:%Y-%m-%dT%H:%M}" for i in range(len(values))]
    body = {"utc_offset_seconds": 0, "hourly": {"time": times, "temperature_2m": values}}
    return Body("open_meteo", "archive", place, body, f"{fetched:%Y-%m-%d %H:%M:%S}", mode)


def forecast(path: Path, run_id: str, origin: datetime, point: float) -> None:
    """Both series at `point`, within 4 of it; and an alert for each."""
    with duckdb.connect(str(path)) as con:
        con.execute(
            "insert into ml.forecasts select $1, 'v', 'weather', series_id, $2::timestamp, "
            "$2::timestamp + to_hours(h), h, $3, $3 - 4, $3 - 3, $3 - 2, $3, $3 + 2, $3 + 3, $3 + 4, 'champion', "
            "null, null, $2::timestamp + interval 10 minute "
            "from range(1, 49) as hours (h), unnest([$4, $5]) as s (series_id)",
            [run_id, origin, point, A, B],
        )
        con.execute(
            "insert into ml.alert_probabilities select $1, 'warm', event_hash, series_id, $2, $2 + interval 1 hour, "
            "$2 + interval 25 hour, 0.9, 0.2, 0.2, true, 'climatology', 'v', null, $2 + interval 10 minute "
            "from marts.dim_alert_rules, unnest([$3, $4]) as s (series_id)",
            [run_id, origin, A, B],
        )


def build(wh: Scratch, as_of: datetime, select: str, *, tests: bool = False) -> None:
    wh.build(select=select, tests=tests, as_of=f"{as_of:%Y-%m-%d %H:%M:%S}")


@dataclass
class Story:
    wh: Scratch
    say: Say
    original: list[tuple[Any, ...]]
    override: dict[str, Any]
    worse: dict[str, Any]
    silence: dict[str, Any]


@pytest.fixture(scope="module")
def say() -> Iterator[Say]:
    """say(root, "override list --json", at=…): what the command printed, parsed where it was asked for --json."""
    capture = pytest.MonkeyPatch()

    def said(root: Path, line: str, *, at: datetime, code: int = 0) -> Any:
        out, err = io.StringIO(), io.StringIO()
        capture.setenv("SKYDUCK_DATA_DIR", str(root))
        capture.setenv("SKYDUCK_SEEDS_DIR", str(root / "warehouse" / "seeds"))
        capture.setenv("COLUMNS", "400")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            found = _code([*shlex.split(line), "--as-of", at.isoformat()])
        assert found == code, err.getvalue()
        assert "Traceback" not in err.getvalue()
        if code:
            return err.getvalue()
        return json.loads(out.getvalue()) if "--json" in line else out.getvalue()

    yield said
    capture.undo()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, say: Say) -> Story:
    """The forecast says 10 for both. A person sets A to 16 from 09 to 12, cools B by 4 and silences B's alert.

    Both come to 15.0 and 15.5 in turn.
    """
    root = tmp_path_factory.mktemp("overrides")
    wh = scratch(
        root / "warehouse",
        places="A,Place A,XX,1,2,UTC\nB,Place B,XX,3,4,UTC\n",
        series="weather,A,open_meteo,A\nweather,B,open_meteo,B\n",
    )
    (wh.seeds / "alert_rules.csv").write_text(RULES, encoding="utf-8")
    start = ORIGIN - 12 * DAY
    wh.receive(*(weather(p, ORIGIN, start, [float(i % 24) for i in range(12 * 24)], "backfill") for p in "AB"))

    build(wh, ORIGIN, "+fct_observations dim_series +dim_alert_rules prices stg_ledger__loads")
    forecast(wh.path, "run-1", ORIGIN, 10.0)
    build(wh, ORIGIN + timedelta(minutes=10), "source:ml+")
    original = wh.rows("select * from marts.fct_forecasts order by series_id, target_at")

    def window(first: int, last: int) -> str:
        return f"--from {ORIGIN + first * HOUR:%Y-%m-%dT%H:%M} --to {ORIGIN + last * HOUR:%Y-%m-%dT%H:%M}"

    made = f'override add {A} {window(3, 6)} --set 16 --reason "heat from the south" --actor ada --json'
    override = say(root, made, at=NOW)
    worse = say(root, f"override add {B} {window(-3, 48)} --add -4 --reason guess --actor bob --json", at=NOW)
    hush = f"alerts silence warm --series {B} {window(0, 72)} --reason known --actor bob --json"
    silence = say(root, hush, at=NOW)
    return Story(wh, lambda *a, **k: say(root, *a, **k), original, override, worse, silence)


@pytest.fixture(scope="module")
def shown(story: Story) -> list[tuple[Any, ...]]:
    """The current forecasts after the next build, five minutes later."""
    build(story.wh, NOW + timedelta(minutes=5), "fct_forecasts " + OWN)
    return story.wh.rows(f"select {KNOWN} from marts.fct_current_forecasts where series_id = '{A}' order by 1")


def test_readers_see_the_override_and_what_the_model_said(story: Story, shown: list[tuple[Any, ...]]) -> None:
    hours = {row[0]: row[1:] for row in shown}
    assert len(hours) == 48
    mine = {ORIGIN + h * HOUR for h in (3, 4, 5)}
    name = story.override["override_id"]
    assert {hours[hour] for hour in mine} == {(16.0, 12.0, 20.0, 10.0, name, "heat from the south")}
    assert {hours[hour] for hour in hours.keys() - mine} == {(10.0, 6.0, 14.0, 10.0, None, None)}


def test_the_summary_of_a_run_says_what_readers_see_otherwise(story: Story, shown: list[tuple[Any, ...]]) -> None:
    run = Run(Settings(data_dir=story.wh.root.parent), "daily", NOW, "run-1", lambda _: None)
    run.predicted = PredictResult(ORIGIN)
    assert str(tables.overridden(run)).startswith(f"This is what the models say; 50 hours of {A}, {B} are overridden")
    assert tables.overridden(replace(run, run_id="run-0")) is None


def test_an_hour_that_had_come_when_it_was_overridden_stays(story: Story, shown: list[tuple[Any, ...]]) -> None:
    rows = story.wh.rows(f"select min(target_at), count(*) from staging.int_override_hours where series_id = '{B}'")
    assert rows == [(ORIGIN + HOUR, 47)], "06:00 came before 06:20, and the window's end is no part of it"


def test_the_original_forecast_is_untouched(story: Story, shown: list[tuple[Any, ...]]) -> None:
    assert story.wh.rows("select * from marts.fct_forecasts order by series_id, target_at") == story.original


def test_a_silenced_alert_stays_an_alert_and_is_not_shouted(story: Story, shown: list[tuple[Any, ...]]) -> None:
    rows = story.wh.rows("select series_id, is_alert, is_silenced, silence_reason from marts.fct_alerts order by all")
    assert rows == [(A, True, False, None), (B, True, True, "known")]
    told = story.say("alerts list --json", at=NOW)["probabilities"]
    assert {(row["series_id"], row["is_alert"], row["silence_id"]) for row in told} == {
        (A, True, None), (B, True, story.silence["silence_id"]),
    }  # fmt: skip
    lines = story.say("alerts list", at=NOW).splitlines()
    (quiet,) = [line for line in lines if "Place B" in line]
    assert "silenced" in quiet
    assert "ALERT" not in quiet
    assert f"known ({story.silence['silence_id'][-6:]})" in quiet


@pytest.fixture(scope="module")
def scored(story: Story, shown: list[tuple[Any, ...]]) -> Story:
    """The next day: two more runs, the truth has come, the override of B was cancelled in the evening."""
    wh = story.wh
    forecast(wh.path, "run-2", ORIGIN + 4 * HOUR, 11.0)
    name = story.worse["override_id"].rsplit("-", 1)[1]
    story.say(f"override cancel {name} --reason 'was a guess' --actor ada", at=ORIGIN + 14 * HOUR)
    forecast(wh.path, "run-3", ORIGIN + DAY, 12.0)
    later = ORIGIN + 3 * DAY
    wh.receive(*(weather(place, later, ORIGIN - DAY, [15.0, 15.5] * 48) for place in "AB"))
    build(wh, later, NEXT_DAY, tests=True)
    return story


def test_both_are_scored_by_what_stood_when_the_hour_came(scored: Story) -> None:
    rows = scored.wh.rows(
        "select target_at, run_id, abs_error_original, abs_error_overridden, is_published "
        f"from marts.fct_override_scores where series_id = '{A}' order by 1"
    )
    assert rows == [
        (ORIGIN + 3 * HOUR, "run-1", 5.5, 0.5, False),
        (ORIGIN + 4 * HOUR, "run-1", 5.0, 1.0, False),
        (ORIGIN + 5 * HOUR, "run-2", 4.5, 0.5, True),
    ]
    cancelled = scored.wh.rows(f"select max(target_at) from marts.fct_override_scores where series_id = '{B}'")
    assert cancelled == [(ORIGIN + 13 * HOUR,)]


def test_the_record_says_who_was_right(scored: Story) -> None:
    at = ORIGIN + 3 * DAY
    worse, better = scored.say("override list --json", at=at)
    assert (better["override_id"], better["helped"], better["state"]) == (scored.override["override_id"], True, "over")
    assert (better["mae_original"], better["mae_overridden"]) == (5.0, pytest.approx(2 / 3))
    assert (better["n_hours"], better["n_hours_scored"], better["n_hours_published"]) == (3, 3, 1)
    assert (worse["helped"], worse["state"], worse["cancel_reason"]) == (False, "cancelled", "was a guess")
    assert worse["gain"] == pytest.approx(-4.0)
    table = scored.say("override list", at=at)
    assert [line.split()[-4] for line in table.splitlines() if "weather." in line] == ["no", "yes"]
    before = scored.say("override list --json", at=NOW)
    assert [(row["state"], row["helped"]) for row in before] == [("in force", None), ("ahead", None)], (
        "a look back knows no score"
    )


def test_the_silence_that_missed_an_event_has_cost_more_than_it_saved(scored: Story) -> None:
    """All three windows began after it was made, and each saw the event."""
    (row,) = scored.say("alerts silences --json", at=ORIGIN + 3 * DAY)
    assert (row["n_windows"], row["n_alerts"], row["n_events_missed"], row["helped"]) == (3, 3, 3, False)
    assert (row["cost_as_alerted"], row["cost_silenced"], row["cost_saved"]) == (3, 15, -12)
    assert "known" in scored.say("alerts silences", at=ORIGIN + 3 * DAY)


def test_a_second_build_leaves_the_same(scored: Story) -> None:
    names = ("marts.fct_overrides", "marts.fct_override_scores", "marts.fct_silences", "marts.fct_current_forecasts")
    before = scored.wh.hashes(*names)
    build(scored.wh, ORIGIN + 3 * DAY, OWN)
    assert scored.wh.hashes(*names) == before
    assert scored.wh.rows("select count(*) from marts.fct_overrides") == [(2,)]


def test_in_a_replay_of_a_moment_before_it_an_override_does_not_exist(scored: Story) -> None:
    build(scored.wh, NOW - timedelta(minutes=1), OWN)
    assert scored.wh.rows("select count(*) from marts.fct_overrides") == [(0,)]
    assert scored.wh.rows("select count(*) from marts.fct_override_scores") == [(0,)]
