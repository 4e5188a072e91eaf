"""What is said to MotherDuck stays within what its documentation says it understands.

Its pages: functions of DuckDB's core and of the extensions json, icu and parquet run there; Python functions, other
extensions and settings of a machine do not. What is kept there must be found there, too: no view over a local file.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import duckdb
import pytest

from warehouse.settings import ROOT

ASKED = r"\b(?:select|insert into|create|delete from|update|alter table|with)\b"
NOT_THERE = {
    "Python or SQL functions": r"\bcreate\s+(?:or\s+replace\s+)?(?:temp\w*\s+)?(?:macro|function)\b",
    "an index, a sequence or a type": r"\bcreate\s+(?:or\s+replace\s+)?(?:unique\s+)?(?:index|sequence|type)\b",
    "extensions": r"\b(?:install|load)\s+'?(?:spatial|httpfs|sqlite|postgres|mysql|excel|fts|vss|inet)\b",
    "files of this machine": r"\b(?:read_csv\w*|read_json\w*|read_parquet|read_text|read_blob|glob)\s*\(",
    "the database's own files": r"\b(?:checkpoint|vacuum|export\s+database|import\s+database)\b",
}
FUNCTION = re.compile(r"(?<![\w.])([a-z_][a-z0-9_]*)\s*\(")
# words of SQL that stand before a bracket and are no functions of its catalogue
WORDS = """
    in as and or not on using values over filter then when else exists any all by from join where select within cast
    try_cast interval into varchar decimal struct exclude replace columns distinct between coalesce jinja
    if ifnull materialized sets
"""
# common table expressions, and what a list of rows is called
NAMED = (r"\b([a-z_]+)\s+as\s+(?:materialized\s+)?\(", r"\bas\s+([a-z_]+)\s*\(")
ITS_OWN = {"md_user_info"}
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def dbt_sql() -> dict[str, str]:
    folder = ROOT / "dbt_project"
    paths = [path for part in ("models", "macros", "tests") for path in (folder / part).rglob("*.sql")]
    return {str(path.relative_to(ROOT)): _bare(path.read_text(encoding="utf-8")) for path in paths}


def _bare(sql: str) -> str:
    sql = re.sub(r"--[^\n]*", "", JINJA.sub(" jinja ", sql))
    return re.sub(r"'(?:[^']|'')*'", "''", sql).lower()


def python_sql() -> dict[str, str]:
    """String constants that are SQL, of the rooms that speak to the warehouse."""
    found = {}
    for path in [*(ROOT / "warehouse").rglob("*.py")]:
        texts = []
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if id(node) in told or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if re.search(ASKED, node.value):
                texts.append(_bare(node.value))
        found[str(path.relative_to(ROOT))] = "\n".join(texts)
    return found


SAID = dbt_sql() | python_sql()


def test_there_is_something_to_check() -> None:
    assert len(SAID) > 100
    assert "delete from" in SAID["warehouse/results.py"]


@pytest.mark.parametrize("what", NOT_THERE)
def test_nothing_is_said_that_motherduck_does_not_know(what: str) -> None:
    assert [name for name, sql in SAID.items() if re.search(NOT_THERE[what], sql)] == []


def test_the_check_would_find_them() -> None:
    for sql in (
        "create macro f(x) as x", "create index i on t (x)", "install spatial", "select * from read_csv('x.csv')",
        "checkpoint",
    ):  # fmt: skip
        assert any(re.search(pattern, _bare(sql)) for pattern in NOT_THERE.values()), sql


def test_every_function_is_one_of_the_core_or_of_an_extension_that_motherduck_has() -> None:
    with duckdb.connect(config={"autoload_known_extensions": False, "autoinstall_known_extensions": False}) as con:
        loaded = {
            name for (name,) in con.execute("select extension_name from duckdb_extensions() where loaded").fetchall()
        }
        assert loaded <= {"core_functions", "icu", "json", "parquet", "jemalloc", "autocomplete", "tpch", "shell"}, (
            loaded
        )
        known = {name for (name,) in con.execute("select function_name from duckdb_functions()").fetchall()}
    used: dict[str, set[str]] = {}
    for file, sql in SAID.items():
        if file.startswith("dbt_project/macros"):
            continue
        named = {name for pattern in NAMED for name in re.findall(pattern, sql)}
        for function in set(FUNCTION.findall(sql)) - set(WORDS.split()) - named - known - ITS_OWN:
            used.setdefault(function, set()).add(file)
    assert used == {}, "neither a function of DuckDB's core, json, icu or parquet, nor a word known here"


def test_no_statement_is_said_once_a_row() -> None:
    """Every trip takes tens of milliseconds there: what is many goes as one table."""
    for path in Path(ROOT / "warehouse").rglob("*.py"):
        assert "executemany" not in path.read_text(encoding="utf-8"), path
