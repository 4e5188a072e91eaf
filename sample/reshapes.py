"""Faults in the shape of a body: columns, rows, stamps, units, coordinates. Each says whether it changed anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sample.clock import epoch, parse_now, utc
from sample.views import Hourly, Items, View

Args = dict[str, Any]


def is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def chosen(view: View, args: Args) -> str | None:
    """The column a fault falls on: `variable`, else the first."""
    names = view.names()
    wanted = args.get("variable")
    return wanted if wanted in names else names[0] if names and not wanted else None


def unequal_arrays(view: View, args: Args) -> bool:
    name = chosen(view, args)
    if name is None or isinstance(view, Items):  # a data.gov.sg body has no arrays side by side
        return False
    view.put(name, view.get(name)[: -int(args.get("count", 2))])
    return True


def missing_variable(view: View, args: Args) -> bool:
    name = chosen(view, args)
    if name:
        view.drop(name)
    return name is not None


def renamed_variable(view: View, args: Args) -> bool:
    name = chosen(view, args)
    if name:
        column = view.get(name)
        view.drop(name)
        view.put(str(args.get("to", f"{name}_renamed")), column)
    return name is not None


def extra_variable(view: View, args: Args) -> bool:
    view.put(str(args.get("variable", "unexpected")), [1.5] * len(view.seconds()))
    return True


def changed_unit(view: View, args: Args) -> bool:
    """Temperatures in °F, everything else a thousandfold; the body says so in its units."""
    name = chosen(view, args)
    if name is None or not isinstance(view, Hourly):
        return False
    warm = view.body["hourly_units"][name] == "°C"
    view.body["hourly_units"][name] = args.get("unit", "°F" if warm else "mg/m³")
    view.put(name, [(c * 1.8 + 32 if warm else c / 1000) if is_number(c) else c for c in view.get(name)])
    return True


def duplicate_hours(view: View, args: Args) -> bool:
    """`count` rows twice; with `conflicting` the second copy says something else."""
    total = len(view.seconds())
    count = min(int(args.get("count", 3)), total)
    twice = sorted((2 * k + 1) * total // (2 * count) for k in range(count))
    view.take(sorted([*range(total), *twice]))
    if args.get("conflicting"):
        for name in view.names():
            column = view.get(name)
            for shift, row in enumerate(twice):
                again = row + shift + 1
                column[again] = column[again] + 7 if is_number(column[again]) else column[again]
            view.put(name, column)
    return count > 0


def unordered_hours(view: View, args: Args) -> bool:
    """Every second row first, then the rest: no order at all, and nothing lost."""
    total = len(view.seconds())
    view.take([*range(1, total, 2), *range(0, total, 2)])
    return total > 1


def late_revision(view: View, args: Args) -> bool:
    """Adds `delta` to the values of the hours [from, to)."""
    name = chosen(view, args)
    if name is None:
        return False
    low = epoch(parse_now(args["from"])) if "from" in args else 0
    high = epoch(parse_now(args["to"])) if "to" in args else 2**40
    column, delta = view.get(name), args.get("delta", 1)
    rows = [r for r, second in enumerate(view.seconds()) if low <= second < high and is_number(column[r])]
    for row in rows:
        column[row] = round(column[row] + delta, 6)
    view.put(name, column)
    return bool(rows)


def missing_day(view: View, args: Args) -> bool:
    """The hours of `date` (UTC; default the body's middle day): null on Open-Meteo, not there at all elsewhere.

    A whole data.gov.sg day is answered by `faults.mutated` with the host's own 404 instead.
    """
    seconds = view.seconds()
    middle = seconds[len(seconds) // 2] // 86400
    day = epoch(parse_now(str(args["date"]))) // 86400 if "date" in args else middle
    lost = {row for row, second in enumerate(seconds) if second // 86400 == day}
    if isinstance(view, Hourly):
        for name in view.names():
            view.put(name, [None if row in lost else cell for row, cell in enumerate(view.get(name))])
    else:
        view.take([row for row in range(len(seconds)) if row not in lost])
    return bool(lost)


def wrong_place(view: View, args: Args) -> bool:
    if not isinstance(view, Hourly):
        return False
    latitude, longitude = view.body["latitude"], view.body["longitude"]
    view.body["latitude"] = args.get("latitude", latitude - 25 if latitude > 0 else latitude + 25)
    view.body["longitude"] = args.get("longitude", longitude - 60 if longitude > 0 else longitude + 60)
    return True


def moved_grid_point(view: View, args: Args) -> bool:
    """The cell next door: another body for the same place, still within reach of it."""
    if not isinstance(view, Hourly):
        return False
    view.body["latitude"] = round(view.body["latitude"] + args.get("degrees", 0.07), 6)
    view.body["longitude"] = round(view.body["longitude"] + args.get("degrees", 0.07), 6)
    return True


def dst_offset(view: View, args: Args) -> bool:
    """The same instants, written in a local zone at the one offset that `at` (default the last stamp) had."""
    if not isinstance(view, Hourly) or not view.hourly["time"] or isinstance(view.hourly["time"][0], int):
        return False
    zone = ZoneInfo(args.get("timezone", "Europe/Berlin"))
    seconds = view.seconds()
    asked = epoch(parse_now(args["at"])) if "at" in args else seconds[-1]
    offset = int((datetime.fromtimestamp(asked, zone).utcoffset() or timedelta()).total_seconds())
    view.hourly["time"] = [utc(second + offset).strftime("%Y-%m-%dT%H:%M") for second in seconds]
    hours = offset // 3600
    view.body |= {"utc_offset_seconds": offset, "timezone": zone.key, "timezone_abbreviation": f"GMT{hours:+d}"}
    return True
