"""Where work is done: in this process, or as tasks of a Ray cluster. Nothing else imports ray.

A task gets all it needs as arguments and gives back what it found, by the very functions that work here: no worker
opens the warehouse, which may be a file of the machine that asks. A task whose node is lost is done again on another.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import pandas as pd
from threadpoolctl import threadpool_limits

from warehouse.errors import BadInput, TaskLost
from warehouse.settings import ROOT, Settings

A = TypeVar("A")
T = TypeVar("T")
RETRIES = 3  # after the loss of a node
CPUS = 1  # of a task: half of a training keeps one core busy
ANSWERS_WITHIN_S = 10  # an address; Ray itself asks for minutes
LEAST_ROWS = 1_000  # fewer are done here before fugue has begun there, which takes seconds
CODE = ("ml/**/*.py", "warehouse/*.py")


@contextmanager
def workers(settings: Settings, at_once: int) -> Iterator[Executor]:
    """Who calls functions: `at_once` threads, or tasks of the cluster. What was not begun is dropped at the end.

    Functions and arguments must be what a task can carry: no open file, lock or thread, and nothing of `settings`.
    """
    if settings.engine == "ray":
        pool: Executor = RayTasks(settings)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
        return
    # sums are made by one core (ml.ridge); a limit that each thread set and lifted would lift the other's
    with threadpool_limits(1), ThreadPoolExecutor(at_once, thread_name_prefix="learn") as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def call(settings: Settings, function: Callable[..., T], *arguments: Any) -> T:
    """The function's answer, made here or by one task."""
    if settings.engine == "local":
        return function(*arguments)
    with workers(settings, 1) as pool:
        return pool.submit(function, *arguments).result()


def each(settings: Settings, function: Callable[[A], T], values: Iterable[A]) -> Iterator[T]:
    """The function's answers in order: one after the other here, or all at once on the cluster."""
    if settings.engine == "local":
        yield from map(function, values)
        return
    with workers(settings, 1) as pool:
        yield from pool.map(function, values)


def width(settings: Settings, at_once: int) -> int:
    """How many calls are worth having under way."""
    if settings.engine == "local":
        return at_once
    return max(at_once, _cpus(_ray(settings)) // CPUS)


def shared(value: Any) -> Any:
    """A value that many tasks read: it goes to each node once. Within `workers` of a cluster only."""
    return _started().put(value)


def carried(settings: Settings, progress: Callable[[str], None]) -> Callable[[str], None]:
    """The progress that goes with a call: a task on another machine has nobody to tell."""
    return progress if settings.engine == "local" else silent


def silent(line: str) -> None:
    """Says nothing."""


def over_rows(function: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame, schema: str) -> pd.DataFrame:
    """What the function makes of each row, by fugue: over the cluster where this process works for one, else here.

    The function answers each row by itself, so that it does not matter which rows it sees together; `schema` in fugue's
    words, with every column that tells the rows apart: they come back in any order.
    """
    if len(rows) < LEAST_ROWS or not is_on_cluster():
        return function(rows)
    import fugue.api as fa

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    partition = {"num": 4 * _cpus(_started()), "algo": "even"}
    found = fa.transform(rows, function, schema=schema, partition=partition, engine="ray", as_local=True)
    table: pd.DataFrame = fa.as_pandas(found)
    return table


def is_on_cluster() -> bool:
    """Whether this process is a worker of a cluster, or has asked one."""
    return "ray" in sys.modules and bool(sys.modules["ray"].is_initialized())


class RayTasks(Executor):
    """Calls become tasks. What a function raises is raised here as it was, without the worker's traceback."""

    def __init__(self, settings: Settings) -> None:
        self._ray = _ray(settings)
        self._task = self._ray.remote(num_cpus=CPUS, max_retries=RETRIES)(_answer)
        self._begun: list[Any] = []

    def submit(self, function: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        ref = self._task.remote(code_hash(), function, *arguments, **named)
        self._begun.append(ref)
        told: Future[T] = Future()
        ref.future().add_done_callback(lambda done: self._hand_over(done, told))
        return told

    def _hand_over(self, done: Future[T], told: Future[T]) -> None:
        if not told.set_running_or_notify_cancel():
            return
        error = done.exception()
        if error is None:
            told.set_result(done.result())
        elif isinstance(error, self._ray.exceptions.RayTaskError):
            told.set_exception(error.cause)
        else:
            lost = " ".join(str(error).split())[:300]
            told.set_exception(TaskLost(f"the cluster lost a task {RETRIES + 1} times: {lost}; see `ray status`"))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            unfinished = self._ray.wait(self._begun, num_returns=len(self._begun), timeout=0)[1] if self._begun else []
            for ref in unfinished:
                self._ray.cancel(ref, force=True)
        self._begun.clear()


def _answer(code: str, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Runs on a worker. Raises BadInput where it would work by other code than the machine that asks."""
    if code != code_hash():
        raise BadInput(f"a node of the cluster has another version of skyduck than this machine (under {ROOT})")
    with threadpool_limits(1):
        return function(*arguments, **named)


@cache
def code_hash() -> str:
    digest = hashlib.sha256()
    for pattern in CODE:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _ray(settings: Settings) -> Any:
    """The library, connected to the cluster of RAY_ADDRESS, or to one of `threads` CPUs begun on this machine.

    Raises BadInput where ray is missing or no cluster answers.
    """
    ray = _started()
    if ray.is_initialized():
        return ray
    address = os.environ.get("RAY_ADDRESS", "")
    here: dict[str, Any] = {"address": "local", "num_cpus": settings.threads, "include_dashboard": False}
    # of a cluster begun here: niced by 15, as workers are, its work would wait for all else
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        _reach(address)
        ray.init(**({"address": address} if address else here), log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        seen = " ".join(str(error).split())[:300]
        raise BadInput(
            f"no Ray cluster answers at {address or 'this machine'} ({seen}); `ray start --head` begins one, "
            "RAY_ADDRESS names it, SKYDUCK_ENGINE=local works without"
        ) from None
    return ray


def _reach(address: str) -> None:
    """Raises OSError where nothing listens at host:port or ray://host:port; "auto" and "local" name no host."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN_S).close()


def _cpus(ray: Any) -> int:
    return int(ray.cluster_resources().get("CPU", 1))


def _started() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise BadInput(
            "SKYDUCK_ENGINE=ray needs ray, which is not installed: `pip install 'skyduck[ray]'`, or set it to local"
        ) from None
    return ray
