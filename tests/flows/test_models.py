"""`skyduck models`: the commands of the operations guide, and a story from training to rollback told by the history."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from flows import status
from flows.cli import _code, app
from flows.commands.models import models
from ml import production, registry, versions
from ml.train import TrainResult, train
from tests.ml.conftest import NOW, build_marts, small_params, small_world
from tests.ml.three_versions import naive_params
from warehouse import results
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.settings import ROOT, Settings

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = GUIDE.split("## Models: approve, promote, roll back")[1].split("\n## ")[0]
COMMANDS = [line for line in SECTION.split("```")[1].strip().splitlines() if line]
GROUP: Any = typer.main.get_command(models)
Say = Callable[..., Any]


def trained(settings: Settings, number: int, days_ago: float, policy: str = "auto") -> TrainResult:
    now = NOW - timedelta(days=days_ago)
    params = naive_params(SimpleNamespace(small_params=small_params), number, policy)
    return train(settings, "air", now=now, run_id=f"r{number}", reason="weekly", params=params)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v1 trained 12 days ago, v2 lost against it 6 days ago."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("registry") / "data")
    build_marts(settings, *small_world(), NOW)
    trained(settings, 1, 12)
    assert trained(settings, 2, 6).action == "keep"
    return settings.data_dir


@pytest.fixture(scope="module")
def guide_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the guide speaks of: v1 was in production, v2 was promoted by hand, v3 waits."""
    copy = shutil.copytree(folder, tmp_path_factory.mktemp("guide") / "data")
    settings, then = Settings(data_dir=copy), NOW - timedelta(days=5)
    row = versions.find(settings, name_of(settings, 2), NOW)
    production.decide(settings, "promote", [row], Decider("ada", "drier days", then, "by-hand"))
    trained(settings, 3, 3, "manual")
    return copy


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Settings]:
    """A copy that the commands then speak to."""

    def copied(folder: Path) -> Settings:
        shutil.copytree(folder, tmp_path / "data")
        monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("COLUMNS", "250")
        return Settings(data_dir=tmp_path / "data")

    return copied


@pytest.fixture
def world(folder: Path, use: Callable[[Path], Settings]) -> Settings:
    return use(folder)


@pytest.fixture
def guide(guide_folder: Path, use: Callable[[Path], Settings]) -> Settings:
    return use(guide_folder)


@pytest.fixture
def guided(guide: Settings) -> dict[str, str]:
    return {"OLDER": name_of(guide, 1), "CHAMPION": name_of(guide, 2), "CANDIDATE": name_of(guide, 3)}


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """say("models list", code=0): what the command printed, parsed where it was asked for --json."""

    def said(line: str, *, code: int = 0, at: datetime = NOW) -> Any:
        capsys.readouterr()
        found = _code([*shlex.split(line), "--as-of", at.isoformat()])
        out = capsys.readouterr()
        assert found == code, out.err
        assert "Traceback" not in out.err
        if code:
            return out.err
        return json.loads(out.out) if "--json" in line else out.out

    return said


def name_of(settings: Settings, number: int) -> str:
    rows = results.versions(settings, "air", NOW)
    return next(
        str(row["model_version"]) for row in rows if row["run_id"] == f"r{number}" and registry.role(row) == "champion"
    )


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_guide_does_what_it_stands_for(line: str, guided: dict[str, str], say: Say) -> None:
    words = [guided.get(word, word) for word in shlex.split(line.removeprefix("skyduck "))]
    out = say(shlex.join(words))
    command = words[1]
    if command in ("list", "show", "report"):
        assert guided["CANDIDATE"] in out
    elif command == "compare":
        assert "training.seed" in out
        assert "origin by origin" in out
    elif command == "history":
        assert "In production on 2026-03-17" in out
        assert guided["OLDER"] in out
        assert guided["CHAMPION"] in out, "it was promoted that morning"
    else:
        now = {"approve": "CANDIDATE", "reject": "CHAMPION", "promote": "OLDER", "rollback": "OLDER"}[command]
        assert say("models list --status champion --json")[0]["model_version"] == guided[now]


def test_the_guide_knows_every_command_and_the_help_explains_every_option() -> None:
    assert {shlex.split(line)[2] for line in COMMANDS} == set(GROUP.commands)
    for name, command in GROUP.commands.items():
        assert command.help
        assert all(getattr(option, "help", None) for option in command.params), name
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--as-of", "--dataset"} <= options, name
        assert (
            ("--actor" in options) == ("--reason" in options) == (name in {"approve", "reject", "promote", "rollback"})
        )
        assert CliRunner().invoke(app, ["models", name, "--help"]).exit_code == 0


def test_from_training_to_rollback_as_the_history_tells_it(world: Settings, say: Say) -> None:
    one, two = name_of(world, 1), name_of(world, 2)
    assert say("models list --status champion --json")[0]["model_version"] == one
    day = timedelta(days=1)
    made = say(f'models promote {two.rsplit("-", 1)[1]} --actor ada --reason "drier days" --json', at=NOW - 2 * day)
    assert [(d["model_version"], d["before"], d["actor"]) for d in made] == [(two, one, "ada")]
    say('models rollback --dataset air --actor bob --reason "too dry after all"', at=NOW)
    say("predict", at=NOW)
    with connect(world) as con:
        assert con.execute("select distinct model_version, rung from ml.forecasts").fetchall() == [(one, "champion")]

    def on(when: datetime) -> list[tuple[str, str, str]]:
        found = say(f"models history --dataset air --on {when:%Y-%m-%d} --json")["periods"]
        return [(row["model_version"], row["actor"], row["reason"]) for row in found]

    assert [name for name, _, _ in on(NOW - 6 * day)] == [one], "the training that lost changed nothing"
    assert on(NOW - day) == [(two, "ada", "drier days")]
    assert on(NOW)[-1] == (one, "bob", "too dry after all")
    told = say("models history --dataset air --json")
    assert [e["action"] for e in told["events"]] == ["promote", "keep", "promote", "rollback"]
    keep = told["events"][1]["reason"]
    assert "weekly: pinball" in keep
    assert "needed: 1.0% lower and p < 0.05" in keep
    say('build --select "fct_champion_history dim_champions"')
    with connect(world, read_only=True) as con:
        view = con.execute(
            "select model_version, valid_from, valid_to, action, actor from marts.fct_champion_history order by 2"
        ).fetchall()
        current = con.execute("select model_version, champion_since from marts.dim_champions").fetchall()
    assert view == [
        (row["model_version"], datetime.fromisoformat(row["valid_from"]),
         datetime.fromisoformat(row["valid_to"]) if row["valid_to"] else None, row["action"], row["actor"])
        for row in told["periods"]
    ]  # fmt: skip
    assert current == [(one, NOW)]


def test_who_decides_is_the_one_github_names_or_the_user_of_the_machine(
    guided: dict[str, str], say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octo")
    assert say(f"models reject {guided['CANDIDATE']} --json")[0]["actor"] == "octo"
    monkeypatch.delenv("GITHUB_ACTOR")
    monkeypatch.setenv("LOGNAME", "grace")
    assert say(f"models promote {guided['CANDIDATE']} --json")[0]["actor"] == "grace"


def test_a_candidate_is_named_by_status_until_it_is_decided_on(
    guide: Settings, guided: dict[str, str], say: Say
) -> None:
    assert [row["model_version"] for row in status.read(guide)["waiting"]] == [guided["CANDIDATE"]]
    assert guided["CANDIDATE"] in say("status")
    say(f"models approve {guided['CANDIDATE']}")
    assert status.read(guide)["waiting"] == []


def test_a_forecast_says_that_a_version_waits(guided: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    from flows import steps
    from flows.run import Run

    run = Run(Settings(), "predict", NOW, "p-1", lambda line: None)
    steps.predict(run)
    assert f"air: {guided['CANDIDATE']} waits for `skyduck models approve {guided['CANDIDATE']}`" in run.warnings
    assert len(set(run.warnings)) == len(run.warnings)


MISTAKES = [
    ("models show nonsense", 2, "no version 'nonsense' is on record"),
    ("models approve OLDER", 2, "nothing to approve"),
    ("models reject CHAMPION", 2, "is champion and waits for nobody"),
    ("models promote CHAMPION", 2, "is in production already"),
    ("models promote OLDER --dataset rain", 2, "of dataset 'rain' is on record"),
    ("models rollback", 2, "Missing option '--dataset'"),
    ("models rollback --dataset rain", 2, "nothing of dataset 'rain' is in production"),
    ("models rollback --dataset air --to CANDIDATE", 2, "never was in production"),
    ("models history --on yesterday", 2, "is no date"),
    ("models history --on 2026-04-01", 2, "lies after"),
    ("models history --dataset rain", 2, "nothing was decided"),
    ("models list --dataset rain", 2, "no version of a dataset 'rain'"),
    ("models compare OLDER", 2, "Missing argument"),
]


@pytest.mark.parametrize(("line", "code", "said"), MISTAKES, ids=[line for line, *_ in MISTAKES])
def test_a_mistake_is_told_in_one_line_and_writes_nothing(
    line: str, code: int, said: str, guide: Settings, guided: dict[str, str], say: Say
) -> None:
    before = results.champion_events(guide, None, NOW, results.ACTIONS)
    assert said in say(" ".join(guided.get(word, word) for word in line.split()), code=code)
    assert results.champion_events(guide, None, NOW, results.ACTIONS) == before


def test_a_rollback_to_damaged_files_is_refused_and_writes_nothing(
    guide: Settings, guided: dict[str, str], say: Say
) -> None:
    (guide.models_path / guided["OLDER"] / "bundle.json").write_text("{}")
    assert "sha256 differs" in say("models rollback --dataset air", code=1)
    assert say("models list --status champion --json")[0]["model_version"] == guided["CHAMPION"]
    assert "sha256 differs" in say(f"models show {guided['OLDER']} --json")["refusal"]


@pytest.mark.parametrize("line", ["models list", "models history", "models rollback --dataset air", "models show x"])
def test_before_anything_was_loaded_it_says_what_to_do(
    line: str, say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path / "none"))
    assert "`skyduck run` makes one" in say(line, code=2)
    assert not (tmp_path / "none" / "warehouse").exists()
