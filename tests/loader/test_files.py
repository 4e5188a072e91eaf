from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from loader.summary import LoadSummary
from tests.loader.conftest import NOW, make_settings
from tests.loader.upstream import DAY, HOUR
from warehouse.settings import Settings

OLD = (
    "Datetime (UTC),Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),"
    "Low Carbon Percentage"
)
NEW = (
    "Datetime (UTC),Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),"
    "Carbon-free energy percentage (CFE%)"
)
MAPPING = """
dataset: indoor
subject_from: "{subject}_*.csv"
time: measured_at
utc_offset: "+01:00"
time_format: "%d.%m.%Y %H:%M"
delimiter: ";"
decimal: ","
encoding: latin-1
skip_footer: 1
columns: {"Feinstaub µg": pm_ugm3}
"""
Run = Callable[..., LoadSummary]
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def settings(tmp_path: Path, seeds: Path) -> Settings:
    """Seeds with one Electricity Maps zone and one dataset of the user's own; no upstream at all."""
    for name, line in {
        "places.csv": "IT-NO,Northern Italy,IT,45.5,9.2,Europe/Rome,false\n"
        "kitchen,Kitchen,IT,45.5,9.2,Europe/Rome,false",
        "series.csv": "carbon,IT-NO,files,IT-NO\nindoor,kitchen,files,kitchen",
        "variables.csv": "indoor,pm_ugm3,true,µg/m³,0,1000,24,Particles in the kitchen",
    }.items():
        with (seeds / name).open("a") as file:
            file.write(line + "\n")
    return make_settings(tmp_path, seeds_dir=seeds)


@pytest.fixture
def drop(settings: Settings) -> Path:
    (settings.drop_path / "em").mkdir(parents=True)
    return settings.drop_path


def export(header: str = OLD, start: datetime = datetime(2022, 1, 1), n: int = 48, add: float = 0) -> str:
    rows = [f"{start + k * HOUR},IT-NO,,{300 + k % 24 + add},50.5" for k in range(n)]
    return "\n".join([header, *rows]) + "\n"


@pytest.fixture
def files(run: Run) -> Run:
    return lambda *args, **how: run(*args, sources=["files"], **how)


def only(summary: LoadSummary) -> Any:
    [found] = summary.sources
    return found


@pytest.mark.parametrize("header", [OLD, NEW])
@pytest.mark.parametrize("packed", [False, True])
def test_a_yearly_export_needs_no_mapping_in_either_spelling(drop, files, query: Query, header: str, packed: bool):
    content = export(header).encode()
    name = drop / "em" / ("IT-NO_2022_hourly.csv" + ".gz" * packed)
    name.write_bytes(gzip.compress(content) if packed else content)
    found = only(files())
    assert (found.n_ok, found.n_new_bodies, found.n_hours, found.n_calls) == (1, 1, 48, 0)
    [(subject, start, end, mode, body)] = query(
        "select subject, window_start, window_end, mode, body::varchar from raw.payloads"
    )
    assert (subject, start, end, mode) == ("IT-NO", datetime(2022, 1, 1), datetime(2022, 1, 3), "backfill")
    document = orjson.loads(body)
    assert document["time"][1] == "2022-01-01T01:00"
    assert document["columns"]["carbon_intensity_gco2eq_kwh"][1] == "301"
    assert document["columns"]["carbon_intensity_direct_gco2eq_kwh"][1] is None
    assert document["columns"]["low_carbon_pct"][1] == "50.5"


def test_any_csv_is_read_by_its_mapping(drop: Path, files: Run, query: Query):
    folder = drop / "sensors"
    folder.mkdir()
    (folder / "mapping.yml").write_text(MAPPING)
    text = "measured_at;Feinstaub µg\n01.01.2026 00:00;1.012,5\n01.01.2026 01:00;n/a\n01.01.2026 02:00;\nTotal;3;rows\n"
    (folder / "kitchen_january.csv").write_bytes(text.encode("latin-1"))
    assert only(files()).n_ok == 1
    [(body, start)] = query("select body::varchar, window_start from raw.payloads")
    document = orjson.loads(body)
    assert start == datetime(2025, 12, 31, 23)
    assert document["time"] == ["2025-12-31T23:00", "2026-01-01T00:00", "2026-01-01T01:00"]
    assert document["columns"] == {"pm_ugm3": ["1012.5", "n/a", None]}


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "only a header": (OLD.encode(), "a header without rows"),
    "a wrong header": (
        b"when,what\n2022-01-01,3\n",
        "the header 'when,what'; expected that of Electricity Maps, or a mapping.yml",
    ),
    "a footer line": ((export() + "Total,,,99,\n").encode(), "line 50: the time 'Total'; expected ISO"),
    "a footer of other width": (
        (export() + "Source: somebody\n").encode(),
        "line 50 has 1 fields ('Source: somebody'); expected 5",
    ),
    "latin-1": (
        export(OLD.replace("Zone Id", "Zoné")).encode("utf-8").replace("é".encode(), b"\xe9"),
        "if the file is Latin-1, say `encoding: latin-1`",
    ),
    "half hours": (export(start=datetime(2022, 1, 1, 0, 30)).encode(), "is not a full hour of UTC"),
    "an hour twice with different values": (
        (export() + "2022-01-01 05:00:00,IT-NO,,999,50.5\n").encode(),
        "2022-01-01 05:00 twice, with",
    ),
    "html": (b"<!doctype html><html>", "the header '<!doctype html><html>'"),
    "a quote without its end": ((export() + '"2022,\n').encode(), "expected a CSV"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_kept_whole_with_the_reason(drop: Path, files: Run, query: Query, name: str):
    content, expected = BAD[name]
    (drop / "em" / "IT-NO_2022_hourly.csv").write_bytes(content)
    summary = files()
    assert only(summary).n_rejected == 1
    assert expected in summary.failed[0]
    [(status, text, subject)] = query("select status, body_text, subject from raw.payloads")
    assert (status, subject) == ("rejected", "IT-NO")
    assert text.encode("utf-8", "backslashreplace")[:10] == content.replace(b"\xe9", b"\\xe9")[:10]


def test_a_damaged_gzip_file_is_kept_with_the_reason(drop: Path, files: Run, query: Query):
    (drop / "em" / "IT-NO_2022_hourly.csv.gz").write_bytes(gzip.compress(export().encode())[:-20])
    assert "bad gzip" in files().failed[0]
    assert query("select count(*) from raw.payloads where body_text is not null") == [(1,)]


def test_a_file_over_the_limit_is_refused_without_being_read_whole(drop, files, settings: Settings, query: Query):
    (drop / "em" / "IT-NO_2022_hourly.csv").write_text(export(n=40_000))
    small = settings.model_copy(update={"http_max_mib": 1.0})
    assert "more than 1 MiB" in files(settings=small).failed[0]
    assert query("select strlen(body_text) from raw.payloads") == [(1 << 20,)]


def test_a_rejected_file_is_said_in_every_run_but_stored_once_and_mending_it_ends_that(drop, files, query: Query):
    file = drop / "em" / "IT-NO_2022_hourly.csv"
    file.write_text("nonsense")
    assert files().failed
    assert files(NOW + HOUR).failed
    assert query("select count(*) from raw.payloads") == [(1,)]
    file.write_text(export())
    assert not files(NOW + 2 * HOUR).failed


def test_an_unchanged_file_is_not_read_again(drop: Path, files: Run):
    for year in range(2001, 2021):
        (drop / "em" / f"IT-NO_{year}_hourly.csv").write_text(export(start=datetime(year, 1, 1)))
    assert only(files()).n_ok == 20
    for file in drop.glob("em/*"):
        changed = file.stat().st_mtime
        file.write_text("0" * file.stat().st_size)  # who opened it would see nonsense
        os.utime(file, (changed, changed))
    assert only(files(NOW + DAY)).n_windows == 0


def test_a_changed_file_becomes_a_new_version_and_a_touched_one_does_not(drop: Path, files: Run, query: Query):
    file = drop / "em" / "IT-NO_2022_hourly.csv"
    file.write_text(export())
    files()
    os.utime(file, (1_700_000_000, 1_700_000_000))
    touched = only(files(NOW + HOUR))
    assert (touched.n_ok, touched.n_new_bodies) == (1, 0)
    file.write_text(export(add=7))
    assert only(files(NOW + 2 * HOUR)).n_new_bodies == 1
    assert query("select count(*), count(distinct sha256) from raw.payloads") == [(2, 2)]


def test_rows_that_come_later_are_live_and_the_history_is_not_stored_again(drop: Path, files: Run, query: Query):
    file = drop / "em" / "IT-NO_live_hourly.csv"
    start = NOW.replace(minute=0) - 47 * HOUR
    file.write_text(export(start=start))
    files()
    file.write_text(export(start=start, n=52))
    found = only(files(NOW + 4 * HOUR))
    assert (found.n_ok, found.n_new_bodies) == (2, 1)
    assert query("select mode, json_array_length(body, '$.time') from raw.payloads order by payload_seq") == [
        ("backfill", 48),
        ("live", 4),
    ]


def test_rows_after_now_are_left_until_their_time_has_come(drop: Path, files: Run, query: Query):
    start = NOW.replace(minute=0) - 3 * HOUR
    (drop / "em" / "IT-NO_2026_hourly.csv").write_text(export(start=start))
    files()
    assert query("select max(last_observed_at), any_value(reason) from raw.loads") == [
        (NOW.replace(minute=0), "44 rows after 2026-11-20 06:10 are left for a later load")
    ]
    assert only(files(NOW + 60 * DAY)).n_hours == 48
    assert only(files(NOW + 61 * DAY)).n_windows == 0


def test_a_long_file_is_kept_in_bodies_of_ten_thousand_rows(drop: Path, files: Run, query: Query):
    (drop / "em" / "IT-NO_all_hourly.csv").write_text(export(start=datetime(2020, 1, 1), n=25_000))
    assert only(files()).n_new_bodies == 3
    assert query("select json_array_length(body, '$.time') from raw.payloads order by window_start") == [
        (10_000,), (10_000,), (5_000,),
    ]  # fmt: skip


def test_a_subject_without_a_series_is_named_once_and_no_error(drop: Path, files: Run, query: Query):
    for year in (2021, 2022):
        (drop / "em" / f"GB_{year}_hourly.csv").write_text(export())
    said: list[str] = []
    assert not files(progress=said.append).failed
    assert [line for line in said if "GB" in line] == [
        "files: not read, because series.csv has no line for them: GB (1 subjects)"
    ]
    assert query("select count(*) from raw.loads") == [(0,)]


def test_a_wrong_mapping_rejects_the_files_beside_it_and_mending_it_reads_them(drop: Path, files: Run):
    folder = drop / "sensors"
    folder.mkdir()
    (folder / "mapping.yml").write_text("dataset: nowhere")
    (folder / "kitchen_1.csv").write_text("measured_at;Feinstaub µg\n01.01.2026 00:00;1,5\n", encoding="latin-1")
    assert "dataset 'nowhere' has no line" in files().failed[0]
    (folder / "mapping.yml").write_text(MAPPING.replace("skip_footer: 1\n", ""))
    assert not files(NOW + HOUR).failed


def test_a_file_name_cannot_reach_out_of_the_drop_folder_or_into_a_subject(drop: Path, files: Run, query: Query):
    (drop / "em" / "'; drop table raw.loads; --_2022_hourly.csv").write_text(export())
    assert "expected {subject}_*.csv" in files().failed[0]
    assert query("select subject from raw.payloads") == [("___drop_table_raw",)]


def test_recorded_exports_are_read_to_the_last_row(drop: Path, files: Run, recorded, query: Query):
    content = recorded("files/electricity_maps/IT-NO_2022_hourly.csv.gz")
    (drop / "em" / "IT-NO_2022_hourly.csv").write_bytes(content)
    n_rows = len(list(csv.reader(content.decode().splitlines()))) - 1
    assert only(files()).n_hours == n_rows == 8760
    assert query("select count(*), sum(json_array_length(body, '$.time')) from raw.payloads") == [(1, n_rows)]
