"""Data and models in the DVC store: another clone gets the exact bytes, and a damaged file is named, not used."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import artefacts, dvc
from flows.reproduce import push, record_news, set_damaged_aside
from flows.run import Run
from tests.flows.dvc_world import NOW, clone, dvc_says
from warehouse.errors import ArtefactRefused, BadInput, LockHeld, UpstreamFailed
from warehouse.settings import ROOT, Settings

PIPELINE = """
stages:
  evaluate:
    foreach: ${datasets}
    do:
      cmd:
        - mkdir artifacts/${key}/model
        - printf tree > artifacts/${key}/model/point.txt
        - if [ -e slow ]; then touch sleeping; sleep 60; fi
        - printf 3.1 > artifacts/${key}/metrics.json
      deps:
        - artifacts/${key}/mart.json
      outs:
        - artifacts/${key}/model
      metrics:
        - artifacts/${key}/metrics.json
"""
UNTRACKED = (".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "dvc.lock", "dvc.yaml", "params.yaml")
FILES = {"model/point.txt": b"tree", "metrics.json": b"3.1"}


def quiet(line: str) -> None:
    """Says nothing."""


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """A data folder whose pipeline, one small stage, has run and been sent to the store."""
    data_dir = tmp_path_factory.mktemp("pushed") / "data"
    folder = data_dir / "dvc"
    (folder / "artifacts" / "air").mkdir(parents=True)
    (folder / "artifacts" / "air" / "mart.json").write_text("{}")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text("datasets: {air: {}}\n")
    settings = Settings(data_dir=data_dir)
    dvc.repro(settings, dvc.project_of(settings), "air", progress=quiet)
    dvc.push(settings, dvc.project_of(settings), progress=quiet)
    return data_dir


@pytest.fixture
def here(pushed, tmp_path) -> tuple[Settings, dvc.Project]:
    """The same, to be damaged by one test."""
    shutil.copytree(pushed, tmp_path / "here", symlinks=True)
    settings = Settings(data_dir=tmp_path / "here")
    return settings, dvc.project_of(settings)


@pytest.fixture
def elsewhere(here, tmp_path) -> tuple[Settings, dvc.Project]:
    """Another clone, with dvc.lock and no data, that knows the store."""
    found = clone(here[1], tmp_path / "elsewhere", tmp_path / "here" / "dvc-remote")
    (found[1].folder / "dvc.yaml").unlink()
    (found[1].folder / "dvc.yaml").write_text(PIPELINE)
    return found


def flip(root: Path, content: bytes) -> Path:
    """Flips a bit of the object with this content, and leaves it write-protected, as DVC keeps it."""
    path = next(path for path in (root / artefacts.OBJECTS).glob("??/*") if path.read_bytes() == content)
    path.chmod(0o644)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    path.chmod(0o444)
    return path


def contents(project: dvc.Project) -> dict[str, bytes]:
    return {name: (project.artifacts("air") / name).read_bytes() for name in FILES}


def test_another_clone_pulls_the_exact_bytes(elsewhere, pushed):
    settings, project = elsewhere
    with pytest.raises(ArtefactRefused, match="is not there"):
        artefacts.require_sound(project, "air")
    dvc.pull(settings, project, progress=quiet)
    assert contents(project) == FILES
    artefacts.require_sound(project, "air")
    assert artefacts.in_cache(project) == artefacts.in_workspace(project) == artefacts.in_store(project) == []


def test_in_git_a_trial_and_its_difference_are_shown_and_a_clone_of_the_commit_gets_the_bytes(tmp_path):
    project = dvc.Project(tmp_path / "one")
    (project.folder / "artifacts" / "air").mkdir(parents=True)
    for name in (".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        (project.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project.folder / name)
    metrics = "grep -o '[0-9.]*' params.yaml > artifacts/${key}/metrics.json"
    reads = PIPELINE.replace("printf 3.1 > artifacts/${key}/metrics.json", metrics)
    (project.folder / "dvc.yaml").write_text(reads + "      params: [mae]\n")
    (project.folder / "params.yaml").write_text("mae: 3.1\ndatasets: {air: {}}\n")
    (project.folder / "artifacts" / "air" / "mart.json").write_text("{}")
    git(project.folder, "init", "-q")
    dvc_says(project, "repro", "evaluate@air")
    assert git(project.folder, "status", "--short", "-uall").split() == [
        word for name in UNTRACKED for word in ("??", name)
    ]
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-qm", "as it was")
    dvc_says(project, "push")
    dvc_says(project, "exp", "run", "-S", "mae=2.5", "evaluate@air")
    assert "3.1" in (shown := dvc_says(project, "metrics", "diff"))
    assert "2.5" in shown
    assert shown.count("artifacts/air/metrics.json") == 1
    assert "2.5" in dvc_says(project, "exp", "show", "--csv")

    git(tmp_path, "clone", "-q", str(project.folder), "two")
    other = dvc.Project(tmp_path / "two")
    store = project.folder / ".data" / "dvc-remote"
    dvc_says(other, "remote", "modify", "--local", "store", "url", str(store))
    dvc_says(other, "pull")
    assert contents(other) == {**FILES, "metrics.json": b"3.1\n"}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_dvc_alone_trusts_a_flipped_bit_in_its_cache_and_the_check_names_it(here):
    _, project = here
    path = flip(artefacts.cache_of(project), b"tree")
    shutil.rmtree(project.artifacts("air") / "model")
    dvc_says(project, "checkout")
    assert "up to date" in dvc_says(project, "status")
    assert contents(project)["model/point.txt"] == b"uree"  # the fault happened
    (damage,) = artefacts.in_cache(project, "air")
    assert (damage.file, damage.out) == (path, "artifacts/air/model/point.txt")
    with pytest.raises(ArtefactRefused, match=r"artifacts/air/model/point\.txt: damaged in the workspace"):
        artefacts.require_sound(project, "air")


def test_a_flow_names_the_damaged_file_sets_it_aside_and_never_uses_it(here):
    settings, project = here
    path = flip(artefacts.cache_of(project), b"tree")
    shutil.rmtree(project.artifacts("air") / "model")
    run = Run(settings, "retrain", NOW, "r1", quiet)
    set_damaged_aside(run, project, "air")
    assert str(path) in run.warnings[0]
    assert not path.exists()
    dvc.repro(settings, project, "air", progress=quiet)
    artefacts.require_sound(project, "air")
    assert contents(project) == FILES


def test_the_commands_name_the_file_and_a_pull_mends_the_cache(here, skyduck_in):
    settings, project = here
    assert skyduck_in(settings, "artefacts", "check").returncode == 0
    path = flip(artefacts.cache_of(project), b"tree")
    told = skyduck_in(settings, "artefacts", "check")
    assert told.returncode == 1
    assert f"artifacts/air/model/point.txt: damaged in the cache, {path}" in told.stderr
    assert "Traceback" not in told.stderr
    refused = skyduck_in(settings, "artefacts", "push")
    assert refused.returncode == 1
    assert "nothing was sent" in refused.stderr
    assert skyduck_in(settings, "artefacts", "pull").returncode == 0
    assert path.read_bytes() == b"tree"
    assert skyduck_in(settings, "artefacts", "check").returncode == 0


def test_a_damaged_store_is_named_by_the_clone_that_pulls_and_mended_by_a_push(here, elsewhere, skyduck_in):
    path = flip(artefacts.store_of(here[1]), b"3.1")
    told = skyduck_in(elsewhere[0], "artefacts", "pull")
    assert told.returncode == 1
    assert f"artifacts/air/metrics.json: damaged in the store, {path}" in told.stderr
    with pytest.raises(
        UpstreamFailed, match=r"artifacts/air/metrics\.json"
    ):  # what any kind of store gives: verify = true
        dvc.pull(*elsewhere, progress=quiet)
    assert not (elsewhere[1].artifacts("air") / "metrics.json").exists()
    assert skyduck_in(here[0], "artefacts", "push").returncode == 0
    assert skyduck_in(elsewhere[0], "artefacts", "pull").returncode == 0
    assert contents(elsewhere[1]) == FILES


def test_a_dvc_killed_in_a_stage_leaves_no_lock_and_the_next_one_ends_the_work(here):
    settings, project = here
    for name in ("slow", "artifacts/air/mart.json"):
        (project.folder / name).write_text("new")
    waits = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "evaluate@air"],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (project.folder / "sleeping").exists():
        assert waits.poll() is None
        time.sleep(0.05)
    with pytest.raises(LockHeld, match="another dvc command"):
        dvc.repro(settings, project, "air", progress=quiet)
    os.killpg(waits.pid, signal.SIGKILL)
    waits.wait()
    assert not (project.artifacts("air") / "metrics.json").exists()  # it was killed half-way
    (project.folder / "slow").unlink()
    assert dvc.repro(settings, project, "air", progress=quiet) == ["evaluate@air"]
    assert contents(project) == FILES


def test_a_store_that_cannot_be_written_is_a_warning_of_the_run(here):
    settings, project = here
    store = artefacts.store_of(project)
    assert store is not None
    shutil.rmtree(store)
    store.write_text("a file where the folder should be")
    run = Run(settings, "retrain", NOW, "r1", quiet)
    push(run)
    assert run.warnings[0].startswith("dvc push: ")
    assert "`skyduck artefacts push` sends it again" in run.warnings[0]


CONFLICT = "<<<<<<< HEAD\n{lock}=======\nstages: {{}}\n>>>>>>> theirs\n"


def test_a_lock_file_with_marks_of_a_conflict_is_named_and_nothing_is_touched(here):
    settings, project = here
    lock = project.folder / "dvc.lock"
    lock.write_text(CONFLICT.format(lock=lock.read_text()))
    for look in (artefacts.in_workspace, artefacts.in_cache, artefacts.in_store):
        with pytest.raises(BadInput, match=r"^dvc\.lock cannot be read: .*/dvc/dvc\.lock\)$"):
            look(project)
    with pytest.raises(BadInput, match=r"^dvc\.lock cannot be read"):
        set_damaged_aside(Run(settings, "retrain", NOW, "r", quiet), project, "air")


def test_marts_are_not_recorded_by_a_params_yaml_with_a_typo_and_the_run_says_why(here):
    settings, project = here
    project.params.write_text("datasets: {air: [}\n")
    run = Run(settings, "daily", NOW, "r", quiet)
    record_news(run, ["air"])
    assert run.warnings[0].startswith("`dvc repro` was not told of the new data: params.yaml cannot be read: ")
