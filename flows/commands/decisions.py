"""`skyduck models promote | approve | reject | rollback`: decisions of a person, each one more row of the history.

`decided` is how any decision of a person is written: under the lock, with who, when and why.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flows.commands.data import start
from flows.commands.options import AsOf, Json, Wait, print_json
from warehouse.decider import Decider
from warehouse.lock import hold
from warehouse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.production import Action, Decision

T = TypeVar("T")
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Only versions of this dataset. Default: any.", show_default=False)
]
Version = Annotated[str, typer.Argument(help="A version, or the last part of its name (0a1b2c3d).")]
Versions = Annotated[list[str], typer.Argument(help="Versions, or the last parts of their names.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")]
Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", help="Who decides. Default: GITHUB_ACTOR, else the user of this machine.", show_default=False
    ),
]


def register(models: typer.Typer) -> None:
    for command in (promote, approve, reject, rollback):
        models.command(command.__name__)(command)


def _deciding(action: Action, help_text: str) -> Callable[..., None]:
    def command(
        version: Versions,
        reason: Reason = "asked for",
        actor: Actor = None,
        dataset: Dataset = None,
        as_of: AsOf = None,
        wait: Wait = False,
        as_json: Json = False,
    ) -> None:
        def decide(settings: Settings, by: Decider) -> list[Decision]:
            from ml import production, versions

            rows = [versions.find(settings, name, by.now, dataset) for name in dict.fromkeys(version)]
            return production.decide(settings, action, rows, by)

        _write(decide, Occasion(reason, actor, as_of, wait, as_json))

    command.__name__, command.__doc__ = action, help_text
    return command


promote = _deciding("promote", "Put a version in production, whatever the test said. Of several datasets: one each.")
approve = _deciding("approve", "Put versions that wait (policy `manual`) in production: all or none.")
reject = _deciding("reject", "Refuse versions that wait; what is in production stays.")


def rollback(
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset to go back on.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="Default: what was in production before.", show_default=False),
    ] = None,
    reason: Reason = "asked for",
    actor: Actor = None,
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Go back to an older version. Nothing is trained; the next forecast uses it."""

    def back(settings: Settings, by: Decider) -> list[Decision]:
        from ml import production, versions

        target = versions.find(settings, to, by.now, dataset) if to else None
        return [production.rollback(settings, dataset, target, by)]

    _write(back, Occasion(reason, actor, as_of, wait, as_json))


@dataclass(frozen=True)
class Occasion:
    reason: str
    actor: str | None
    as_of: str | None
    wait: bool
    as_json: bool


def decided(flow: str, work: Callable[[Settings, Decider], T], occasion: Occasion) -> T:
    """What `work` has written and gives back."""
    run, screen = start(flow, occasion.as_of, wait=occasion.wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=occasion.wait, notice=screen.say):
        return work(run.settings, Decider(occasion.actor or _user(), occasion.reason, run.now, run.run_id))


def _write(work: Callable[[Settings, Decider], list[Decision]], occasion: Occasion) -> None:
    from flows import versions as page

    decisions = decided("models", work, occasion)
    print_json(decisions) if occasion.as_json else page.show_decisions(decisions)


def _user() -> str:
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (OSError, KeyError):  # a container's user may have a number and no name
        return f"uid {os.getuid()}"
