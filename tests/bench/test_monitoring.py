"""What the measurement of monitoring stands on: recorded columns, breaks in them, and the verdicts of a run."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from bench import calibration
from bench.recorded import columns, until
from bench.scratch import RECORDINGS
from ml.monitor.watch import Column

START = datetime(2019, 1, 1)


def column(name: str = "A", n: int = 200 * 24) -> Column:
    hour = np.arange(n)
    values = 20 + 5 * np.sin(2 * np.pi * hour / 24) + np.random.default_rng(len(name)).normal(0, 1, n)
    return Column("weather", f"weather.{name}", "target", START, values)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside the project")
def test_every_dataset_that_was_recorded_is_read_hour_by_hour():
    found = columns(RECORDINGS)
    assert sorted(found) == ["air", "carbon", "sgpm", "weather"]
    assert [len(found[name]) for name in ("sgpm", "weather")] == [5, 8]
    north = next(each for each in found["sgpm"] if each.series_id.endswith("north"))
    assert north.values[int((datetime(2019, 7, 1, 15) - north.first_at).total_seconds() // 3600)] == 12.0
    assert all((each.values[np.isfinite(each.values)] >= 0).all() for each in found["air"])


def test_a_column_ends_where_it_is_known_last():
    whole = column()
    whole.values[95:100] = np.nan
    cut = until(whole, 100)
    assert cut is not None
    assert len(cut.values) == 95
    broken = until(whole, 100, 10, np.full(10, 7.0))
    assert broken is not None
    assert broken.values[90:].tolist() == [7.0] * 10
    assert whole.values[90] != 7.0, "the recording itself stays"


def test_a_break_is_found_in_its_own_series_on_a_day_that_is_calm_without_it(monkeypatch):
    series = [column(name) for name in ("A", "BB", "CCC")]
    hour = 180 * 24
    assert not any(verdict.is_drift for verdict in calibration.judged(series, hour))
    assert calibration._hit(series, series[0], hour, 40, calibration.BREAKS["unit"])
    assert not calibration._hit(series, series[0], hour, 40, lambda hours, *_: hours)
