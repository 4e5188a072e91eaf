"""Exports to a folder: what readers find in it, before, during and after."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from bench import publication
from flows.cli import _code
from flows.export import claim as claims
from flows.export import deliver as delivering
from flows.export.manifest import Scope
from flows.export.place import open_place
from tests.flows.conftest import Skyduck
from tests.flows.exporting import SGPM, data_files, export, manifest, paths, publish, revised
from tests.warehouse.test_motherduck import stand_in
from warehouse.errors import BadInput, LockHeld, NotBuilt
from warehouse.published import open_copy, published_copy
from warehouse.reads.exported import HIDDEN, TABLES
from warehouse.replica import share
from warehouse.settings import Settings

Said = Callable[..., tuple[str, str]]


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def said(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """What the command says (stdout, stderr), which ends with this code."""
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(settings.data_dir))

    def say(code: int, *arguments: str) -> tuple[str, str]:
        capsys.readouterr()
        assert _code(list(arguments)) == code
        return capsys.readouterr()

    return say


def test_a_first_export_holds_every_row_of_the_publication(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    done = export(settings, to)
    found = manifest(to)
    assert (found["run_id"], found["published_at"], found["version"]) == ("run-1", "2026-11-21T06:20:00Z", 1)
    assert (done.n_files, done.n_written, done.n_removed) == (len(found["files"]),) * 2 + (0,)
    assert done.n_rows == sum(file["rows"] for file in found["files"])
    assert data_files(to) == {file["path"] for file in found["files"]}
    with open_copy(published_copy(settings)) as copy, duckdb.connect() as con:
        for table in TABLES:
            rows = copy.execute(f"select count(*) from marts.{table.mart}").fetchone()
            seen = con.execute(f"select count(*) from read_parquet('{to}/{table.name}/**/*.parquet')").fetchone()
            assert rows == seen != (0,), table.name


def test_duckdb_and_pandas_read_it_as_tables_by_dataset_and_date(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    with duckdb.connect() as con:
        read = f"read_parquet('{to}/observations/**/*.parquet', hive_partitioning = true)"
        kinds = dict(con.execute(f"select column_name, column_type from (describe from {read})").fetchall())
        assert (kinds["dataset"], kinds["date"]) == ("VARCHAR", "DATE")
        assert kinds["observed_at"] == "TIMESTAMP WITH TIME ZONE"
        days = (
            f"select count(*), bool_and(observed_at at time zone 'UTC' >= date) from {read} where date = '2026-11-10'"
        )
        assert con.execute(f"{days} and dataset = 'sgpm'").fetchone() == (72, True)
    frame = pd.read_parquet(to / "forecasts")
    with open_copy(published_copy(settings)) as copy:
        told = copy.execute("select * from marts.fct_forecasts").df()
    assert set(frame.columns) == {*told.columns, "date"}
    key = ["series_id", "run_id", "target_at"]
    frame = frame.sort_values(key, ignore_index=True)
    told = told.sort_values(key, ignore_index=True)
    assert frame["point"].equals(told["point"])
    assert (frame["target_at"].dt.tz_localize(None) == told["target_at"]).all()
    assert (frame["dataset"].astype(str) == told["dataset"]).all()


def test_who_follows_the_manifest_needs_no_pattern(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    with duckdb.connect() as con:
        con.execute(
            f"set variable files = (select list('{to}/' || file.path) from (select unnest(files) as file "
            f"from read_json('{to}/manifest.json')) where file.path like 'alerts/%')"
        )
        rows = con.execute("select count(*) from read_parquet(getvariable('files'), hive_partitioning = true)")
        assert rows.fetchone() == (6,)


def test_csv_holds_the_same_rows(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to, Scope("csv"))
    assert all(path.endswith(".csv.gz") for path in paths(to))
    with duckdb.connect() as con:
        read = f"read_csv('{to}/observations/**/*.csv.gz', hive_partitioning = true)"
        found = con.execute(
            f"select dataset, count(*), sum(value), min(observed_at) from {read} group by all order by 1"
        )
        rows = found.fetchall()
    with open_copy(published_copy(settings)) as copy:
        told = copy.execute(
            "select dataset, count(*), sum(value), timezone('UTC', min(observed_at)) from marts.fct_observations "
            "join marts.dim_series using (series_id) group by all order by 1"
        ).fetchall()
    assert [row[:2] for row in rows] == [row[:2] for row in told]
    assert [row[2] for row in rows] == pytest.approx([row[2] for row in told])
    assert [row[3] for row in rows] == [row[3] for row in told]


def test_the_manifest_names_the_columns_of_the_files_and_no_number_of_the_warehouses_own(
    settings: Settings, to: Path
) -> None:
    publish(settings, 1)
    export(settings, to)
    for name, columns in manifest(to)["columns"].items():
        one = next(path for path in sorted(paths(to)) if path.startswith(f"{name}/"))
        frame = pd.read_parquet(to / one, partitioning=None)
        assert list(frame.columns) == list(columns)
        assert not {*HIDDEN, "dataset", "date"} & set(columns)


def test_a_second_export_of_the_same_writes_nothing(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    before = {path: path.stat().st_mtime_ns for path in to.rglob("*") if path.is_file()}
    done = export(settings, to)
    assert (done.n_written, done.n_removed) == (0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in to.rglob("*") if path.is_file()}


def test_a_changed_day_is_the_only_one_that_is_written_and_its_old_file_goes(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    before = paths(to)
    publish(settings, 2, revised())
    done = export(settings, to)
    assert (done.n_written, done.n_removed) == (1, 1)
    (new,), (old,) = paths(to) - before, before - paths(to)
    assert new.startswith(f"observations/{SGPM}/part-")
    assert old.startswith(f"observations/{SGPM}/part-")
    assert data_files(to) == paths(to)
    assert manifest(to)["run_id"] == "run-2"


def test_values_that_change_places_are_a_change(settings: Settings, to: Path) -> None:
    """Two rows of a day with each other's value: every column has the values it had."""
    publish(settings, 1)
    export(settings, to)
    swap = (
        "update marts.fct_observations as a set value = b.value from marts.fct_observations as b "
        "where a.series_id = b.series_id and a.series_id like 'sgpm.region-1%' "
        "and a.observed_at in ('2026-11-10 05:00', '2026-11-10 06:00') "
        "and b.observed_at = case when a.observed_at = '2026-11-10 05:00' then timestamp '2026-11-10 06:00' "
        "else timestamp '2026-11-10 05:00' end"
    )
    publish(settings, 2, swap)
    assert export(settings, to).n_written == 1


def test_what_is_published_no_longer_is_exported_no_longer(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    publish(
        settings,
        2,
        "delete from marts.fct_observations where observed_at < '2026-11-01'",
        "delete from marts.fct_alerts",
    )
    export(settings, to)
    assert data_files(to) == paths(to)
    assert min(path.split("date=")[1][:10] for path in paths(to) if path.startswith("observations/")) == "2026-11-01"
    assert not (to / "alerts").exists()


def test_the_next_day_adds_its_partitions_and_leaves_the_past_alone(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    past = {f"date=2026-11-{day:02}" for day in range(1, 20)}
    before = {path for path in paths(to) if path.startswith("observations/") and path.split("/")[2] in past}
    publish(settings, 2, days=1)
    export(settings, to)
    assert any("observations/dataset=sgpm/date=2026-11-21" in path for path in paths(to))
    assert len(before) == 2 * len(past)
    assert before <= paths(to)


def killed(skyduck: Skyduck, point: str, to: Path) -> None:
    done = skyduck("export", "--to", str(to), SKYDUCK_FAULT_AT=point)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("point", ["export.after_1", "export.before_manifest", "export.before_removal"])
def test_a_killed_export_leaves_one_whole_publication_and_the_next_one_ends_its_work(
    point: str, settings: Settings, to: Path, skyduck: Skyduck
) -> None:
    publish(settings, 1)
    export(settings, to)
    publish(settings, 2, revised(), revised("2026-11-12 05:00"))
    killed(skyduck, point, to)
    seen = manifest(to)
    assert seen["run_id"] == ("run-2" if point == "export.before_removal" else "run-1")
    assert (to / "export.json").exists()
    export(settings, to)
    assert manifest(to)["run_id"] == "run-2"
    assert data_files(to) == paths(to)
    assert {path.name for path in to.iterdir() if path.is_file()} == {"manifest.json"}


def test_an_export_that_was_stopped_is_taken_up_where_it_stopped(
    settings: Settings, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, 1)

    def stop(point: str) -> None:
        if point == "export.after_20":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "reach", stop)
        with pytest.raises(KeyboardInterrupt):
            export(settings, to)
    assert not (to / "manifest.json").exists()
    done = export(settings, to)
    assert done.n_written == done.n_files - 20
    manifest(to)


def test_a_file_that_was_damaged_or_taken_away_is_written_again(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    first, second = sorted(paths(to))[:2]
    (to / first).unlink()
    (to / second).write_bytes(b"cut off")
    assert export(settings, to).n_written == 2
    manifest(to)


def test_what_others_keep_in_the_folder_stays(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to)
    theirs = [to / "README.md", to / "forecasts" / "notes.txt", to / "mine" / "dataset=x" / "part-1.parquet"]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    ours = [to / "observations" / SGPM / f"part-{'0' * 32}.parquet{end}" for end in ("", ".tmp")]
    for path in ours:
        path.write_bytes(b"of an export that nobody remembers")
    assert export(settings, to).n_removed == 2
    assert all(path.exists() for path in theirs)
    assert not any(path.exists() for path in ours)


def held(to: Path, **more: object) -> None:
    found = {"token": "t", "host": os.uname().nodename, "pid": os.getppid(), "beat_at": _ago(60)} | more
    to.mkdir(parents=True, exist_ok=True)
    (to / "export.json").write_text(json.dumps(found))


def _ago(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds))


def test_a_second_export_to_the_same_place_ends_naming_the_first(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    held(to)
    with pytest.raises(LockHeld, match=rf"process {os.getppid()} of"):
        export(settings, to)
    assert data_files(to) == set()


@pytest.mark.parametrize(
    "left",
    [{"pid": 2**22 + 1}, {"beat_at": _ago(601), "host": "elsewhere"}, {"beat_at": None}],
    ids=["dead", "silent", "over"],
)
def test_the_claim_of_an_export_that_is_dead_silent_or_over_holds_nobody(
    left: dict[str, object], settings: Settings, to: Path
) -> None:
    publish(settings, 1)
    held(to, **left)
    assert export(settings, to).n_written > 0
    assert not (to / "export.json").exists()


def test_an_export_that_was_taken_over_meanwhile_leaves_the_manifest_to_the_other(
    settings: Settings, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, 1)
    export(settings, to)
    before = (to / "manifest.json").read_bytes()
    publish(settings, 2, revised())

    def take_over(point: str) -> None:
        if point == "export.after_1":
            held(to, token="another")

    monkeypatch.setattr(delivering, "reach", take_over)
    with pytest.raises(LockHeld, match="taken"):
        export(settings, to)
    assert (to / "manifest.json").read_bytes() == before
    assert json.loads((to / "export.json").read_text())["token"] == "another"


def test_a_long_export_says_that_it_lives(settings: Settings, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(settings, 1)
    said: list[int] = []
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(
        delivering, "reach", lambda point: said.append(len(json.loads((to / "export.json").read_text())["files"]))
    )
    export(settings, to)
    assert said[:3] == [1, 2, 3]


def test_a_dataset_and_a_first_day_narrow_it(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    export(settings, to, Scope(datasets=("weather",), since=date(2026, 11, 20)))
    assert {path.split("/")[1] for path in paths(to)} == {"dataset=weather"}
    assert min(path.split("date=")[1][:10] for path in paths(to)) == "2026-11-20"
    with pytest.raises(
        BadInput, match=r"--format parquet --dataset weather --since 2026-11-20, now asked with --format"
    ):
        export(settings, to)
    with pytest.raises(BadInput, match=r"no dataset is named wether; there are sgpm, weather"):
        export(settings, to.with_name("other"), Scope(datasets=("wether",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "damaged"), ("[]", "damaged"), ('{"files": [], "x": 1}', "none of ours")],
)
def test_a_manifest_that_is_none_of_ours_is_left_alone(text: str, said: str, settings: Settings, to: Path) -> None:
    publish(settings, 1)
    to.mkdir()
    (to / "manifest.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        export(settings, to)
    assert [path.name for path in to.iterdir()] == ["manifest.json"]


def test_a_place_of_a_newer_version_is_left_alone_and_one_of_an_older_is_written_anew(
    settings: Settings, to: Path
) -> None:
    publish(settings, 1)
    first = export(settings, to)
    text = (to / "manifest.json").read_text()
    (to / "manifest.json").write_text(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(BadInput, match="newer version"):
        export(settings, to)
    (to / "manifest.json").write_text(text.replace('"version": 1', '"version": 0'))
    assert export(settings, to).n_written == first.n_files
    assert manifest(to)["version"] == 1


def test_a_publication_without_rows_or_without_a_mart(settings: Settings, to: Path) -> None:
    with pytest.raises(NotBuilt, match="skyduck run"):
        export(settings, to)
    assert not to.exists()
    publication.publish(settings.data_dir, rows=False)
    assert (export(settings, to).n_files, manifest(to)["files"]) == (0, [])
    publication.publish(settings.data_dir, run_id="old", without=("fct_alert_scores",))
    with pytest.raises(NotBuilt, match="run again"):
        export(settings, to)


MISTAKES = {
    "": "--to is empty",
    "ftp://host/x": "nothing is exported to ftp://",
    "s3://": "names no bucket",
    "s3://key:canary-secret@bucket/x": "credentials are read from AWS_ACCESS_KEY_ID",
    "az://box/x?sig=canary-secret": "credentials are read from AZURE_STORAGE_ACCOUNT_NAME",
    "gs://bucket/x": "pip install gcsfs==20",
    "az://box/x": "pip install adlfs==20",
    "{file}": "File exists|Not a directory",
    "{file}/below": "Not a directory",
    "/proc/nowhere": "No such file or directory",
}


@pytest.mark.parametrize("url", MISTAKES)
def test_a_place_that_cannot_be_one_is_told_in_one_line(
    url: str, settings: Settings, said: Said, tmp_path: Path
) -> None:
    publish(settings, 1)
    file = tmp_path / "file"
    file.write_text("here")
    out, err = said(2, "export", "--to", url.format(file=file))
    assert len(err.splitlines()) == 1
    assert any(words in err for words in MISTAKES[url].split("|")), err
    assert "canary" not in out + err


def test_the_command_says_what_it_did_for_people_and_for_programs(
    settings: Settings, to: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SKYDUCK_EXPORT_TO" in said(2, "export")[1]
    publish(settings, 1)
    again = json.loads(said(0, "export", "--to", str(to), "--json")[0])
    assert (again["run_id"], again["n_written"], again["to"]) == ("run-1", again["n_files"], str(to))
    monkeypatch.setenv("SKYDUCK_EXPORT_TO", str(to))
    assert "run run-1" in said(0, "export")[0]
    assert "is no date" in said(2, "export", "--to", str(to), "--since", "monday")[1]


def test_a_machine_that_follows_motherduck_exports_what_is_published_there_now(
    tmp_path: Path, to: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stand_in(tmp_path)
    there = here.model_copy(update={"data_dir": tmp_path / "there"})
    share(here, publication.publish(here.data_dir, run_id="run-1"))
    assert export(there, to).run_id == "run-1"
    share(here, publication.publish(here.data_dir, run_id="run-3", origin=publication.ORIGIN + timedelta(days=2)))
    done = export(there, to)
    assert (done.run_id, done.problem) == ("run-3", None)
    Path(here.motherduck_address, "skyduck_published.duckdb").unlink()
    monkeypatch.setenv("SKYDUCK_TARGET", "prod")
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(there.data_dir))
    monkeypatch.setenv("SKYDUCK_MOTHERDUCK_ADDRESS", here.motherduck_address)
    monkeypatch.setenv("MOTHERDUCK_TOKEN", "canary-token")
    out, err = said(0, "export", "--to", str(to))
    assert "run run-3" in out
    assert "the newest publication of MotherDuck could not be fetched" in err


def test_progress_names_what_is_under_way(settings: Settings, to: Path) -> None:
    publish(settings, 1)
    told: list[str] = []
    done = delivering.deliver(settings, str(to), Scope(), progress=told.append)
    assert told[: len(TABLES)] == [f"export: looking for changes in {table.name}" for table in TABLES]
    assert told[-1] == f"export: {done.n_written:,} of {done.n_written:,} partitions written"


def test_a_file_url_is_a_folder(settings: Settings, tmp_path: Path) -> None:
    publish(settings, 1)
    assert export(settings, f"file://{tmp_path}/with%20room").to == str(tmp_path / "with room")
    assert open_place(str(tmp_path / "with room")).read("manifest.json")
