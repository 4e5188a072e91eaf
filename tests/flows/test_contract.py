"""docs/contract.md says what the files hold, in the words of dbt, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from flows import contract
from flows.contract import PAGE, columns, page
from tests.flows.exporting import export, manifest, publish
from warehouse.reads.exported import TABLES
from warehouse.settings import Settings


def test_the_page_is_what_dbt_says_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make contract`"


def test_its_columns_and_types_are_those_of_the_files(settings: Settings, tmp_path: Path) -> None:
    publish(settings, 1)
    export(settings, tmp_path)
    found = manifest(tmp_path)["columns"]
    assert {table.name: {each.name: each.type for each in columns(table)} for table in TABLES} == found
    assert [list(found[table.name]) for table in TABLES] == [[each.name for each in columns(table)] for table in TABLES]


def test_every_column_is_described_and_every_key_is_promised() -> None:
    for table in TABLES:
        known = {each.name: each for each in columns(table)}
        assert all(each.meaning for each in known.values())
        assert all("never empty" in known[name].promises for name in (*table.key, table.day_of))
        (unique,) = [line for line in contract.promises(table) if line.startswith("No two rows")]
        assert set(re.findall(r"`(\w+)`", unique.split(" (")[0])) <= set(table.key)


@pytest.mark.parametrize("test", ["a_new_test", {"a_new_test": {"arguments": {}}}], ids=str)
def test_a_promise_that_the_page_has_no_words_for_is_not_passed_over(test: object) -> None:
    with pytest.raises(KeyError, match="a_new_test"):
        list(contract._of_column(test))  # type: ignore[arg-type]


def test_the_query_of_the_page_reads_what_is_exported(settings: Settings, tmp_path: Path) -> None:
    publish(settings, 1)
    export(settings, tmp_path)
    (sql,) = re.findall(r"```sql\n(.*?)```", page(), re.DOTALL)
    with duckdb.connect() as con:
        con.execute(sql.replace("PLACE", str(tmp_path)))
        assert len(con.fetchall()) == sum(
            file["rows"] for file in manifest(tmp_path)["files"] if file["path"].startswith("current_forecasts/")
        )
