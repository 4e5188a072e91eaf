"""Tables as markdown, for the Prefect UI."""

from __future__ import annotations

from contextlib import suppress

from flows import tables
from flows.run import Run
from flows.tables import Table


def text(table: Table) -> str:
    """GitHub-flavoured markdown; a cell cannot break out of its table."""
    n_text = len(table.header) - table.numbers
    rule = ["---"] * n_text + ["---:"] * table.numbers
    lines = [_line(table.header), _line(tuple(rule)), *map(_line, table.rows)]
    return f"## {table.title}\n\n" + "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(cell: str) -> str:
    flat = " ".join(cell.split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def tables_of(run: Run) -> dict[str, str]:
    """Artifact key → markdown, for whatever the run came to."""
    found: dict[str, str] = {}
    if run.loads is not None:
        found["skyduck-loads"] = text(tables.loads(run))
    if run.dbt:
        found["skyduck-dbt"] = text(tables.dbt(run.dbt))
    with suppress(Exception):  # a run that failed before there are marts has no scores to show
        if run.trained or run.predicted is not None:
            found["skyduck-scores"] = text(tables.models(run))
            found["skyduck-forecasts"] = text(tables.forecast(run))
    if lines := tables.warnings(run):
        found["skyduck-warnings"] = "## Warnings\n\n" + "\n".join(f"- {_escaped(line)}" for line in lines)
    return found
