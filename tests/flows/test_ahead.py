"""Datasets learnt beside each other: who opens the warehouse, whose error it is, and what a stopped run leaves."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import pytest

from flows.ahead import Ahead
from flows.run import Run
from ml import backtest, learn
from warehouse.errors import BadInput
from warehouse.settings import Settings

NAMES = ["air", "carbon", "sgpm"]


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run(settings, "daily", datetime(2026, 11, 20, 6, 10), "r", lambda line: None)


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """(what, dataset, thread) in order; the marts of carbon cannot be read."""
    seen: list[tuple[str, str, str]] = []

    def read(settings: Settings, asked: Any, now: datetime) -> tuple[str, str]:
        seen.append(("read", asked.dataset, threading.current_thread().name))
        if asked.dataset == "carbon":
            raise ValueError("carbon is broken")
        return "windows", "panels"

    def learnt(panels: str, windows: str, asked: Any, params: Any, progress: Any) -> str:
        seen.append(("learn", asked.dataset, threading.current_thread().name))
        for _ in range(100):
            progress("on it")
            time.sleep(0.002)
        return f"{asked.dataset} learnt"

    monkeypatch.setattr(learn, "read_panels", read)
    monkeypatch.setattr(learn, "learn", learnt)
    monkeypatch.setattr(backtest, "with_covariates", lambda settings, params: params)
    return seen


def test_the_next_one_is_begun_before_the_first_is_waited_for_and_only_the_caller_reads(run: Run, diary: Any) -> None:
    with Ahead(run, NAMES) as ahead:
        assert ahead.learnt("air") == "air learnt"
        assert [name for what, name, _ in diary if what == "read"] == ["air", "carbon"]
        with pytest.raises(ValueError, match="carbon is broken"):
            ahead.learnt("carbon")
        assert ahead.learnt("sgpm") == "sgpm learnt"
    me = threading.current_thread().name
    assert {thread for what, _, thread in diary if what == "read"} == {me}
    assert me not in {thread for what, _, thread in diary if what == "learn"}


def test_a_run_that_fails_does_not_wait_for_what_nobody_asks_for_any_more(run: Run, diary: Any) -> None:
    began = time.monotonic()
    with pytest.raises(BadInput):
        fails_after_the_first(run)
    assert not [name for what, name, _ in diary if name == "weather"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("learn")]
    assert time.monotonic() - began < 30


def fails_after_the_first(run: Run) -> None:
    with Ahead(run, ["air", "sgpm", "weather"]) as ahead:
        assert ahead.learnt("air") == "air learnt"
        raise BadInput("the step after it failed")


def test_what_a_training_raises_is_raised_where_it_is_asked_for(
    run: Run, diary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise BadInput("too little")

    monkeypatch.setattr(learn, "learn", refuse)
    with Ahead(run, ["air"]) as ahead, pytest.raises(BadInput, match="too little"):
        ahead.learnt("air")
