"""Drift where something changed, and none where nothing but the weather and the season did."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from ml.forecaster import Floats
from ml.monitor.drift import Judged, distance, judge
from ml.monitor.params import DriftParams, check_monitoring
from ml.monitor.watch import Column, Verdict, verdicts
from warehouse.errors import BadInput

START = datetime(2023, 1, 1)
TWO_YEARS = 800 * 24


def weather(seed: int, n: int = TWO_YEARS, *, first: int = 0) -> Floats:
    """Hours of something like a temperature: season, day, weather that lasts for days, noise."""
    rng = np.random.default_rng(seed)
    hour = first + np.arange(n)
    lasting = lfilter([1], [1, -0.98], rng.normal(0, 0.5, n))
    season, day = -8 * np.cos(2 * np.pi * hour / 8766), -3 * np.cos(2 * np.pi * hour / 24)
    return np.asarray(12 + season + day + lasting + rng.normal(0, 0.3, n))


def column(values: Floats, kind: str = "target", name: str = "weather.A.temperature_c") -> Column:
    return Column(name.split(".")[0], name, kind, START, values)


def told(*columns: Column) -> list[Verdict]:
    end = max(each.last_at for each in columns)
    return [verdict for verdict in verdicts(list(columns), end) if verdict.is_drift]


def changed(change: str, hours: int = 40) -> Floats:
    """The newest hours as a fault leaves them."""
    values = weather(3)
    new = values[-hours:]
    spread = float(np.std(values[-2000:]))
    values[-hours:] = {
        "mean": new + 3 * spread,
        "variance": new.mean() + 3 * (new - new.mean()),
        "unit": new * 1.8 + 32,
        "stuck": np.full(hours, values[-hours - 1]),
    }[change]
    return values


def test_where_nothing_changed_there_is_no_alarm_in_95_of_100_runs():
    alarms = 0
    for seed in range(100):
        one, other = weather(seed), weather(seed + 1000)
        other[np.random.default_rng(seed).random(len(other)) < 0.05] = np.nan
        alarms += bool(told(column(one), column(other, "feature", "weather.A.wind_kmh")))
    assert alarms <= 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("mean", "above the reference"),
        ("variance", "times as much from hour to hour"),
        ("unit", "above the reference"),
        ("stuck", "stands still"),
    ],
)
def test_a_fault_is_found_within_two_days_and_named(change, said):
    found = told(column(changed(change)), *(column(weather(seed), "feature", f"weather.{seed}.x") for seed in range(8)))
    assert {verdict.column.series_id for verdict in found} == {"weather.A.temperature_c"}
    assert any(said in str(verdict.what) for verdict in found)


@pytest.mark.parametrize("days", [170, 200, 300, 350])
def test_a_new_season_is_no_drift(days):
    """Less than a year is known: the spring was never seen before, and the weeks before it were colder."""
    assert not told(column(weather(8, days * 24)), column(weather(9, days * 24), "feature", "weather.A.wind_kmh"))


def test_the_reference_is_the_season_of_earlier_years_where_they_are_known():
    long, short = judge(weather(1), 48), judge(weather(1, 200 * 24), 48)
    assert isinstance(long, Judged)
    assert isinstance(short, Judged)
    assert (long.kind, short.kind) == ("season", "weeks before")
    assert long.n_current == short.n_current == 48
    assert long.n_reference == 2 * 28 * 24, "of two earlier years"


def test_what_is_judged_is_no_part_of_its_own_reference():
    values, marked = weather(4), weather(4)
    marked[-48:] = 1e6
    before, after = judge(values, 48), judge(marked, 48)
    assert isinstance(before, Judged)
    assert isinstance(after, Judged)
    np.testing.assert_array_equal(before.reference, after.reference)
    assert (before.usual, before.n_past) == (after.usual, after.n_past)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_distance_is_that_of_evidently():
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    rng = np.random.default_rng(0)
    reference, current = rng.normal(3, 2, 500), rng.normal(4, 3, 300)
    frames = [
        Dataset.from_pandas(pd.DataFrame({"x": values}), data_definition=DataDefinition(numerical_columns=["x"]))
        for values in (current, reference)
    ]
    (metric,) = Report([ValueDrift(column="x", method="wasserstein")]).run(*frames).dict()["metrics"]
    assert distance(reference, current) == pytest.approx(float(metric["value"]), rel=1e-9)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(1000, np.nan), "too few hours known"),
        (weather(1, 24), "too few hours known"),
        (weather(1, 35 * 24), "earlier windows to compare with, 6 needed"),
    ],
)
def test_what_cannot_be_judged_says_why(values, said):
    assert said in str(judge(values, 48))


def test_a_constant_series_that_stays_constant_is_no_drift():
    assert not told(column(np.full(TWO_YEARS, 7.0)))


def test_a_silent_column_is_stale_and_not_judged():
    (verdict,) = verdicts([column(weather(1))], START + timedelta(days=900))
    assert (verdict.judged, verdict.is_drift) == (None, False)
    assert "nothing known for 100 days" in str(verdict.why_not)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("before_days: 0", "before_days"),
        ("season_days: 0", "season_days"),
        ("windows_h: []", "windows_h must hold lengths from 24 to 672 hours"),
        ("windows_h: [48, 673]", "the shorter of season_days and before_days, not [48, 673]"),
        ("false_discovery_rate: 0", "false_discovery_rate"),
        ("refrence_days: 3", "refrence_days"),
    ],
)
def test_a_reference_that_is_empty_or_not_longer_than_its_window_is_refused_in_one_line(tmp_path, block, said):
    path = tmp_path / "params.yaml"
    path.write_text(f"defaults: {{}}\ndrift: {{{block}}}\n")
    with pytest.raises(BadInput, match=r"^params.yaml, drift: ") as refused:
        check_monitoring(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("reference", [np.array([]), None])
def test_a_window_is_never_compared_with_itself_nor_with_nothing(reference):
    window = weather(1, 48)
    with pytest.raises(BadInput, match="the reference of drift is"):
        distance(window if reference is None else reference, window)


@pytest.mark.parametrize("window_h", [24, 48, 336])
def test_the_hours_of_a_reference_all_lie_outside_its_window(window_h):
    """Each hour has a value of its own, so a shared one would be seen."""
    for values in (np.arange(TWO_YEARS, dtype=float), np.arange(200 * 24, dtype=float)):
        found = judge(values, window_h)
        assert isinstance(found, Judged)
        assert not set(found.reference) & set(found.current)


def test_the_block_of_params_yaml_decides_what_is_judged():
    params = DriftParams(windows_h=(24,), false_discovery_rate=0.2)
    found = verdicts([column(weather(1))], START + timedelta(hours=TWO_YEARS), params)
    assert {verdict.window_h for verdict in found if verdict.aspect == "level"} == {24}
    assert {verdict.aspect: verdict.rate for verdict in found if verdict.judged} == {
        "level": 0.2, "change": pytest.approx(0.04)
    }  # fmt: skip
    assert {verdict.why_not for verdict in found if not verdict.judged} == {"values below zero have no scale"}
