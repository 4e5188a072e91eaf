"""Reading one seed CSV: typed fields, and an error that names file, line, what was seen and what was expected."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from warehouse.errors import BadInput

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
T = TypeVar("T")


class Line:
    """One line of a seed, field by field. `is_hidden`: what it says of a private place is not said again."""

    def __init__(self, path: Path, number: int, fields: dict[str, str]) -> None:
        self.path, self.number, self.fields = path, number, fields
        self.is_hidden = False

    def wrong(self, column: str, expected: str) -> BadInput:
        where = f"{self.path.name} line {self.number}: {column} is"
        if self.is_hidden:  # the error stands in alarms and logs
            return BadInput(f"{where} not as expected, and the place private, or it may be; expected {expected}")
        return BadInput(f"{where} {self.fields[column][:80]!r}; expected {expected}")

    def text(self, column: str, pattern: re.Pattern[str] | None = None, most: int = 300) -> str:
        value = self.fields[column]
        if pattern and not pattern.fullmatch(value):
            raise self.wrong(column, f"to match ^{pattern.pattern}$")
        if not value.strip() or len(value) > most or not value.isprintable():
            raise self.wrong(column, f"1 to {most} printable characters")
        return value

    def number_in(self, column: str, low: float = -math.inf, high: float = math.inf) -> float:
        try:
            value = float(self.fields[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not low <= value <= high:
            raise self.wrong(column, f"a number from {low:g} to {high:g}" if high < math.inf else "a number")
        return value

    def whole(self, column: str, low: int = 0, high: int = 10_000) -> int:
        value = self.number_in(column, low, high)
        if value != int(value):
            raise self.wrong(column, f"a whole number from {low} to {high}")
        return int(value)

    def flag(self, column: str) -> bool:
        if self.fields[column] not in ("true", "false"):
            raise self.wrong(column, "true or false")
        return self.fields[column] == "true"

    def zone(self, column: str) -> str:
        try:
            return ZoneInfo(self.text(column)).key
        except (KeyError, ValueError, OSError):
            raise self.wrong(column, "a time zone of the tz database such as Europe/Rome") from None


def _lines(path: Path, columns: str, optional: str) -> Iterable[Line]:
    expected = columns.split(",")
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except OSError as error:
        raise BadInput(
            f"{path.name} cannot be read in {path.parent}: {error.strerror}; every seed is needed, and "
            "dbt_project/seeds has each to begin with"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path.name} is not a UTF-8 CSV: {error}; save it as UTF-8 with commas") from None
    if rows and optional and rows[0] == [*expected, optional]:
        expected = rows[0]
    if not rows or rows[0] != expected:
        # a line of data, where the header is missing, may be that of a private place
        seen = (
            repr(",".join(rows[0])[:200]) if rows and {*rows[0]} & {*expected} else "missing" if rows else "'nothing'"
        )
        raise BadInput(f"{path.name} line 1: the header is {seen}; expected {columns!r}")
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(expected):
            raise BadInput(
                f"{path.name} line {number}: {len(row)} fields; expected {len(expected)} ({','.join(expected)})"
            )
        if row:
            yield Line(path, number, dict(zip(expected, row, strict=True)))


def read_seed(
    path: Path,
    columns: str,
    key: str,
    make: Callable[[Line], T],
    *,
    optional: str = "",
    is_hidden: Callable[[dict[str, str]], bool] = lambda fields: False,
) -> list[tuple[Line, T]]:
    """Records with their lines; no two lines share the key columns. `optional`: a last column that may be missing.

    `is_hidden`: whether an error must not say what a line with these fields says.
    """
    found: list[tuple[Line, T]] = []
    first: dict[tuple[str, ...], Line] = {}
    for line in _lines(path, columns, optional):
        line.is_hidden = is_hidden(line.fields)
        record = make(line)
        names = key.split(",")
        value = tuple(line.fields[name] for name in names)
        if same := first.get(value):
            line.is_hidden |= same.is_hidden
            raise line.wrong(names[-1], f"{key} to be unique, but line {same.number} has the same")
        first[value] = line
        found.append((line, record))
    return found
