"""`dvc repro` by the flow and by hand: what runs again, what does not, and what comes out of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from flows import dvc
from flows.reproduce import reproduce
from flows.run import Run
from ml.params import Params
from ml.train import train
from tests.flows.dvc_world import NOW, ROOT, dvc_says, lock_of, make_project, params_of
from warehouse.connection import connect
from warehouse.errors import BadInput, LockHeld, SkyduckError
from warehouse.retention import LOG_BYTES
from warehouse.settings import Settings, load_settings

ALL = ["snapshot@air", "tune@air", "train@air", "evaluate@air"]


def quiet(line: str) -> None:
    """Says nothing."""


def copied(done, data_dir: Path) -> tuple[Settings, dvc.Project]:
    """A reproduced project that a test may change."""
    shutil.copytree(done[0].data_dir, data_dir, symlinks=True)
    settings = Settings(data_dir=data_dir)
    return settings, dvc.project_of(settings)


def versions(settings: Settings) -> list[tuple[str, str, str]]:
    with connect(settings, read_only=True) as con:
        sql = "select model, artefact_sha256, data_hash from ml.model_versions order by all"
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(settings, project, stages that ran first, stages that ran next) of a reproduced small world."""
    settings, project = make_project(tmp_path_factory.mktemp("one") / "data")
    first = dvc.repro(settings, project, "air", progress=quiet)
    return settings, project, first, dvc.repro(settings, project, "air", progress=quiet)


def test_a_second_repro_does_nothing(done):
    _, project, first, second = done
    assert (first, second) == (ALL, [])
    assert "Data and pipelines are up to date" in dvc_says(project, "status")


def test_the_flow_registers_the_models_that_training_at_once_gives(done, tmp_path):
    one, project = copied(done, tmp_path / "one")
    two, _ = copied(done, tmp_path / "two")
    run = Run(one, "retrain", NOW, "by-dvc", quiet)
    result, stages = reproduce(run, "air", "a test")
    assert (stages, run.warnings) == ([], [])
    params = Params(dataset="air", **params_of(project)["defaults"])
    train(two, "air", now=NOW, run_id="at-once", reason="a test", params=params)
    assert versions(one) == versions(two)
    artefacts = json.loads((project.artifacts("air") / "artefacts.json").read_text())
    assert {model: sha for model, sha, _ in versions(one)}.items() <= artefacts.items()
    metrics = json.loads((project.artifacts("air") / "metrics.json").read_text())
    assert metrics["champion"]["model"] == result.champion
    assert metrics["champion"]["artefact"] == artefacts[result.champion][:12]


def test_another_folder_with_the_same_data_parameters_and_seed_gives_the_same_bytes(done, tmp_path):
    _, project, *_ = done
    settings, other = make_project(tmp_path / "data")
    dvc.repro(settings, other, "air", progress=quiet)
    one, two = lock_of(project), lock_of(other)
    differing = [path for path in one if one[path] != two[path]]
    assert differing == ["artifacts/air/costs.json"]  # seconds and memory


def test_metrics_and_plots_are_understood_and_the_page_needs_no_network(done):
    _, project, *_ = done
    shown = json.loads(dvc_says(project, "metrics", "show", "--json"))
    models = shown[""]["data"]["artifacts/air/metrics.json"]["data"]["models"]
    assert set(models["lightgbm_direct"]) == {"mae", "pinball", "coverage80", "coverage90", "skill"}
    dvc_says(project, "plots", "show", "-o", "page")
    page = (project.folder / "page" / "index.html").read_text()
    addresses = set(re.findall(r"https?://[^\"'\s]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "https://vega.github.io/schema/vega-lite/v5.json"}  # names only
    assert "src=" not in page
    for plot in ("mae_by_horizon", "reliability"):
        assert f"artifacts_air_plots_{plot}_csv" in page
    assert '"model": "naive_week"' in page


def test_news_take_the_snapshot_again_and_a_parameter_only_what_it_reaches(done, tmp_path):
    settings, project = copied(done, tmp_path / "data")
    mart = project.artifacts("air") / "mart.json"
    mart.write_text(mart.read_text().replace('"rows": ', '"rows": 1'))
    assert dvc.repro(settings, project, "air", progress=quiet) == ["snapshot@air"]  # the same rows: no more to do
    params = params_of(project)
    params["defaults"]["fallback"]["max_staleness_h"] = 71
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert dvc.repro(settings, project, "air", progress=quiet) == ["train@air", "evaluate@air"]


def test_a_search_that_is_asked_for_runs_once_and_its_outcome_is_kept(done, tmp_path):
    settings, project = copied(done, tmp_path / "data")
    params = params_of(project)
    params["defaults"]["tuning"] |= {"trials": 2, "seconds": 60}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert dvc.repro(settings, project, "air", progress=quiet)[0] == "tune@air"
    found = json.loads((project.artifacts("air") / "tuned.json").read_text())
    assert found["n_trials"] == 2
    assert found["reason"]
    assert dvc.repro(settings, project, "air", progress=quiet) == []


def test_a_stage_that_fails_is_named_with_its_reason_and_its_kind(done, tmp_path):
    settings, project = copied(done, tmp_path / "data")
    params = params_of(project)
    params["defaults"]["models"]["oracle"] = {}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(BadInput, match=r"^dvc stage train@air failed: params\.yaml names a model 'oracle'") as error:
        dvc.repro(settings, project, "air", progress=quiet)
    assert "\n" not in str(error.value)
    assert "names a model 'oracle'" in dvc.log_path(settings).read_text()


def test_the_log_of_dvc_begins_anew_when_it_has_grown_long(tmp_path):
    settings = load_settings(data_dir=tmp_path / "data", upstream="sample")
    log = dvc.log_path(settings)
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    code, said = dvc.run(settings, dvc.project_of(settings), ["version"], hear=quiet)
    assert (code, bool(said)) == (0, True)
    assert log.with_name("dvc.1.log").stat().st_size == LOG_BYTES + 1
    assert log.read_text(encoding="utf-8").startswith("$ dvc --cd ")
    assert log.stat().st_size < LOG_BYTES


def test_a_training_killed_in_a_fit_is_named_and_the_next_repro_makes_the_models_of_an_undisturbed_one(
    done, tmp_path, monkeypatch
):
    settings, project = copied(done, tmp_path / "data")
    shutil.rmtree(project.folder / ".dvc" / "cache")  # else the run before would be remembered
    (project.folder / "dvc.lock").unlink()
    shutil.rmtree(project.artifacts("air") / "model")
    monkeypatch.setenv("SKYDUCK_FAULT_AT", "train.mid_fit")
    with pytest.raises(SkyduckError, match=r"^dvc stage train@air was killed \(out of memory\?\)"):
        dvc.repro(settings, project, "air", progress=quiet)
    monkeypatch.delenv("SKYDUCK_FAULT_AT")
    assert dvc.repro(settings, project, "air", progress=quiet) == ["train@air", "evaluate@air"]
    assert [path for path in lock_of(done[1]) if lock_of(project)[path] != lock_of(done[1])[path]] == [
        "artifacts/air/costs.json"
    ]


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            ["ERROR: Unable to acquire lock. Most likely another DVC process is running"],
            LockHeld,
            "another dvc command",
        ),
        (["ERROR: failed to reproduce 'train@air': exited with -9"], SkyduckError, "train@air was killed"),
        (["ERROR: 'dvc.yaml' is invalid."], SkyduckError, "'dvc.yaml' is invalid."),
    ],
)
def test_what_dvc_says_becomes_one_line(said, kind, words, tmp_path):
    error = dvc._failure(said, Settings(data_dir=tmp_path))
    assert type(error) is kind
    assert words in str(error)


def test_a_dataset_without_a_block_is_trained_all_the_same_and_the_run_says_how_it_could_join(done, monkeypatch):
    settings, project, *_ = done
    monkeypatch.setattr(dvc.Project, "datasets", lambda self: set())
    run = Run(settings, "retrain", NOW, "no-block", quiet)
    with pytest.raises(BadInput, match="no observations"):  # params.yaml of the repository: another, longer history
        reproduce(run, "footfall", "a test")
    assert "`footfall: {}` under `datasets`" in run.warnings[0]
    assert not project.artifacts("footfall").exists()


def test_the_repository_is_the_project_of_its_own_data_folder_only(tmp_path):
    assert dvc.project_of(Settings(data_dir=ROOT / ".data")).folder == ROOT
    assert dvc.project_of(Settings(data_dir=tmp_path)).folder == tmp_path.resolve() / "dvc"
    config = (tmp_path / "dvc" / ".dvc" / "config").read_text()
    assert "no_scm = true" in config
    assert "url = ../../dvc-remote" in config
    assert "analytics = false" in config


def test_a_secret_of_the_settings_reaches_no_stage_but_the_token_that_opens_the_warehouse(tmp_path):
    settings = Settings(data_dir=tmp_path, open_meteo_api_key="canary-1", MOTHERDUCK_TOKEN="canary-2")
    assert "canary" not in str(dvc._environment(settings))
    live = settings.model_copy(update={"target": "prod"})
    assert dvc._environment(live)["MOTHERDUCK_TOKEN"] == "canary-2"
    assert dvc._redact("token canary-2", live) == "token ***"


def test_a_committed_file_of_dvc_names_no_place_of_one_machine():
    for path in (ROOT / ".dvc" / "config", ROOT / "dvc.yaml", ROOT / ".dvcignore"):
        assert not re.search(r"(^|[\s=\"'])/(home|root|tmp|work|Users)", path.read_text(), re.MULTILINE)
    assert Path(ROOT / ".dvc" / ".gitignore").read_text().split() == ["/config.local", "/tmp", "/cache"]
