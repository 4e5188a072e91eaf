"""Options that several commands share."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from warehouse.errors import BadInput

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIMESTAMP",
        help="The moment to stand in: nothing known later is used. UTC unless it names an offset. Default: now.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program on stdout; progress stays on stderr.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another run writes the warehouse, instead of ending.")]
Upstream = Annotated[
    Literal["sample", "live"] | None,
    typer.Option(
        "--upstream",
        help="`sample`: the bundled generator, offline; `live`: the real APIs. Default: SKYDUCK_UPSTREAM, else sample.",
        show_default=False,
    ),
]
Target = Annotated[
    Literal["dev", "staging", "prod"] | None,
    typer.Option("--target", help="Which warehouse. Default: SKYDUCK_TARGET, else dev.", show_default=False),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Only this source (repeatable), as in the seed sources.csv.", show_default=False),
]
Subjects = Annotated[
    list[str] | None,
    typer.Option("--subject", help="Only this subject (repeatable), as in the seed series.csv.", show_default=False),
]


def as_date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text!r} is no date; expected YYYY-MM-DD") from None


def as_moment(text: str, option: str) -> datetime:
    """UTC without zone; past or future. Raises BadInput."""
    try:
        stamp = datetime.fromisoformat(text.strip())
        return stamp.astimezone(UTC).replace(tzinfo=None) if stamp.tzinfo else stamp
    except (ValueError, OverflowError):
        raise BadInput(f"{option} {text[:80]!r} is no time; expected something like 2026-11-20T06:00 (UTC)") from None


def print_json(value: object) -> None:
    """One JSON document on stdout. Dataclasses become objects, NaN becomes null."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Only what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | Path):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
