"""Requests side by side: one lane per upstream, as wide as it allows, and a host that keeps failing is left alone."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from loader.answer import Fetched, GiveUp
from loader.record import Outcome
from loader.source import Request

T = TypeVar("T")
IN_FLIGHT = 8  # outcomes waiting to be stored; beyond that the lanes wait, so that memory stays bounded


def side_by_side(
    tasks: Sequence[T], work: Callable[[T], Outcome], lane_of: Callable[[T], tuple[str, int]]
) -> Iterator[tuple[T, Outcome]]:
    """Tasks with their outcomes, as they come. lane_of: the lane of a task and how many of them may run at once in it.

    The threads are daemons and end with the iterator: a Ctrl-C never waits for a host's minute.
    """
    lanes: dict[str, tuple[deque[T], int]] = {}
    for task in tasks:
        name, width = lane_of(task)
        lanes.setdefault(name, (deque(), width))[0].append(task)
    done: queue.Queue[tuple[T, Outcome | BaseException]] = queue.Queue(IN_FLIGHT)
    stop = threading.Event()

    def run(waiting: deque[T]) -> None:
        while not stop.is_set():
            try:
                task = waiting.popleft()
            except IndexError:
                return
            result: Outcome | BaseException
            try:
                result = work(task)
            except BaseException as error:
                result = error
            _put(done, (task, result), stop)

    for waiting, width in lanes.values():
        for _ in range(min(width, len(waiting))):
            threading.Thread(target=run, args=(waiting,), daemon=True, name="skyduck-load").start()
    try:
        for _ in tasks:
            task, outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield task, outcome
    finally:
        stop.set()


def _put(done: queue.Queue[T], result: T, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            done.put(result, timeout=0.2)
            return
        except queue.Full:
            continue


@dataclass
class Breaker:
    """Leaves a host alone for the rest of the run after `most` failures in a row, or when it says so."""

    most: int
    in_a_row: dict[str, int] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)

    def call(self, request: Request, fetch: Callable[[Request], Fetched]) -> Fetched:
        host = request.host.name if request.host else ""
        if host in self.given_up:
            return Fetched("failed", reason=f"not asked: {self.given_up[host]}", n_calls=0)
        try:
            return fetch(request)
        except GiveUp as error:
            self.given_up.setdefault(host, error.reason)
            return Fetched("failed", reason=error.reason, http_status=error.status, weight=1.0)

    def note(self, request: Request, *, is_down: bool, reason: str | None) -> None:
        """Whether the last answer was one at all."""
        host = request.host.name if request.host else ""
        self.in_a_row[host] = self.in_a_row.get(host, 0) + 1 if is_down else 0
        if host and self.in_a_row[host] >= self.most:
            self.given_up.setdefault(host, f"{host} failed {self.in_a_row[host]} times in a row, last: {reason}")
