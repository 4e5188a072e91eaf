"""Judging a body: the checks that every source needs, each naming what was seen and what was expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson

from loader.source import Checked, Planned, Window

SLACK = timedelta(hours=14)  # a body may be cut in local days: the largest offset from UTC
_NUMBERS = {int, float, type(None)}


class Rejected(Exception):
    """The body cannot be used; the text says what was seen and what was expected."""


def parse_json(content: bytes) -> Any:
    """The document. Raises Rejected for whatever is no strict JSON: HTML, text, a cut body, NaN, 1e400."""
    if not content.strip():
        raise Rejected("an empty body; expected JSON")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Rejected(_why_no_json(content, error)) from None


def _why_no_json(content: bytes, error: orjson.JSONDecodeError) -> str:
    start, at = as_text(content[:80]).strip(), as_text(content[error.pos : error.pos + 40])
    if start.startswith("<"):
        return f"an HTML page ({start!r}); expected JSON"
    if not start.startswith(("{", "[")):
        return f"plain text ({start!r}); expected JSON"
    for token in ("NaN", "Infinity", "-Infinity"):
        if at.startswith(token) or as_text(content[error.pos - 1 : error.pos + 40]).startswith(token):
            return f"{token} at byte {error.pos}, which is not JSON; expected a number or null"
    if "infinity" in error.msg:
        return f"a number too large for a double near byte {error.pos} ({at!r}); expected a finite number"
    if error.pos >= len(content) - 1 or "EOF" in error.msg or "end of data" in error.msg:
        return f"JSON that is cut off after {len(content):,} bytes; expected a whole body"
    return f"invalid JSON at byte {error.pos} ({at!r}): {error.msg}"


def as_text(content: bytes) -> str:
    """Any bytes as text that a column can hold; what is no UTF-8 shows as \\xNN."""
    return content.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def kind(value: object) -> str:
    """What a JSON value is called in a message."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def need(container: Any, key: str, expected: type[Any], where: str) -> Any:
    """container[key], which must be of the expected type. Raises Rejected."""
    value = container.get(key) if isinstance(container, dict) else None
    if not isinstance(value, expected):
        wanted = kind(expected())
        if isinstance(container, dict) and key not in container:
            raise Rejected(f"{where} has no '{key}'; expected {wanted} (there are {', '.join(list(container)[:8])})")
        raise Rejected(f"'{key}' of {where} is {kind(value)}; expected {wanted}")
    return value


def need_lists(columns: Mapping[str, Any], length: int) -> None:
    """Every column is a list with one value per stamp. Raises Rejected."""
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) != length:
            seen = f"{len(values):,} values" if isinstance(values, list) else kind(values)
            raise Rejected(f"'{name}' has {seen} for {length:,} stamps; expected as many")


def need_numbers(name: str, values: Sequence[Any], length: int) -> None:
    """Every value is a number or null, and there are as many as stamps. Raises Rejected."""
    if len(values) != length:
        raise Rejected(f"'{name}' has {len(values):,} values for {length:,} stamps; expected as many")
    if set(map(type, values)) - _NUMBERS:
        n, value = next((n, v) for n, v in enumerate(values) if type(v) not in _NUMBERS)
        raise Rejected(f"value {n} of '{name}' is {kind(value)} ({value!r:.40}); expected a number or null")


@dataclass(frozen=True)
class Grid:
    """Stamps with at least one value, how many values there are, and what was odd about the order."""

    present: frozenset[datetime]
    n_values: int
    notes: tuple[str, ...]


def read_grid(stamps: Sequence[datetime], columns: Mapping[str, Sequence[Any]]) -> Grid:
    """Unordered stamps and identical duplicates are noted; duplicates that differ raise Rejected."""
    notes: list[str] = []
    rows = list(zip(*columns.values(), strict=True))
    if len(set(stamps)) != len(stamps):
        seen: dict[datetime, tuple[Any, ...]] = {}
        for stamp, row in zip(stamps, rows, strict=True):
            if seen.setdefault(stamp, row) != row:
                raise Rejected(f"{stamp:%Y-%m-%d %H:%M} twice, with {seen[stamp]} and {row}; expected each hour once")
        notes.append(f"{len(stamps) - len(seen):,} duplicate stamps with the same values")
    if any(a > b for a, b in pairwise(stamps)):
        notes.append("stamps out of order")
    nothing = (None,) * len(columns)
    present = frozenset(stamp for stamp, row in zip(stamps, rows, strict=True) if row != nothing)
    return Grid(present, sum(len(c) - c.count(None) for c in columns.values()), tuple(notes))


def hourly_stamps(times: Sequence[Any], offset: int) -> list[datetime]:
    """ISO stamps of a zone `offset` seconds east of UTC, as UTC. Raises Rejected unless all are full hours."""
    shift = timedelta(seconds=offset)
    stamps = []
    for time in times:
        try:
            stamp = datetime.fromisoformat(time) - shift
        except (TypeError, ValueError, OverflowError):
            raise Rejected(f"the stamp {time!r:.40}; expected ISO such as '2026-01-31T00:00'") from None
        if stamp.minute or stamp.second or stamp.tzinfo:
            raise Rejected(f"the stamp {time!r:.40} is not a full hour of UTC; expected hourly values")
        stamps.append(stamp)
    return stamps


def need_inside(stamps: Sequence[datetime], window: Window, asked: str) -> None:
    """All stamps lie in the window, give or take a time zone. Raises Rejected."""
    if not stamps:
        return
    first, last = min(stamps), max(stamps)
    if first < window.start - SLACK or last >= window.end + SLACK:
        raise Rejected(
            f"stamps from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC; expected {asked} "
            f"({window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC)"
        )


def full_hours(stamps: Sequence[datetime], present: frozenset[datetime]) -> frozenset[datetime]:
    """Hours whose stamps are all present; how many an hour has is taken from the closest two stamps of its day."""
    steps: dict[date, int] = {}
    for a, b in pairwise(sorted(set(stamps))):
        if a.date() == b.date():
            steps[a.date()] = min(steps.get(a.date(), 3600), int((b - a).total_seconds()))
    found = Counter(stamp.replace(minute=0, second=0) for stamp in present)
    return frozenset(hour for hour, n in found.items() if n * steps.get(hour.date(), 3600) >= 3600)


def rejected(planned: Planned, content: bytes, reason: str, document: Any = None) -> Checked:
    """The verdict on a body that is kept, as it came, but never read."""
    text = as_text(content)
    if document is None:
        return Checked(planned, "rejected", None, text, text, reason)
    return Checked(planned, "rejected", document, text or None, document, reason)


def rejected_all(planned: Sequence[Planned], content: bytes, reason: str, document: Any = None) -> list[Checked]:
    """One body that cannot be split: kept once, with the first subject; the others are told where it is."""
    first = rejected(planned[0], content, reason, document)
    if len(planned) > 1:
        first = replace(first, reason=f"{reason} (asked for {', '.join(p.subject for p in planned)} in one call)")
    rest = [Checked(p, "rejected", reason=f"{reason} (body kept with {planned[0].subject})") for p in planned[1:]]
    return [first, *rest]


def joined(notes: Sequence[str]) -> str | None:
    return "; ".join(notes) or None
