"""`skyduck artefacts`: what DVC keeps of data and models, checked byte by byte, fetched and sent."""

from __future__ import annotations

import typer

from flows import artefacts, dvc
from flows.artefacts import Damage
from flows.commands.options import Json, print_json
from flows.options import command_settings
from flows.screen import Screen
from warehouse.errors import ArtefactRefused

group = typer.Typer(name="artefacts", no_args_is_help=True, help="Data and models as DVC keeps them.")


def register(app: typer.Typer) -> None:
    app.add_typer(group)


@group.command("check")
def check(as_json: Json = False) -> None:
    """Hash every file again: workspace, cache, and the store where it is a folder. Ends with 1 if one is damaged."""
    project = dvc.project_of(command_settings())
    found = [*artefacts.in_workspace(project), *artefacts.in_cache(project), *artefacts.in_store(project)]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo(f"every file is as it was written ({project.folder})")
    _refuse(
        found, "`skyduck artefacts pull` mends workspace and cache, `push` the store; `skyduck train` makes it anew"
    )


@group.command("pull")
def pull() -> None:
    """Bring back what dvc.lock names: damaged files of the cache are named and fetched again, and all is checked."""
    settings, screen = command_settings(), Screen()
    project = dvc.project_of(settings)
    _set_aside(artefacts.in_cache(project), screen)
    bad = artefacts.in_store(project)
    _refuse(bad, "nothing was fetched; `skyduck artefacts push` where there is a sound copy mends the store")
    with screen.moving():
        dvc.pull(settings, project, progress=screen.tick)
    _refuse(artefacts.in_workspace(project), "pull again, or `skyduck train` to make it anew")
    typer.echo(f"every file is as it was written ({project.folder})")


@group.command("push")
def push() -> None:
    """Send what dvc.lock names to the default store. A damaged file of a store that is a folder is replaced."""
    settings, screen = command_settings(), Screen()
    project = dvc.project_of(settings)
    _refuse(artefacts.in_cache(project), "nothing was sent; `skyduck artefacts pull` mends the cache")
    _set_aside(artefacts.in_store(project), screen)
    with screen.moving():
        dvc.push(settings, project, progress=screen.tick)
    typer.echo("sent")


def _set_aside(found: list[Damage], screen: Screen) -> None:
    for damage in found:
        screen.say(f"{damage}; set aside")
    artefacts.set_aside(found)


def _refuse(found: list[Damage], advice: str) -> None:
    if found:
        raise ArtefactRefused("; ".join(map(str, found)) + f". {advice}")
