"""What is said of many series follows from the points that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import scaling


def test_a_line_goes_through_points_that_lie_on_one() -> None:
    assert scaling.at(scaling.line([20, 50, 200], [24.0, 30.0, 60.0]), 2_000) == pytest.approx(420)


def test_no_step_costs_less_than_nothing_however_its_points_lie() -> None:
    assert scaling.line([20, 200], [10.0, 190.0]) == (0.0, pytest.approx(0.95, abs=0.005))
    assert scaling.line([20, 200], [12.0, 10.0]) == (11.0, 0.0)


def test_one_point_makes_no_line() -> None:
    with pytest.raises(ValueError, match="two points"):
        scaling.line([20], [1.0])


def test_the_tables_are_made_of_the_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = {"seconds": 9.0, "peak_mib": 512}
    points = [
        {
            "n_series": n,
            "about": "2 cores",
            "file_mib": n,
            "steps": {key: {**cost, "cpu_seconds": 36.0 * n} for key in ("load", "total")},
        }
        for n in (10, 100)
    ]
    (tmp_path / "points.json").write_text(json.dumps(points), encoding="utf-8")
    monkeypatch.setattr(scaling, "POINTS", tmp_path / "points.json")
    scaling.main()
    said = capsys.readouterr().out
    assert "0.0 + 36,000" in said
    assert "10,000.00" in said, "CPU hours of a million series"
    assert "416.00" in said, "USD, two cores for 0.0832 an hour"
    assert "3,200,000" in said, "calls a day"
