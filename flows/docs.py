"""The documentation as a site of two pages: dbt's of every table, and beside it how tests, data and forecasts stand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from flows import dbt
from flows.dbt_log import Progress
from warehouse.errors import BadInput
from warehouse.published import open_copy, publication, published_copy
from warehouse.settings import ROOT, Settings

TEMPLATE = Path(__file__).parent / "docs.html.j2"
WRONG = ("fail", "error", "runtime error", "warn")
LINK = (
    '<a href="status.html" style="position:fixed;z-index:2000;left:1rem;bottom:1rem;padding:.4rem .8rem;'
    'background:#fff;border:1px solid #00598c;border-radius:6px;color:#00598c">How it stands now</a>'
)
Row = dict[str, Any]
_SKILL = """
    select
        skill.dataset, skill.model, skill.reference, skill.n_rows, skill.mae, skill.reference_mae, skill.skill_mae,
        champions.report_from, champions.report_to
    from marts.fct_backtest_skill as skill
    inner join marts.dim_champions as champions on skill.dataset = champions.dataset and skill.model = champions.model
    inner join marts.fct_champion_history as history
        on champions.model_version = history.model_version and history.is_current
    inner join marts.dim_model_versions as versions
        on champions.model_version = versions.model_version and skill.run_id = versions.run_id
    where skill.role = 'report' and skill.is_best_reference
    order by skill.dataset
"""
_REALISED = """
    select dataset, lead_to_h, n_origins, n_hours, mae, mae_promised, coverage_80, coverage_80_promised
    from marts.fct_realised_errors inner join marts.dim_champions using (dataset, model_version)
    where series_id = 'all' order by dataset, lead_to_h
"""


def write(settings: Settings, folder: Path, *, now: datetime, progress: Progress) -> Path:
    """Path of the site's first page. Raises BadInput where nothing was built yet."""
    if not settings.is_motherduck and not settings.warehouse_path.exists():
        raise BadInput(f"there is no warehouse at {settings.warehouse_path} yet: `skyduck run` makes one")
    page = dbt.docs(settings, now=now, progress=progress)
    progress("how it stands")
    folder.mkdir(parents=True, exist_ok=True)
    text = page.read_text(encoding="utf-8").replace("</body>", f"{LINK}</body>", 1)
    for place, name in ((settings.data_dir.resolve(), "data"), (ROOT, "skyduck")):  # a site says nothing of a machine
        text = text.replace(str(place), name)
    (folder / "index.html").write_text(text, encoding="utf-8")
    (folder / "status.html").write_text(_status(settings, now), encoding="utf-8")
    return folder / "index.html"


def _status(settings: Settings, now: datetime) -> str:
    env = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    template = env.from_string(TEMPLATE.read_text(encoding="utf-8"))
    tests = tests_of(settings)
    return template.render(
        now=now,
        tests=tests,
        counts=Counter(test["status"] for test in tests),
        wrong=[test for test in tests if test["status"] in WRONG],
        sources=_freshness(settings),
        **_scores(settings),
    )


def tests_of(settings: Settings) -> list[Row]:
    """What each test of the project last came to: name, of what (table, column), status, message, as_of."""
    manifest = json.loads((dbt.target_path(settings) / "manifest.json").read_text(encoding="utf-8"))
    known = dbt.read_results(dbt.results_path(settings))
    never = {"status": "never run", "failures": None, "message": None, "as_of": None}
    found = []
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "test":
            of = ".".join((node.get("attached_node") or "").split(".")[2:3])
            kind = (node.get("test_metadata") or {}).get("name") or node["name"]
            result = known.get(unique_id, never)
            found.append({"name": kind, "table": of, "column": node.get("column_name") or "", **result})
    return sorted(found, key=lambda test: (test["status"] not in WRONG, test["table"], test["column"], test["name"]))


def _freshness(settings: Settings) -> list[Row]:
    found = dbt.read_results(dbt.target_path(settings) / "sources.json").get("results", [])
    return [
        {
            "source": item["unique_id"].split(".")[-1],
            "status": item["status"],
            "newest": (item.get("max_loaded_at") or "–")[:16].replace("T", " "),
            "age_h": (item.get("max_loaded_at_time_ago_in_s") or 0) / 3600,
        }
        for item in found
    ]


def _scores(settings: Settings) -> Row:
    """Of the published copy; nothing before there is one."""
    try:
        path = published_copy(settings)
        run_id, published_at, _ = publication(path)
    except BadInput:
        return {"run_id": None, "published_at": None, "skill": [], "realised": []}
    with open_copy(path) as con:
        return {
            "run_id": run_id,
            "published_at": published_at,
            "skill": con.execute(_SKILL).fetch_arrow_table().to_pylist(),
            "realised": con.execute(_REALISED).fetch_arrow_table().to_pylist(),
        }
