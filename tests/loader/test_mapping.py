from __future__ import annotations

from datetime import timedelta

import pytest

from loader.body import Rejected
from loader.mapping import read_mapping
from warehouse.catalog import Catalog

AIR = "dataset: air\ntime: t\nsubject: a\ncolumns: {a: pm2_5_ugm3}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a", "expected keys among"),
        ("dataset: [", "is no YAML"),
        ("colour: red", "has colour; expected keys among"),
        ("dataset: nowhere\ntime: t\nsubject: a\ncolumns: {a: b}", "dataset 'nowhere' has no line in variables.csv"),
        ("dataset: air\ntime: t\nsubject: a\ncolumns: {a: o3}", "columns is {'a': 'o3'}; expected header: variable"),
        ("dataset: air\ntime: t\nsubject: a\ncolumns: {a: pm2_5_ugm3, b: pm2_5_ugm3}", "two columns feed one variable"),
        ("dataset: air\ntime: t\ncolumns: {a: pm2_5_ugm3}", "either `subject: X` or `subject_from"),
        ("dataset: air\nsubject: a\ncolumns: {a: pm2_5_ugm3}", "time is None; expected text"),
        (AIR + "utc_offset: Europe/Rome", "utc_offset is 'Europe/Rome'"),
        (AIR + "utc_offset: +20", "at most 14 hours"),
        (AIR + "encoding: utf-16", "expected one of ['utf-8', 'latin-1']"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_named_key_by_key(catalog: Catalog, text: str, expected: str):
    with pytest.raises(Rejected) as error:
        read_mapping(text, catalog)
    assert expected in str(error.value)


@pytest.mark.parametrize(("text", "hours"), [("+05:30", 5.5), ("-03:00", -3), ("2", 2), ("-7", -7)])
def test_an_offset_is_hours_with_or_without_minutes(catalog: Catalog, text: str, hours: float):
    assert read_mapping(AIR + f"utc_offset: '{text}'", catalog).utc_offset == timedelta(hours=hours)


def test_a_subject_is_read_from_the_file_name_by_its_pattern(catalog: Catalog):
    text = AIR.replace("subject: a", "subject_from: 'sensor-{subject}_20*.csv'")
    columns = read_mapping(text, catalog)
    assert columns.subject_of("sensor-kitchen_2026.csv.gz") == "kitchen"
    for name in ("kitchen.csv", "sensor-a/../b_2026.csv", "sensor-_2026.csv"):
        with pytest.raises(Rejected, match="expected sensor-"):
            columns.subject_of(name)
