"""Faults inside a body that is still JSON. Each takes the parsed body and says whether it changed anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sample import reshapes
from sample.clock import epoch, parse_now
from sample.reshapes import Args, chosen, is_number
from sample.views import ABSENT, Cells, View, views

Mutator = Callable[[Any, Args], Any]  # (parsed body, args) → the body to send, or None where it does not apply
# JSON has no such tokens: they stand in for text that is put in after serialising.
TOKENS = {"@NaN@": "NaN", "@Infinity@": "Infinity", "@-Infinity@": "-Infinity", "@1e400@": "1e400"}


def _rows(view: View, cells: Cells, args: Args) -> list[int]:
    """Rows a fault falls on: those stamped `at`, else `count` (3) of those with a value, spread over the body."""
    if "at" in args:
        stamps = {epoch(parse_now(stamp)) for stamp in args["at"]}
        return [row for row, second in enumerate(view.seconds()) if second in stamps and row < len(cells)]
    filled = [row for row, cell in enumerate(cells) if is_number(cell)]
    count = min(int(args.get("count", 3)), len(filled))
    return [filled[(2 * k + 1) * len(filled) // (2 * count)] for k in range(count)]


def each(change: Callable[[View, Args], bool]) -> Mutator:
    """Lifts a change of one view to all locations of a body, or to those that `locations` lists."""

    def mutate(body: Any, args: Args) -> Any:
        wanted = args.get("locations")
        found = [view for index, view in enumerate(views(body)) if wanted is None or index in wanted]
        changed = [change(view, args) for view in found]
        return body if any(changed) else None

    return mutate


def cells(replace: Callable[[Any], Any]) -> Mutator:
    """Replaces single values of one column."""

    def change(view: View, args: Args) -> bool:
        name = chosen(view, args)
        if name is None:
            return False
        column = view.get(name)
        rows = _rows(view, column, args)
        for row in rows:
            column[row] = replace(column[row])
        view.put(name, column)
        return bool(rows)

    return each(change)


def column(replace: Callable[[Cells], Cells]) -> Mutator:
    """Replaces one whole column."""

    def change(view: View, args: Args) -> bool:
        name = chosen(view, args)
        if name is None:
            return False
        view.put(name, replace(view.get(name)))
        return True

    return each(change)


def list_for_object(body: Any, args: Args) -> Any:
    return None if isinstance(body, list) else [body]


def data_null(body: Any, args: Args) -> Any:
    """The part that carries the data is null, and the status still 200."""
    for part in body if isinstance(body, list) else [body]:
        key = next((k for k in ("hourly", "data", "production_types") if k in part), None)
        if key is None:
            return None
        part[key] = None
    return body


def as_text(cell: Any) -> Any:
    return str(cell) if is_number(cell) else cell


MUTATORS: dict[str, Mutator] = {
    "data_null": data_null,
    "unequal_arrays": each(reshapes.unequal_arrays),
    "missing_variable": each(reshapes.missing_variable),
    "renamed_variable": each(reshapes.renamed_variable),
    "extra_variable": each(reshapes.extra_variable),
    "changed_unit": each(reshapes.changed_unit),
    "list_for_object": list_for_object,
    "duplicate_hours": each(reshapes.duplicate_hours),
    "unordered_hours": each(reshapes.unordered_hours),
    "minus_one": cells(lambda cell: -1),
    "nulls": cells(lambda cell: None),
    "all_null_variable": column(lambda found: [cell if cell is ABSENT else None for cell in found]),
    "wrong_place": each(reshapes.wrong_place),
    "nan_token": cells(lambda cell: "@NaN@"),
    "infinity_token": cells(lambda cell: "@Infinity@"),
    "huge_number": cells(lambda cell: "@1e400@"),
    "numbers_as_strings": column(lambda found: [as_text(cell) for cell in found]),
    "negative_value": cells(lambda cell: -abs(cell or 0) - 3.5),
    "dst_offset": each(reshapes.dst_offset),
    "late_revision": each(reshapes.late_revision),
    "missing_day": each(reshapes.missing_day),
    "moved_grid_point": each(reshapes.moved_grid_point),
}
