"""A day with a private home, a private meter and a canary in every secret: nothing that is written tells of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from tests.api.serving import served, settings_of
from tests.api.test_lists import PATHS
from tests.e2e.canaries import CANARIES, SECRETS, leaks, tables, texts, written
from tests.e2e.inputs import DAY_1, DAY_2, MAPPING, add_lines, drop_own_series, write_seeds
from tests.e2e.world import Done, World
from warehouse.privacy import pseudonym
from warehouse.published import published_copy
from warehouse.settings import Settings

pytestmark = pytest.mark.timeout(1200)
HOME, METER = "canary-home", "canary-meter"
EXACT = (51.48273, -0.19364)
NAMES = (HOME, "Canary Cottage", METER, "Canary Mill", *map(str, EXACT), f"{EXACT[0]:g}")
KEYS = {1: SECRETS["SKYDUCK_PSEUDONYM_KEY"], 2: "canary-pseudonym-key-2-" + "0" * 32}


def shown(place_id: str, key: int = 1) -> str:
    return pseudonym(SecretStr(KEYS[key]), place_id)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Done, Done]:
    """A world after its first day, what the run said, and what `status` and `doctor` say."""
    world = World(tmp_path_factory.mktemp("private") / "world")
    write_seeds(world.seeds, ("weather,SG,open_meteo,SG", f"weather,{HOME},open_meteo,{HOME}"))
    drop_own_series(world)
    private = (
        ("museum,City Museum,DE,52.52,13.40,Europe/Berlin,false", "mill,Canary Mill,DE,52.5,13.4,Europe/Berlin,true"),
        ("footfall,museum,files,museum", f"footfall,mill,files,{METER}"),
    )
    for seed in ("places.csv", "series.csv"):
        text = (world.seeds / seed).read_text(encoding="utf-8")
        for old, new in private:
            text = text.replace(old, new)
        (world.seeds / seed).write_text(text, encoding="utf-8")
    add_lines(world, "places.csv", f"{HOME},Canary Cottage,GB,{EXACT[0]},{EXACT[1]},Europe/London,true")
    folder = world.data / "drop" / "counters"
    (folder / "mapping.yml").write_text(MAPPING.replace("museum", METER), encoding="utf-8")
    (folder / f"{METER}_broken.csv").write_text("Hour;Visitors\n1;2\n", encoding="utf-8")  # a reason that names it
    done = world.skyduck("run", "--plain", "--as-of", DAY_1, **SECRETS)
    looked = world.skyduck("status", "--as-of", DAY_1, **SECRETS)
    checked = world.skyduck("doctor", **SECRETS)
    looked.stdout += looked.stderr + checked.stdout + checked.stderr
    return world, done, looked


def test_the_day_was_whole_and_its_faults_happened(told: tuple[World, Done, Done]) -> None:
    world, done, _ = told
    assert done.returncode == 3, done.stdout + done.stderr  # the broken file
    series = {name for (name,) in world.published("select distinct series_id from marts.fct_forecasts")}
    assert {f"weather.{shown(HOME)}.temperature_c", "weather.SG.temperature_c"} < series
    assert world.rows("select count(*) from raw.payloads where subject = ?", HOME)[0][0] > 0
    assert world.value("select count(*) from raw.loads where reason like '%" + METER + "%'") > 0
    assert list(world.data.glob("drift/*.html"))
    assert list(world.data.glob("models/reports/*.html"))
    assert list((world.data / "dbt" / "target").rglob("*.sql"))


def test_of_a_private_place_a_pseudonym_and_a_tenth_of_a_degree_are_published(told: tuple[World, Done, Done]) -> None:
    world = told[0]
    rows = world.published(
        "select place_id, name, subject, country, latitude, longitude from marts.dim_series "
        "where dataset = 'weather' and place_id != 'SG' and is_target"
    )
    assert rows == [(shown(HOME), shown(HOME), shown(HOME), "GB", 51.5, -0.2)]
    (reason,) = world.published(
        "select failing_reason from marts.fct_loads where source = 'files' and n_open_windows > 0"
    )[0]
    assert shown("mill") in reason


def test_no_file_and_no_table_but_raw_and_the_seeds_names_a_private_place(told: tuple[World, Done, Done]) -> None:
    world, done, looked = told
    assert leaks(written(world, "warehouse/", "drop/"), NAMES) == []
    assert leaks([("screen", done.stdout + done.stderr), ("status", looked.stdout)], NAMES) == []
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as con:
        found = {what for what, _ in leaks(tables(con, "warehouse"), NAMES)}
    assert {what.split(": ")[1] for what in found} <= {
        "raw.payloads", "raw.loads", "raw.private_places", "staging.places", "staging.series",
        "staging.stg_open_meteo__hourly", "staging.stg_open_meteo__issued", "staging.stg_files__hourly",
    }  # fmt: skip


def test_no_secret_is_written_anywhere(told: tuple[World, Done, Done]) -> None:
    world, done, looked = told
    named = {name for name, kind in Settings.model_fields.items() if "SecretStr" in str(kind.annotation)}
    assert {f"SKYDUCK_{name}".upper().replace("SKYDUCK_MOTHERDUCK", "MOTHERDUCK") for name in named} == SECRETS.keys()
    assert leaks(written(world), CANARIES) == []
    assert leaks([("screen", done.stdout + done.stderr), ("status", looked.stdout)], CANARIES) == []


def test_the_api_answers_with_pseudonyms_only(told: tuple[World, Done, Done]) -> None:
    world, run_id = told[0], told[0].published_run
    with served(settings_of(world.data), now=datetime.fromisoformat(DAY_1) + timedelta(hours=1)) as api:
        answers = [(path, api.get(path.replace("run-6", run_id), params={"limit": 5_000}).text) for path in PATHS]
        answers += [(path, api.get(path).text) for path in ("/health", "/metrics", "/openapi.json")]
        assert any(shown(HOME) in text for _, text in answers)
        assert leaks(answers, NAMES + CANARIES) == []


def test_a_private_place_is_asked_for_by_its_pseudonym(told: tuple[World, Done, Done], tmp_path: Path) -> None:
    world = told[0].copied(tmp_path / "world")
    done = world.skyduck("load", "--subject", shown(HOME), "--as-of", DAY_2, **SECRETS)
    assert done.returncode == 0, done.stderr
    assert world.rows("select distinct subject from raw.loads where attempted_at > ?::timestamp", DAY_1) == [(HOME,)]


def test_a_private_place_that_left_the_seeds_is_still_named_nowhere(
    told: tuple[World, Done, Done], tmp_path: Path
) -> None:
    world = told[0].copied(tmp_path / "world")
    window = ("--from", "2025-11-10T12:00", "--to", "2025-11-10T18:00", "--set", "30", "--as-of", DAY_1)
    reason = f"as {METER} of Canary Mill says, and {HOME}"
    done = world.skyduck("override", "add", "weather.SG.temperature_c", *window, "--reason", reason, **SECRETS)
    assert done.returncode == 0, done.stderr
    for seed in ("places.csv", "series.csv"):
        lines = (world.seeds / seed).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(name in line for name in (HOME, METER, "Canary Mill"))]
        assert len(lines) - len(kept) == 2
        (world.seeds / seed).write_text("".join(kept), encoding="utf-8")
    said = ""
    for command in ("build", "publish", "status"):
        done = world.skyduck(command, "--as-of", DAY_2, **SECRETS)
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout + done.stderr
    assert leaks([("screen", said)], NAMES) == []
    assert leaks(texts(published_copy(world.settings)), NAMES[:-3]) == []
    assert world.published("select reason from marts.fct_overrides") == [
        (f"as {shown('mill')} of {shown('mill')} says, and {shown(HOME)}",)
    ]
    loads = "select subject, failing_reason from marts.fct_loads where source = 'files'"
    assert [shown("mill") in text for row in world.published(loads) for text in row] == [True, True]


def test_with_another_key_the_whole_record_goes_by_the_new_pseudonym(
    told: tuple[World, Done, Done], tmp_path: Path
) -> None:
    world = told[0].copied(tmp_path / "world")
    rotated: dict[str, Any] = SECRETS | {"SKYDUCK_PSEUDONYM_KEY": KEYS[2]}
    done = world.run(DAY_2, **rotated)
    said = json.loads(done.stdout)
    assert any("other names" in line for line in said["warnings"]), said["warnings"]
    series = f"weather.{shown(HOME, 2)}.temperature_c"
    assert world.published(f"select count(distinct run_id) from marts.fct_forecasts where series_id = '{series}'") == [
        (2,)
    ]
    assert world.published(f"select n_hours > 1000 from marts.dim_series where series_id = '{series}'") == [(True,)]
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as con:
        assert leaks(tables(con, "warehouse"), (shown(HOME, 1), shown("mill", 1))) == []
