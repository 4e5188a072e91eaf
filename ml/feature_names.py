"""Columns of the matrix in words: the group a reader would put one in, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable

ISSUED = "issued_"
UNIT_SUFFIXES = ("_gco2eq_kwh", "_ugm3", "_pct", "_kmh", "_c")
OF_VARIABLE = re.compile(r"(?P<variable>.+)_(?:lag_\d+|mean_\d+|same_hour_d\d+)")
GROUPS = (  # the first pattern that matches names the group
    (re.compile(r"staleness_h|n_known_\d+|issued_lead_h"), "age of the inputs"),
    (re.compile(r"horizon_h"), "hours ahead"),
    (re.compile(r"same_hour_.*|usual_change"), "same hour on past days"),
    (re.compile(r"lag_\d+|last_value|mean_(3|6|12)|std_6|above_usual"), "recent hours"),
    (re.compile(r"base|(mean|std|min|max)_\d+(_d\d+)?"), "level of past days and weeks"),
    (re.compile(r"peers_.*"), "neighbours"),
    (re.compile(r"series|latitude|longitude"), "place"),
    (re.compile(r"local_.*|origin_local_hour|utc_hour|sun.*|season_.*"), "sun and calendar"),
)
LABELS = (
    (re.compile(r"lag_0|last_value"), "value at the origin"),
    (re.compile(r"lag_(\d+)"), r"value \1 h before the origin"),
    (re.compile(r"mean_24_d(\d+)"), r"mean of the day \1 d before"),
    (re.compile(r"mean_(\d+)"), r"mean of the last \1 h"),
    (re.compile(r"std_(\d+)"), r"spread of the last \1 h"),
    (re.compile(r"min_(\d+)"), r"least of the last \1 h"),
    (re.compile(r"max_(\d+)"), r"greatest of the last \1 h"),
    (re.compile(r"same_hour_d(\d+)_([-+]\d+)"), r"hour \2 of \1 d before"),
    (re.compile(r"same_hour_d(\d+)"), r"same hour \1 d before"),
    (re.compile(r"same_hour_mean_(\d+)_wide"), r"same hour ±1, mean of \1 days"),
    (re.compile(r"same_hour_mean_(\d+)"), r"same hour, mean of \1 days"),
    (re.compile(r"usual_change"), "usual change from origin to target hour"),
    (re.compile(r"above_usual"), "origin above its usual value"),
    (re.compile(r"base"), "base of the target"),
    (re.compile(r"series"), "which series"),
    (re.compile(r"staleness_h"), "hours since the last value"),
    (re.compile(r"issued_lead_h"), "age of the weather forecast"),
    (re.compile(r"horizon_h"), "hours ahead"),
    (re.compile(r"local_hour"), "local hour of the target"),
    (re.compile(r"origin_local_hour"), "local hour of the origin"),
    (re.compile(r"local_weekday"), "day of the week"),
    (re.compile(r"utc_hour"), "UTC hour of the target"),
    (re.compile(r"sun"), "height of the sun"),
    (re.compile(r"sun_(.+)"), r"height of the sun \1"),
    (re.compile(r"season_.+"), "season"),
    (re.compile(r"peers_last"), "neighbours at the origin"),
    (re.compile(r"peers_same_hour_d1"), "neighbours, same hour 1 d before"),
    (re.compile(r"peers_mean_(\d+)"), r"neighbours, mean of the last \1 h"),
    (re.compile(r"peers_(min|max)"), r"\1 of the neighbours"),
)
OF_COVARIATE = (
    (re.compile(r"lag_0"), "at the origin"),
    (re.compile(r"lag_(\d+)"), r"\1 h before the origin"),
    (re.compile(r"mean_(\d+)"), r"mean of the last \1 h"),
    (re.compile(r"same_hour_d1"), "same hour 1 d before"),
)


def group_of(column: str) -> str:
    """Readable group of a column; every column has one, and a covariate is a group of its own."""
    for pattern, name in GROUPS:
        if pattern.fullmatch(column):
            return name
    if column.startswith(ISSUED):
        return f"forecast {variable_name(_issued_variable(column))}"
    found = OF_VARIABLE.fullmatch(column)
    return f"measured {variable_name(found['variable'])}" if found else column.replace("_", " ")


def label_of(column: str) -> str:
    """What one column says."""
    for pattern, words in LABELS:
        if pattern.fullmatch(column):
            return pattern.sub(words, column).replace("_", " ")
    if column.startswith(ISSUED):
        variable = _issued_variable(column)
        rest = column.removeprefix(ISSUED + variable).strip("_").replace("_", " ")
        return f"forecast {variable_name(variable)}{', ' + rest if rest else ''}"
    found = OF_VARIABLE.fullmatch(column)
    if found:
        what = column.removeprefix(found["variable"] + "_")
        words = next((p.sub(w, what) for p, w in OF_COVARIATE if p.fullmatch(what)), what.replace("_", " "))
        return f"{variable_name(found['variable'])} {words}"
    return column.replace("_", " ")


def variable_name(variable: str) -> str:
    """pm2_5_ugm3 -> PM2.5, cloud_cover_pct -> cloud cover."""
    for suffix in UNIT_SUFFIXES:
        variable = variable.removesuffix(suffix)
    return "PM2.5" if variable == "pm2_5" else variable.replace("_", " ")


def groups(columns: Iterable[str]) -> dict[str, list[int]]:
    """Group -> positions of its columns, in the order of first appearance."""
    found: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        found.setdefault(group_of(column), []).append(position)
    return found


def _issued_variable(column: str) -> str:
    """The variable of issued_<variable>_<unit>[_more]."""
    name = column.removeprefix(ISSUED)
    for suffix in UNIT_SUFFIXES:
        head, found, _ = name.partition(suffix)
        if found:
            return head + suffix
    return name
