"""What pages are made of: who is signed in, what a decision answers, how times and versions are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard import charts, decide, words
from dashboard.sign_in import email_of
from warehouse.settings import load_settings

NOW = datetime(2026, 11, 21, 6)
LATER = (NOW + timedelta(hours=1)).replace(tzinfo=UTC).timestamp()
EARLIER = (NOW - timedelta(seconds=1)).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "Ada@Example.org ", "exp": LATER}, "ada@example.org"),
        ({"email": "ada@example.org", "exp": EARLIER}, None),
        ({"email": "ada@example.org"}, None),
        ({"email": "ada@example.org", "exp": LATER, "email_verified": False}, None),
        ({"exp": LATER}, None),
    ],
)
def test_a_sign_in_counts_while_its_token_is_valid(claims: dict[str, Any], email: str | None) -> None:
    assert email_of(claims, NOW) == email


def test_operators_are_addresses_separated_by_commas() -> None:
    assert load_settings(operators=" Ada@example.org,, bob@example.org ").operator_emails == {
        "ada@example.org",
        "bob@example.org",
    }


@pytest.mark.slow
def test_a_refused_decision_answers_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    found = decide.decide("promote", "0a1b2c3d", reason="--json", actor="ada@example.org")
    assert not found.is_done
    assert found.message.startswith("skyduck: there is no warehouse")
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=7 * 365 + 2), "7 years ago"),
        (timedelta(hours=-1), "just now"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(age: timedelta, said: str) -> None:
    assert words.ago(NOW - age, NOW) == said


def test_hours_are_said_on_the_clock_of_the_place_and_in_utc() -> None:
    frame = charts.on_clock(
        pd.DataFrame({"at": [datetime(2026, 10, 25, 0), datetime(2026, 10, 25, 1)]}), "at", "Europe/Rome"
    )
    assert [text[:21] for text in frame["local"]] == ["Sun 25 Oct 2026 02:00", "Sun 25 Oct 2026 02:00"]
    assert list(frame["utc"]) == ["25 Oct 2026 00:00 UTC", "25 Oct 2026 01:00 UTC"]
    assert frame["ms"].diff().iloc[1] == 3_600_000


def test_ticks_are_noons_and_midnights_of_the_place_over_a_change_of_the_clocks() -> None:
    first, last = (pd.Timestamp(2026, 10, day).timestamp() * 1000 for day in (24, 27))
    ticks = charts.ticks(first, last, "Europe/Rome")
    assert list(ticks.values()) == ["12:00", "Sun 25 Oct", "12:00", "Mon 26 Oct", "12:00", "Tue 27 Oct"]
    assert [pd.Timestamp(ms, unit="ms").hour for ms in ticks] == [10, 22, 11, 23, 11, 23]


def test_a_version_is_told_by_its_model_and_hash() -> None:
    assert words.version("sgpm-lightgbm_direct-20261121T1401-463e0760") == "lightgbm direct 463e0760"
    assert words.version("by-hand") == "by-hand"


def test_a_variable_without_words_of_its_own_is_said_without_its_unit() -> None:
    assert words.variable("nitrogen_dioxide_ugm3") == "Nitrogen dioxide"
    assert words.variable("visitors") == "visitors"
