"""`skyduck keys issue | list | revoke`: who may ask the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows import summary
from flows.clock import machine_now
from flows.commands.options import Json, as_moment, print_json
from flows.options import command_settings
from flows.tables import Table
from warehouse import api_keys as store

keys = typer.Typer(
    name="keys",
    help="Keys of the REST API; without any, only this machine is served.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(app: typer.Typer) -> None:
    app.add_typer(keys)


@keys.command("issue")
def issue(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it; it stands in what they decide.")],
    scope: Annotated[store.Scope, typer.Option("--scope", help="`operator` may override and silence.")] = "read",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="Default: never.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its secret is shown this once; what is kept is a hash."""
    until = None if expires is None else as_moment(expires, "--expires")
    secret = store.issue(command_settings(), name, scope, machine_now(), until)
    if as_json:
        print_json({"name": name, "scope": scope, "expires_at": until, "secret": secret})
        return
    typer.echo(secret)
    typer.echo("Keep it now, it is not shown again: Authorization: Bearer <key>", err=True)


@keys.command("list")
def list_(as_json: Json = False) -> None:
    """List keys, never their secrets."""
    found, now = store.read_keys(command_settings()), machine_now()
    if as_json:
        print_json([{name: value for name, value in asdict(key).items() if name != "sha256"} for key in found])
    elif not found:
        typer.echo("No key was ever issued: the API serves this machine only.")
    else:
        lines = [(key.key_id, key.name, key.scope, key.created_at[:16], key.refusal(now) or "in use") for key in found]
        summary.draw(Table("Keys of the API", ("id", "name", "scope", "issued", "state"), tuple(lines)))


@keys.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name or id of a key.")], as_json: Json = False
) -> None:
    """End a key. A server that runs knows it with the next request."""
    gone = store.revoke(command_settings(), name, machine_now())
    print_json({"key_id": gone.key_id, "name": gone.name, "revoked_at": gone.revoked_at}) if as_json else typer.echo(
        f"{gone.name} ({gone.key_id}) opens nothing any more."
    )
