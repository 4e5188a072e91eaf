"""The rows of a dropped CSV: hourly stamps in UTC and text values, or the line that is wrong."""

from __future__ import annotations

import csv
import io
import zlib
from datetime import UTC, datetime

from loader.answer import gunzip
from loader.body import Rejected
from loader.mapping import Columns, electricity_maps

FOOTER = "A footer is left out by `skip_footer` in mapping.yml"


def unpacked(content: bytes, most: int) -> bytes:
    try:
        unpacked, whole = gunzip(content, most)
    except zlib.error as error:
        raise Rejected(f"bad gzip: {error}; expected a whole .gz file") from None
    if not whole:
        raise Rejected(f"more than {most >> 20} MiB unpacked; split the file")
    return unpacked


def decoded(content: bytes, columns: Columns | None) -> str:
    if columns and columns.encoding == "latin-1":
        return content.decode("latin-1")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(
            f"byte {error.start} is 0x{content[error.start]:02x}, no UTF-8; if the file is Latin-1, "
            "say `encoding: latin-1` in mapping.yml"
        ) from None


def read_rows(text: str, columns: Columns | None) -> tuple[list[tuple[int, dict[str, str]]], Columns]:
    """(line number, row) of every row, and how to read them. Raises Rejected for a wrong header or a stray line."""
    reader = csv.reader(io.StringIO(text), delimiter=columns.delimiter if columns else ",", strict=True)
    try:
        lines = [(reader.line_num, fields) for fields in reader if fields]
    except csv.Error as error:
        raise Rejected(f"line {reader.line_num}: {error}; expected a CSV") from None
    if not lines:
        raise Rejected("an empty file; expected a header and rows")
    header = [name.strip() for name in lines[0][1]]
    columns = columns or electricity_maps(header)
    if columns is None:
        raise Rejected(
            f"the header {','.join(header)[:150]!r}; expected that of Electricity Maps, or a mapping.yml beside it"
        )
    wanted = [columns.time, *columns.columns]
    absent = [name for name in wanted if header.count(name) != 1]
    if absent:
        raise Rejected(f"the header {','.join(header)[:150]!r}; expected {', '.join(map(repr, absent))} in it once")
    lines = lines[1 : len(lines) - columns.skip_footer]
    if not lines:
        raise Rejected("a header without rows; expected hourly rows")
    for n, fields in lines:
        if len(fields) != len(header):
            raise Rejected(
                f"line {n} has {len(fields)} fields ({','.join(fields)[:60]!r}); expected {len(header)}. {FOOTER}"
            )
    return [(n, dict(zip(header, fields, strict=True))) for n, fields in lines], columns


def read_stamp(line: int, row: dict[str, str], columns: Columns) -> datetime:
    """The stamp in UTC."""
    text = row[columns.time].strip()
    form = columns.time_format
    try:
        stamp = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        stamp = stamp.astimezone(UTC).replace(tzinfo=None) if stamp.tzinfo else stamp - columns.utc_offset
    except (ValueError, OverflowError):
        raise Rejected(
            f"line {line}: the time {text[:40]!r}; expected {form or 'ISO such as 2026-01-31 00:00:00'}. {FOOTER}"
        ) from None
    if stamp.minute or stamp.second or stamp.microsecond:
        raise Rejected(f"line {line}: the time {text[:40]!r} is not a full hour of UTC; expected hourly rows")
    return stamp


def read_value(text: str | None, columns: Columns) -> str | None:
    """The text as it stood, with a decimal point; nothing for an empty field."""
    value = (text or "").strip()
    if columns.decimal == ",":
        value = value.replace(".", "").replace(",", ".")
    return value or None
