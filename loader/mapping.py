"""How the columns of a dropped CSV are read: an Electricity Maps export by its header, others by `mapping.yml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from loader.body import Rejected
from warehouse.catalog import Catalog
from warehouse.seed_csv import IDENTIFIER

ELECTRICITY_MAPS_FILE = "{subject}_*.csv"
_INTENSITY, _DIRECT, _LOW = "carbon_intensity_gco2eq_kwh", "carbon_intensity_direct_gco2eq_kwh", "low_carbon_pct"
_ELECTRICITY_MAPS = {  # both spellings of the header, in lower case
    "carbon intensity gco₂eq/kwh (lca)": _INTENSITY,
    "carbon intensity gco₂eq/kwh (life cycle)": _INTENSITY,
    "carbon intensity gco₂eq/kwh (direct)": _DIRECT,
    "low carbon percentage": _LOW,
    "carbon-free energy percentage (cfe%)": _LOW,
}
_KEYS = {
    "dataset", "subject", "subject_from", "time", "time_format", "utc_offset", "delimiter", "decimal", "encoding",
    "skip_footer", "columns",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """columns: header -> variable. subject_from: file name pattern with {subject}; `*` stands for anything."""

    columns: Mapping[str, str]
    time: str
    subject: str | None = None
    subject_from: str | None = None
    time_format: str | None = None
    utc_offset: timedelta = timedelta(0)
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    skip_footer: int = 0

    def subject_of(self, file_name: str) -> str:
        """The subject a file belongs to. Raises Rejected where its name does not say."""
        if self.subject:
            return self.subject
        pattern = re.escape(self.subject_from or "").replace(r"\*", ".*").replace(r"\{subject\}", "(?P<subject>.+?)")
        found = re.fullmatch(pattern, file_name.removesuffix(".gz"))
        if not found or not IDENTIFIER.fullmatch(found["subject"]):
            raise Rejected(
                f"the file name {file_name!r:.100}; expected {self.subject_from} with a subject of series.csv"
            )
        return found["subject"]


def electricity_maps(header: list[str]) -> Columns | None:
    """The mapping of a yearly export of Electricity Maps, if that is what this header is."""
    columns = {name: _ELECTRICITY_MAPS[name.lower()] for name in header if name.lower() in _ELECTRICITY_MAPS}
    if "Datetime (UTC)" not in header or _INTENSITY not in columns.values():
        return None
    return Columns(columns, "Datetime (UTC)", subject_from=ELECTRICITY_MAPS_FILE)


def read_mapping(text: str, catalog: Catalog) -> Columns:
    """A `mapping.yml`. Raises Rejected naming the key that is wrong."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Rejected(f"mapping.yml is no YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(raw, dict) or not raw.keys() <= _KEYS:
        unknown = sorted(map(str, raw.keys() - _KEYS)) if isinstance(raw, dict) else [repr(raw)[:60]]
        raise Rejected(f"mapping.yml has {', '.join(unknown)}; expected keys among {', '.join(sorted(_KEYS))}")
    dataset = _text(raw, "dataset")
    known = [variable.variable for variable in catalog.variables_of(dataset)]
    columns = raw.get("columns")
    if not known:
        raise Rejected(f"mapping.yml: dataset {dataset!r} has no line in variables.csv")
    if not isinstance(columns, dict) or not columns or not set(map(str, columns.values())) <= set(known):
        raise Rejected(f"mapping.yml: columns is {columns!r:.100}; expected header: variable, among {', '.join(known)}")
    if len(set(columns.values())) < len(columns):
        raise Rejected("mapping.yml: two columns feed one variable; expected one each")
    subject, pattern = raw.get("subject"), raw.get("subject_from")
    if (subject is None) == (pattern is None) or (pattern is not None and str(pattern).count("{subject}") != 1):
        raise Rejected("mapping.yml: expected either `subject: X` or `subject_from: '{subject}_*.csv'`")
    return Columns(
        {str(header): str(variable) for header, variable in columns.items()},
        _text(raw, "time"),
        subject=None if subject is None else str(subject),
        subject_from=None if pattern is None else str(pattern),
        time_format=None if raw.get("time_format") is None else str(raw["time_format"]),
        utc_offset=_offset(raw.get("utc_offset", 0)),
        delimiter=_one_of(raw, "delimiter", ",", [",", ";", "\t", "|"]),
        decimal=_one_of(raw, "decimal", ".", [".", ","]),
        encoding=_one_of(raw, "encoding", "utf-8", ["utf-8", "latin-1"]),
        skip_footer=int(_one_of(raw, "skip_footer", "0", [str(n) for n in range(21)])),
    )


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise Rejected(f"mapping.yml: {key} is {value!r:.60}; expected text")
    return value


def _one_of(raw: dict[str, Any], key: str, default: str, allowed: list[str]) -> str:
    value = str(raw.get(key, default))
    if value not in allowed:
        raise Rejected(f"mapping.yml: {key} is {value!r:.60}; expected one of {allowed}")
    return value


def _offset(value: Any) -> timedelta:
    """'+05:30', '-03:00' or a whole number of hours."""
    named = re.fullmatch(r"([+-])(\d{2}):(\d{2})", str(value))
    if named:
        offset = timedelta(hours=int(named[2]), minutes=int(named[3])) * (-1 if named[1] == "-" else 1)
    elif re.fullmatch(r"[+-]?\d{1,2}", str(value)):
        offset = timedelta(hours=int(value))
    else:
        raise Rejected(
            f"mapping.yml: utc_offset is {value!r:.40}; expected '+01:00' or a number of hours (no time zone)"
        )
    if abs(offset) > timedelta(hours=14):
        raise Rejected(f"mapping.yml: utc_offset is {value!r:.40}; expected at most 14 hours")
    return offset
