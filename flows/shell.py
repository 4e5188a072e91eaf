"""Prefect as a thin shell: each step becomes a task of the same name, each result a table in the UI."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from prefect import runtime, tags, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows import markdown
from flows.options import begin, command_settings
from flows.run import CURRENT, Run
from flows.screen import Screen
from warehouse.errors import UpstreamFailed

T = TypeVar("T")
LOAD_RETRIES = 2
RETRY_SECONDS = {"live": [60.0, 300.0], "sample": [1.0, 1.0]}


def begin_or_take(flow: str, *, as_of: str | None, upstream: str | None = None, wait: bool = False) -> Run:
    """The run of the command line that called the flow, or a new one where a Prefect worker did."""
    run = CURRENT.get()
    if run is not None:
        return run
    screen = Screen()
    run = begin(flow, settings=command_settings(upstream), as_of=as_of, progress=screen.tick, wait=wait)
    run.announce = screen.say
    return run


def run_name(flow: str) -> Callable[[], str]:
    """`daily 2026-11-20 06:10`: the as-of time, or when the schedule asked for it."""

    def name() -> str:
        moment = runtime.flow_run.parameters.get("as_of") or runtime.flow_run.scheduled_start_time
        return f"{flow} {str(moment)[:16].replace('T', ' ')}"

    return name


def as_task(run: Run) -> Callable[[str, Callable[[], T]], T]:
    """Calls a step as a Prefect task. Only the load is tried again: everything else would fail the same way twice."""

    def call(name: str, step: Callable[[], T]) -> T:
        retries = LOAD_RETRIES if name == "load" else 0

        def body() -> T:
            result = step()
            if retries and run.failed_sources and runtime.task_run.run_count <= retries:
                raise UpstreamFailed("; ".join(run.failed_sources))
            return result

        bound = task(
            name=name,
            task_run_name=f"{name} {run.run_id}",
            retries=retries,
            retry_delay_seconds=RETRY_SECONDS[run.settings.upstream],
            cache_policy=NO_CACHE,
            persist_result=False,
        )(body)
        with tags("skyduck", run.settings.target, run.settings.upstream):
            return bound()

    return call


def artifacts(run: Run) -> None:
    """What the run found, as markdown tables under keys that stay the same from day to day."""
    for key, text in markdown.tables_of(run).items():
        create_markdown_artifact(key=key, markdown=text, description=f"run {run.run_id} as of {run.now:%Y-%m-%d %H:%M}")
