"""How a measurement is shown: a title, one table, and what to know when reading it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from flows.summary import console, draw
from flows.tables import Table


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *notes: str, words: int = 1) -> None:
    """`words`: how many columns, counted from the left, hold no figures."""
    out = console()
    out.print()
    out.print(Text(title, style="bold"), soft_wrap=True)
    draw(Table("", tuple(header), tuple(map(tuple, rows)), numbers=len(header) - words))
    for note in notes:
        out.print(Text(note), soft_wrap=True)


def ratio(mine: float, other: float) -> str:
    return f"{mine / other:.2f}" if other else "–"
