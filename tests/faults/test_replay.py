"""Days of the recordings replayed by the product's own daily run: what goes wrong is found, and then is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.browser import chromium, served
from bench.replay import record
from bench.replay.command import folder, run
from bench.replay.faults import FEW_DAYS, HALF_YEAR
from bench.replay.found import Findings, judge
from bench.replay.tables import verdicts
from bench.scratch import RECORDINGS, scratch
from tests.dashboard.walking import walk

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside the project")


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_few_days_replayed_find_bad_values_and_a_missed_day_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scratch("replay"):
        run(FEW_DAYS, tmp_path, ("faults",))
    told = record.of(tmp_path / "faults")
    assert [done.error for done in told.days.values()] == [None] * len(FEW_DAYS.days)
    findings = judge(FEW_DAYS, told)
    assert [(each.fault.kind, each.by, each.runs) for each in findings.findings] == [
        ("impossible", "quarantine:sgpm.east.pm2_5_ugm3", 1),
        ("missed day", "watchdog", 1),
    ]
    assert str(findings.findings[0].over) == "2019-07-05", "two days after the last bad value"
    assert findings.false_alarms == []
    assert [event.action for event in told.events][:1] == ["promote"]
    page = (tmp_path / "replay.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "quarantine:sgpm.east.pm2_5_ugm3" in page
    assert "Found within 2 daily runs: 2 of 2" in capsys.readouterr().out
    with served(tmp_path / "faults" / "data") as address, chromium() as browser:
        walk(address, browser, "dark", "recordings")  # five days of real data, scored, with alarms


@pytest.fixture(scope="module")
def half_year() -> Findings:
    """Goes on where an earlier one was stopped: its worlds stay in .data/replay."""
    with scratch("replay"):
        run(HALF_YEAR, folder(), ("faults", "clean"))
    return judge(HALF_YEAR, record.of(folder() / "faults"), record.of(folder() / "clean"))


@pytest.mark.soak
@pytest.mark.timeout(10 * 3600)
def test_half_a_year_with_a_fault_of_each_kind(half_year: Findings) -> None:
    told = "\n".join(verdicts(half_year))
    assert [each.fault.kind for each in half_year.findings] == [fault.kind for fault in HALF_YEAR.faults]
    assert [each.fault.name for each in half_year.findings if each.runs is None or each.runs > 2] == [], told
    assert half_year.per_100_days <= 2, told
    assert [each.fault.name for each in half_year.findings if (each.worse or 0) > 0.05] == [], told
