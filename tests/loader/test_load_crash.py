"""Kills that really happen: a process of its own, SIGKILL at a named point, then a rerun that must converge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loader.load import BATCH_REQUESTS
from loader.summary import LoadSummary
from tests.loader.conftest import NOW
from tests.loader.upstream import Upstream
from warehouse.settings import ROOT

Run = Callable[..., LoadSummary]
Query = Callable[[str], list[tuple[Any, ...]]]
PAYLOADS = "select source, endpoint, subject, window_start, window_end, fetched_at, mode, status, sha256, body::varchar"
LOADS = """
    select source, endpoint, subject, window_start, window_end, attempted_at, status, reason, n_expected, n_present
    from raw.loads order by all
"""
HISTORY = 90  # more requests than one batch holds, so that a kill falls between two commits
N_REQUESTS = (HISTORY + 1) + 5 + 4  # pm25 by day, five countries, archive, air quality, forecast and previous runs


def child(upstream: Upstream, data: Path, **env: str) -> subprocess.Popen[bytes]:
    code = (
        "import datetime, sys; from loader.load import load; from warehouse.settings import load_settings;"
        f"load(load_settings(), now=datetime.datetime({NOW.year}, {NOW.month}, {NOW.day}, {NOW.hour}, {NOW.minute}),"
        "run_id='killed', progress=lambda line: None)"
    )
    own = {
        "SKYDUCK_DATA_DIR": str(data), "SKYDUCK_SAMPLE_URL": upstream.url, "SKYDUCK_HISTORY_DAYS": str(HISTORY),
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=own | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def tables(query: Query) -> tuple[Any, ...]:
    """Everything raw holds, but for the order it came in and the run that brought it."""
    return query(f"{PAYLOADS} from raw.payloads order by all"), query(LOADS)


@pytest.fixture
def undisturbed(settings, run: Run, query: Query, tmp_path: Path) -> tuple[Any, ...]:
    """The tables of a load that nobody killed; the warehouse is empty again afterwards."""
    assert not run(settings=settings.model_copy(update={"history_days": HISTORY})).failed
    found = tables(query)
    query("delete from raw.payloads")
    query("delete from raw.loads")
    return found


@pytest.fixture(autouse=True)
def _same_bodies(upstream: Upstream) -> None:
    """Volatile fields of the upstream would differ between two runs."""

    def still(target: str, document: Any) -> Any:
        for element in document if isinstance(document, list) else [document]:
            element.pop("generationtime_ms", None)
        return document

    upstream.change = still


@pytest.mark.parametrize(("point", "committed"), [("load.after_fetch", False), ("load.after_commit", True)])
def test_a_kill_at_a_commit_loses_only_what_was_not_committed_and_a_rerun_converges(
    point, committed, upstream, settings, run: Run, query: Query, undisturbed
):
    killed = child(upstream, settings.data_dir, SKYDUCK_FAULT_AT=point)
    assert killed.wait(60) == -signal.SIGKILL
    [(n,)] = query("select count(*) from raw.payloads")
    assert (n > 0) == committed
    assert n < len(undisturbed[0])
    n_asked = len(upstream.seen)
    again = run(settings=settings.model_copy(update={"history_days": HISTORY}))
    assert again.failed == []
    assert again.n_new_bodies == len(undisturbed[0]) - n
    assert tables(query) == undisturbed
    assert query("select count(*), count(distinct payload_seq), max(payload_seq) from raw.payloads") == [
        (len(undisturbed[0]),) * 3
    ]
    n_kept = BATCH_REQUESTS if committed else 0
    assert len(upstream.seen) - n_asked == sum(s.n_calls for s in again.sources) == N_REQUESTS - n_kept


def test_kills_at_any_moment_converge_to_the_undisturbed_tables(upstream, settings, run, query, undisturbed):
    for n_more in (1, 40, 80):
        n_asked = len(upstream.seen)
        process = child(upstream, settings.data_dir)
        while len(upstream.seen) < n_asked + n_more and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL, "the run ended before it was killed: this proves nothing"
    assert not run(settings=settings.model_copy(update={"history_days": HISTORY})).failed
    assert tables(query) == undisturbed


def test_ctrl_c_ends_the_load_at_once_and_leaves_whole_batches(upstream, settings, run, query, undisturbed):
    n_asked = len(upstream.seen)
    process = child(upstream, settings.data_dir)
    while len(upstream.seen) < n_asked + 30:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(20) != 0
    assert time.monotonic() - started < 5
    assert not run(settings=settings.model_copy(update={"history_days": HISTORY})).failed
    assert tables(query) == undisturbed
