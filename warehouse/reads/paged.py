"""Rows of a question, a page at a time: what comes after the last key seen, in the order of the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from warehouse.reader import Publication


@dataclass
class Question:
    """`select` over `source`; `key`: column -> SQL type, unique together, the order of the rows.

    Every value that a caller gave is bound; conditions are texts of this package.
    """

    select: str
    source: str
    key: dict[str, str]
    is_newest_first: bool = False
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def only(self, condition: str, **values: Any) -> None:
        """Keeps what fulfils it, where all its values were given."""
        if all(value is not None for value in values.values()):
            self.conditions.append(condition)
            self.values |= values

    def equal(self, **values: Any) -> None:
        """Keeps rows whose columns have these values, where they were given. The names are ours, not a caller's."""
        for column, value in values.items():
            self.only(f"{column} = ${column}", **{column: value})


def page(publication: Publication, question: Question, limit: int, after: Sequence[Any] | None = None) -> pa.Table:
    """Up to `limit` rows after the key `after`."""
    key, values = question.key, dict(question.values)
    conditions = list(question.conditions)
    if after is not None:
        values |= {f"after_{number}": value for number, value in enumerate(after)}
        bounds = ", ".join(f"$after_{number}::{kind}" for number, kind in enumerate(key.values()))
        conditions.append(f"({', '.join(key)}) {'<' if question.is_newest_first else '>'} ({bounds})")
    where = f"where {' and '.join(conditions)}" if conditions else ""
    direction = " desc" if question.is_newest_first else ""
    order = ", ".join(f"{column}{direction}" for column in key)
    sql = f"select {question.select} from {question.source} {where} order by {order} limit {int(limit)}"
    return publication.table(sql, values)
