"""A run that ends with an error is told once, by real runs that cannot go on, and its end is told."""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows import alarms, failure
from flows.run import Run
from tests.flows.conftest import Skyduck
from tests.flows.test_alarms import NOW, webhook, world
from warehouse import lock
from warehouse.connection import connect
from warehouse.errors import BadInput, DataTestFailed, UpstreamFailed
from warehouse.privacy import settle
from warehouse.settings import ROOT, Settings

__all__ = ["webhook", "world"]
AS_OF = ("--as-of", "2026-01-01T06:10")


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """The project's own, with a series of a place that no seed knows."""
    folder = tmp_path / "seeds"
    shutil.copytree(ROOT / "dbt_project" / "seeds", folder)
    with (folder / "series.csv").open("a") as file:
        file.write("weather,NOWHERE,open_meteo,NOWHERE\n")
    return folder


def rows(settings: Settings) -> list[tuple[str, str, str]]:
    with connect(settings) as con:
        return con.execute("select run_id, alarm_id, state from ml.alarms order by created_at, state").fetchall()


def log(settings: Settings) -> str:
    path = settings.data_dir / "alarms.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def run_of(settings: Settings, run_id: str, minutes: int = 0, flow: str = "daily") -> Run:
    return Run(settings, flow, NOW + timedelta(minutes=minutes), run_id, lambda line: None)


def ends(run: Run, error: BaseException | None = None) -> None:
    """The run as its sequence ends."""
    expected = pytest.raises(type(error), match=f"^{re.escape(str(error))}$") if error else nullcontext()
    with expected, failure.told(run), failure.told(run):
        if error is not None:
            raise error


def test_a_real_run_that_fails_every_day_is_told_once(
    settings: Settings, skyduck: Skyduck, seeds: Path, webhook: tuple[str, list[dict[str, str]]]
) -> None:
    address, told = webhook
    for minute in ("06:10", "06:20"):
        done = skyduck("run", "--plain", "--as-of", f"2026-01-01T{minute}", SKYDUCK_SEEDS_DIR=str(seeds),
                       SKYDUCK_NOTIFY=address)  # fmt: skip
        assert done.returncode == 2, done.stderr
    (row,) = rows(settings)
    assert row[1:] == ("run:daily", "raised")
    assert log(settings).count("CRITICAL the daily run ended before it published: ") == 1
    (message,) = told
    assert "NOWHERE" in message["message"]
    assert "Mend what it names, then `skyduck run`" in message["message"]


HOME = "home-7,Ada's Cottage,GB,51.50743,-0.12784,Europe/London"
TELLS = ("home-7", "hom-7", "Ada's", "Cottage", "meter-7", "51.507", "0.1278")
MISTAKES = {
    "its subject feeds another place, too": (
        "series",
        "",
        "weather,DE,files,meter-7\n",
        "series.csv line 26: subject",
    ),
    "a place that nobody knows": ("series", "home-7", "hom-7", "series.csv line 25: place_id"),
    "a public line of the same id": ("places", "", f"{HOME},false\n", "places.csv line 25: place_id"),
    "private in other words": ("places", "London,true", "London,True", "places.csv line 24: is_private"),
    "a comma in the name": ("places", "Ada's", "Ada's,", "places.csv line 24: 8 fields"),
    "no header, and it comes first": (
        "places",
        "place_id,",
        f"{HOME},true\nplace_id,",
        "places.csv line 1: the header",
    ),
    "it left places.csv alone": ("places", f"{HOME},true\n", "", "series.csv line 25: place_id"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_seeds_is_named_by_its_line_and_tells_of_no_private_place(
    mistake: str, settings: Settings, skyduck: Skyduck, tmp_path: Path, webhook: tuple[str, list[dict[str, str]]]
) -> None:
    seeds = Path(shutil.copytree(ROOT / "dbt_project" / "seeds", tmp_path / "seeds"))
    for seed, line in (("places", f"{HOME},true"), ("series", "weather,home-7,files,meter-7")):
        with (seeds / f"{seed}.csv").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    settle(settings.model_copy(update={"seeds_dir": seeds, "pseudonym_key": SecretStr("k" * 32)}), NOW)
    name, old, new, said = MISTAKES[mistake]
    path = seeds / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")
    done = skyduck("run", "--plain", *AS_OF, SKYDUCK_SEEDS_DIR=str(seeds), SKYDUCK_NOTIFY=webhook[0],
                   SKYDUCK_PSEUDONYM_KEY="k" * 32)  # fmt: skip
    assert done.returncode == 2, done.stderr
    with connect(settings) as con:
        kept = con.execute("select what from ml.alarms union all select detail::varchar from ml.runs").fetchall()
    logs = "".join(path.read_text(encoding="utf-8") for path in (settings.data_dir / "logs").iterdir())
    told = [done.stdout + done.stderr, log(settings), str(webhook[1]), str(kept)]
    assert all(said in text for text in told), told
    assert [(word, text) for text in [*told, logs] for word in TELLS if word in text] == []


def test_where_the_warehouse_is_damaged_it_is_told_by_the_log_and_the_error_is_the_runs_own(
    settings: Settings, skyduck: Skyduck, webhook: tuple[str, list[dict[str, str]]]
) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"no database" * 1000)
    done = skyduck("run", "--plain", *AS_OF, SKYDUCK_NOTIFY=webhook[0])
    assert done.returncode == 2, done.stderr
    assert "cannot be opened" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "cannot be opened" in log(settings)
    assert len(webhook[1]) == 1


def test_a_run_that_lost_the_race_for_the_lock_is_no_alarm(settings: Settings, skyduck: Skyduck) -> None:
    with lock.hold(settings, run_id="other", now=datetime(2026, 1, 1)):
        assert skyduck("run", "--plain", *AS_OF).returncode == 2
        assert skyduck("train", *AS_OF).returncode == 2
    assert log(settings) == ""


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1)])
def test_who_stops_a_run_knows_it(world: Settings, stop: BaseException) -> None:
    ends(run_of(world, "r1"), stop)
    assert (rows(world), log(world)) == ([], "")


def test_the_failed_tests_are_named_and_the_next_good_run_tells_that_it_is_over(world: Settings) -> None:
    broken = "dbt build: 1 of the promises about the data do not hold: unique_x (x.yml): Got 3 results"
    for number in range(2):
        ends(run_of(world, f"r{number}", number), DataTestFailed(broken))
    assert rows(world) == [("r0", "run:daily", "raised")]
    assert "unique_x (x.yml): Got 3 results\n  → See the rows of what it names" in log(world)
    ends(run_of(world, "r3", 3))
    assert rows(world)[1:] == [("r3", "run:daily", "recovered")]
    ends(run_of(world, "r4", 4))
    assert log(world).count("RECOVERED") == 1


def test_the_look_of_a_good_run_says_it_so_that_the_published_copy_knows(world: Settings) -> None:
    ends(run_of(world, "r1"), ValueError("a bug"))
    good = run_of(world, "r2", 5)
    alarms.look(good)
    assert rows(world)[1:] == [("r2", "run:daily", "recovered")]
    ends(good)
    assert log(world).count("RECOVERED") == 1, "told twice"


def test_a_run_that_fails_after_it_looked_is_raised_again(world: Settings) -> None:
    ends(run_of(world, "r1"), ValueError("a bug"))
    again = run_of(world, "r2", 5)
    alarms.look(again)
    ends(again, DataTestFailed("not published"))
    assert [state for _, _, state in rows(world)] == ["raised", "recovered", "raised"]
    ends(run_of(world, "r3", 10))
    assert [state for _, _, state in rows(world)][3:] == ["recovered"]


def test_flows_do_not_end_each_others_alarms(world: Settings) -> None:
    ends(run_of(world, "t1", flow="retrain"), BadInput("too little data"))
    good = run_of(world, "r2", 5)
    alarms.look(good)
    ends(good)
    assert rows(world) == [("t1", "run:retrain", "raised")]
    ends(run_of(world, "t2", 10, flow="retrain"))
    assert rows(world)[1:] == [("t2", "run:retrain", "recovered")]


def test_a_source_that_failed_while_the_rest_was_published_is_that_sources_alarm(world: Settings) -> None:
    run = run_of(world, "r1")
    run.nothing_new = True
    ends(run, UpstreamFailed("open_meteo: down"))
    assert rows(world) == []
    ends(run_of(world, "r2", 5), UpstreamFailed("every source is down"))
    assert rows(world) == [("r2", "run:daily", "raised")]


def test_a_folder_that_cannot_be_written_hides_nothing(world: Settings, webhook: tuple[str, list[dict]]) -> None:
    (world.data_dir / "alarms.log").mkdir()
    run = run_of(world.model_copy(update={"notify": SecretStr(webhook[0])}), "r1")
    ends(run, ValueError("a bug"))
    assert len(webhook[1]) == 1
    assert run.warnings == ["the alarms are not in alarms.log: Is a directory"]
