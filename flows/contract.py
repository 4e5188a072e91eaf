"""docs/contract.md: what exported files hold, as the descriptions and tests of dbt have it (`make contract`)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from flows.export.files import LOCAL
from flows.export.manifest import VERSION
from warehouse.reads.exported import HIDDEN, TABLES, Exported
from warehouse.settings import ROOT

PROJECT = ROOT / "dbt_project"
TEMPLATE = Path(__file__).with_name("contract.md.j2")
PAGE = ROOT / "docs" / "contract.md"
# as the manifest says it: types of dbt in the words of Arrow
TYPES = {
    "varchar": "string",
    "double": "double",
    "integer": "int32",
    "bigint": "int64",
    "boolean": "bool",
    "timestamp": "timestamp[us, tz=UTC]",
}
IN_PATH = ("dataset", "date")
RECENT = "__recent__"  # see macros/get_where_subquery.sql
Yaml = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """`promises`: what dbt tests of it in every run, before anything is published."""

    name: str
    type: str
    meaning: str
    promises: tuple[str, ...]


def page() -> str:
    """The whole page, as it stands in docs/contract.md."""
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - markdown
    env.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    with (PROJECT / "seeds" / "variables.csv").open(encoding="utf-8", newline="") as file:
        variables = list(csv.DictReader(file))
    (raw,) = _load(PROJECT / "models" / "staging" / "raw.yml")["sources"]
    text = env.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        version=VERSION,
        tables=[
            {
                "name": table.name,
                "day_of": table.day_of,
                "about": about(table),
                "columns": columns(table),
                "promises": promises(table),
            }
            for table in TABLES
        ],
        variables=variables,
        old_after=_first(raw, "warn_after"),
    )
    return text.rstrip("\n") + "\n"


def about(table: Exported) -> str:
    """The description of its mart, which opens with what a row is."""
    text = " ".join(_model(table.mart)["description"].split())
    for other in TABLES:
        text = text.replace(other.mart, f"`{other.name}`")
    return text


def columns(table: Exported) -> list[Column]:
    """In the order of the files."""
    found = [_column(each) for each in _model(table.mart)["columns"] if each["name"] not in (*HIDDEN, *IN_PATH)]
    if table.needs_dataset:
        found += [_column(each) for each in _model("dim_series")["columns"] if each["name"] == "unit"]
    return found


def promises(table: Exported) -> list[str]:
    """What holds between its columns and rows."""
    return [line for test in _model(table.mart).get("data_tests", []) for line in _of_table(test)]


def _column(each: Yaml) -> Column:
    kind = TYPES[each["data_type"]]
    if each["name"].startswith(LOCAL):
        kind = kind.replace(", tz=UTC", "")
    constraints = [constraint["type"] for constraint in each.get("constraints", [])]
    lines = [line for test in [*constraints, *each.get("data_tests", [])] for line in _of_column(test)]
    return Column(each["name"], kind, each["description"], tuple(dict.fromkeys(lines)))


def _of_column(test: str | Yaml) -> Iterator[str]:
    name, arguments, when = _test(test)
    if name == "not_null":
        yield "never empty"
    elif name == "unique":
        yield "never twice"
    elif name == "accepted_values":
        yield f"one of {', '.join(arguments['values'])}{when}"
    elif name == "accepted_range":
        low, high = arguments.get("min_value"), arguments.get("max_value")
        yield f"{'−∞' if low is None else low} to {'∞' if high is None else high}{when}"
    elif name == "hourly_grid":
        yield f"every full hour from the first to the last of a series, none twice{when}"
    else:
        raise KeyError(f"the contract has no words for the test {name}")


def _of_table(test: Yaml) -> Iterator[str]:
    name, arguments, when = _test(test)
    if name == "unique_combination":
        yield f"No two rows have the same {', '.join(f'`{column}`' for column in arguments['columns'])}{when}."
    elif name == "expression_is_true":
        yield f"In every row: `{arguments['expression']}`{when}."
    else:
        raise KeyError(f"the contract has no words for the test {name}")


def _test(test: str | Yaml) -> tuple[str, Yaml, str]:
    """(name, arguments, of which rows it is asked)."""
    if isinstance(test, str):
        return test, {}, ""
    ((name, body),) = test.items()
    where = (body.get("config") or {}).get("where")
    when = "the last 45 days and whatever a run touches" if where and RECENT in where else f"rows with `{where}`"
    return name, body.get("arguments") or {}, f" (asked of {when})" if where else ""


@cache
def _model(name: str) -> Yaml:
    (path,) = (PROJECT / "models" / "marts").rglob(f"{name}.yml")
    (found,) = _load(path)["models"]
    return dict(found)


def _load(path: Path) -> Yaml:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def _first(tree: Any, key: str) -> Any:
    """The first value of that name, wherever it stands."""
    below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and key in tree:
        return tree[key]
    return next((found for each in below if (found := _first(each, key)) is not None), None)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
