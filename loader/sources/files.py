"""CSV files dropped into a folder: how a user brings series of their own.

Yearly exports of Electricity Maps (`<zone>_<year>_hourly.csv`, also .csv.gz) need nothing but a line in series.csv:
`carbon,<place_id>,files,<zone>`. Any other hourly CSV goes into a folder with a `mapping.yml` beside it:

    <drop folder>/my_sensors/mapping.yml
        dataset: indoor              # a dataset of variables.csv
        subject_from: "{subject}_*.csv"   # or `subject: kitchen`; the subject column of series.csv
        time: measured_at            # the column with the start of each hour
        utc_offset: "+01:00"         # of those stamps, unless they carry their own; default UTC
        time_format: "%d.%m.%Y %H:%M"     # default ISO
        delimiter: ";"               # , ; | or tab; default ,
        decimal: ","                 # default .
        encoding: latin-1            # default utf-8
        skip_footer: 1               # lines at the end that are no rows; default 0
        columns: {"PM2,5": pm2_5_ugm3}    # header: variable of that dataset

A file is read again when its name, size, time or mapping changed; changed rows become new versions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import loader.body as body
import loader.table as table
from loader.body import Rejected, rejected
from loader.mapping import ELECTRICITY_MAPS_FILE, Columns, read_mapping
from loader.source import DAY, HOUR, Checked, Context, Endpoint, Mode, Planned, Request, Window
from warehouse.catalog import Catalog
from warehouse.settings import Settings

NAME = "files"
STABLE: dict[str, str] = {}
ROWS_PER_BODY = 10_000


def hosts(settings: Settings) -> list[str]:
    """None: files are read where they lie."""
    return []


def endpoints(catalog: Catalog) -> list[Endpoint]:
    """Planned by the files that are there: any subject of series.csv whose source is `files`."""
    subjects = tuple(dict.fromkeys(spec.subject for spec in catalog.series_of(NAME)))
    return [Endpoint(NAME, "csv", subjects, by_file=True)] if subjects else []


def requests(endpoint: Endpoint, planned: Sequence[Planned], context: Context) -> list[Request]:
    """The files that are new or changed. A subject without a line in series.csv is named, not read."""
    made, unknown, mappings = [], set(), {}
    for file in _files(context.settings.drop_path):
        if file.parent not in mappings:
            mappings[file.parent] = _mapping_text(file.parent)
        text = mappings[file.parent]
        signature = _signature(file, text, context.settings.drop_path)
        if any(known.startswith(signature) for known in context.read_files):
            continue
        try:
            columns = (
                read_mapping(text, context.catalog) if text else Columns({}, "", subject_from=ELECTRICITY_MAPS_FILE)
            )
            subject = columns.subject_of(file.name)
        except Rejected:  # said, and kept, when the file is checked
            subject = re.sub(r"[^A-Za-z0-9_-]", "_", file.name.split(".")[0])[:60] or "unnamed"
        else:
            if subject not in endpoint.subjects:
                unknown.add(subject)
                continue
        day = datetime.combine(datetime.fromtimestamp(file.stat().st_mtime, UTC).date(), time())
        window = Window(day, day + DAY)  # where a file that cannot be read is filed: its own day
        made.append(Request(endpoint, (Planned(subject, window, context.mode),), file=file, signature=signature))
    if unknown:
        names = ", ".join(sorted(unknown)[:8])
        context.say(f"files: not read, because series.csv has no line for them: {names} ({len(unknown)} subjects)")
    return made


def _files(drop: Path) -> list[Path]:
    found = [f for pattern in ("*.csv", "*.csv.gz", "*/*.csv", "*/*.csv.gz") for f in drop.glob(pattern)]
    return sorted(f for f in found if f.is_file() and not f.name.startswith((".", "~")))


def _mapping_text(folder: Path) -> str | None:
    file = folder / "mapping.yml"
    return body.as_text(file.read_bytes()) if file.is_file() else None


def _signature(file: Path, mapping: str | None, drop: Path) -> str:
    """What the ledger remembers of a file that was read to its end."""
    stat = file.stat()
    changed = datetime.fromtimestamp(stat.st_mtime, UTC)
    how = hashlib.sha256(mapping.encode()).hexdigest()[:8] if mapping else "its header"
    return (
        f"read {file.relative_to(drop).as_posix()} ({stat.st_size} bytes of {changed:%Y-%m-%d %H:%M:%S.%f}, by {how})"
    )


def check(request: Request, content: bytes, context: Context) -> list[Checked]:
    """Bodies of at most 10,000 rows; rows later than now are left for a later load."""
    planned, file = request.planned[0], request.file or Path()
    try:
        if file.name.endswith(".gz"):
            content = table.unpacked(content, int(context.settings.http_max_mib * (1 << 20)))
        mapping = _mapping_text(file.parent)
        columns = read_mapping(mapping, context.catalog) if mapping else None
        text = table.decoded(content, columns)
        rows, columns = table.read_rows(text, columns)
        columns.subject_of(file.name)
        stamps = [table.read_stamp(n, row, columns) for n, row in rows]
        values = {v: [table.read_value(row.get(h), columns) for _, row in rows] for h, v in columns.columns.items()}
        grid = body.read_grid(stamps, values)
    except Rejected as no:
        return [rejected(planned, content, f"{file.name}: {no}")]
    order = sorted({stamp: n for n, stamp in enumerate(stamps)}.items())
    kept = [(stamp, n) for stamp, n in order if stamp < context.now]
    notes = list(grid.notes)
    if len(kept) < len(order):
        notes.append(f"{len(order) - len(kept):,} rows after {context.now:%Y-%m-%d %H:%M} are left for a later load")
    elif request.signature:
        notes.insert(0, request.signature)
    return list(_bodies(planned, file.name, kept, values, notes, context))


def _bodies(
    planned: Planned, name: str, kept: list[tuple[datetime, int]], values: dict[str, list[Any]], notes: list[str],
    context: Context,
) -> Iterator[Checked]:  # fmt: skip
    """Rows before the subject was first loaded are its history; later ones came live and never share a body with it."""
    first = context.first_attempts.get(planned.subject, context.now)
    split = sum(stamp < first for stamp, _ in kept) if context.mode == "live" else len(kept)
    parts: list[tuple[Mode, int, int]] = [("backfill", 0, split), ("live", split, len(kept))]
    for mode, begin, end in parts:
        for start in range(begin, end, ROWS_PER_BODY):
            rows = kept[start : min(start + ROWS_PER_BODY, end)]
            stamps = [stamp for stamp, _ in rows]
            columns = {variable: [column[n] for _, n in rows] for variable, column in values.items()}
            document = {
                "file": name,
                "rows_from": start,
                "time": [f"{stamp:%Y-%m-%dT%H:%M}" for stamp in stamps],
                "utc_offset_seconds": 0,
                "columns": columns,
            }
            grid = body.read_grid(stamps, columns)
            yield Checked(
                Planned(planned.subject, Window(stamps[0], stamps[-1] + HOUR), mode), "ok", document,
                digest={key: document[key] for key in ("time", "columns")}, reason=body.joined(notes),
                present=grid.present, n_values=grid.n_values,
            )  # fmt: skip
