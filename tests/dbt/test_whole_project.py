"""`dbt build` of everything, unit tests included, on a warehouse that has just been created."""

from __future__ import annotations

import re

import pytest

from tests.dbt.conftest import Body, Scratch, scratch


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    wh: Scratch = scratch(
        tmp_path_factory.mktemp("whole"), places="A,Place A,XX,1,2,UTC\n", series="weather,A,open_meteo,A\n"
    )
    hours = [f"2024-01-{day:02d}T{hour:02d}:00" for day in (1, 2) for hour in range(24)]
    hourly = {"time": hours, "temperature_2m": [float(i % 24) for i in range(48)]}
    body = {"utc_offset_seconds": 0, "hourly": hourly}
    wh.receive(Body("open_meteo", "archive", "A", body, "2024-01-03 06:10:00", "backfill"))
    return wh.dbt("build", as_of="2024-01-03 06:10:00")


def test_every_model_test_and_unit_test_passes_on_a_new_warehouse(output: str) -> None:
    counts = re.search(r"PASS=(\d+) WARN=(\d+) ERROR=(\d+) SKIP=(\d+)", output)
    assert counts is not None
    passed, warned, failed, skipped = map(int, counts.groups())
    assert passed > 100
    assert (warned, failed, skipped) == (0, 0, 0)


def test_the_calculations_that_could_be_wrong_have_unit_tests(output: str) -> None:
    found = re.search(r"(\d+) unit tests", output)
    assert found is not None
    assert int(found[1]) >= 20
