"""The Makefile, the scripts and the workflows: what they promise, without running them for minutes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from warehouse.settings import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
INSTALL = (ROOT / ".ci" / "install").read_text(encoding="utf-8")
READS = {"contents": "read"}
WRITES = {
    ("docs.yml", "publish"): {"pages": "write", "id-token": "write"},
    ("daily.yml", "tell"): READS | {"issues": "write"},
    ("release.yml", "image"): READS | {"packages": "write", "id-token": "write", "attestations": "write"},
    ("release.yml", "publish"): {"contents": "write"},
}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = ("run", "test", "lint", "unit", "scoreboard", "bench", "soak", "docs", "audit", "sbom", "clean", "help")
QUIET = (
    "DO_NOT_TRACK",
    "PREFECT_SERVER_ANALYTICS_ENABLED",
    "DVC_NO_ANALYTICS",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS",
)

# as typed by a person, even where the tests themselves run below a `make`
BY_HAND = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def dry(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", *arguments],
        cwd=cwd,
        env=BY_HAND,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_is_listed_by_make_help(target: str) -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, env=BY_HAND, capture_output=True, text=True, check=True)
    assert re.search(rf"^  make {target} ", done.stdout, re.MULTILINE)
    dry(target)


@pytest.mark.parametrize("name", QUIET)
def test_nothing_reports_home(name: str) -> None:
    assert f"export {name} :=" in MAKEFILE


def test_the_lock_is_installed_by_hash_once_and_names_no_index(tmp_path: Path) -> None:
    assert INSTALL.count("--no-deps --require-hashes") == 3
    (tmp_path / "Makefile").write_text(MAKEFILE)
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1 --hash=sha256:0\n")
    assert ".ci/install" in dry("install", cwd=tmp_path)
    (tmp_path / ".venv").mkdir()
    stamp = re.search(r"touch (\S+)", dry("install", cwd=tmp_path))
    assert stamp
    (tmp_path / stamp[1]).touch()
    assert ".ci/install" not in dry("install", cwd=tmp_path), "a second make reinstalls nothing"
    lock.write_text("a==2 --hash=sha256:1\n")
    assert ".ci/install" in dry("install", cwd=tmp_path), "another lock is installed"
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links", text)


def test_arguments_and_the_upstream_reach_the_command() -> None:
    assert (
        dry("run", "ARGS=--plain --as-of 2026-01-01").splitlines()[-1].endswith("flows run --plain --as-of 2026-01-01")
    )
    printed = subprocess.run(
        ["make", "-pn", "run", "UPSTREAM=live"], cwd=ROOT, env=BY_HAND, capture_output=True, text=True, check=True
    ).stdout
    assert "SKYDUCK_UPSTREAM := live" in printed
    assert "--bars b.json" in dry("scoreboard", "BARS=b.json")
    assert "--bars" not in dry("scoreboard")


@pytest.mark.parametrize("name", ["run", "install", "part", "notes"])
def test_the_scripts_are_executable_and_parse(name: str) -> None:
    path = ROOT / ".ci" / name
    assert os.access(path, os.X_OK)
    shell = path.read_text(encoding="utf-8").splitlines()[0].rsplit("/", 1)[-1].split()[-1]
    subprocess.run([shell, "-n", str(path)], check=True)


def test_ci_calls_the_same_command_as_a_person() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_least_permissions_and_pinned_actions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == WRITES.get((path.name, name), READS)
        assert job["timeout-minutes"] <= 90
    for used in re.findall(r"uses: (\S+)(.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used[0])
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", used[1])


def test_the_daily_workflow_runs_one_at_a_time_and_is_never_cut_short() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "daily.yml").read_text(encoding="utf-8"))
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert workflow[True]["schedule"] == [{"cron": "10 6 * * *"}]  # YAML reads `on` as true


def test_the_notes_of_a_release_are_the_section_of_its_version(tmp_path: Path) -> None:
    text = "# Changelog\n\n## Unreleased\n\n- c\n\n## 0.1.0 — 2026-11-20\n\n- b\n- B\n\n## 0.0.1\n\n- a\n"
    (tmp_path / "CHANGELOG.md").write_text(text, encoding="utf-8")

    def notes(version: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / ".ci" / "notes"), version]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert notes("0.1.0").stdout.split() == ["-", "b", "-", "B"]
    assert notes("0.0.1").stdout == "- a\n"
    assert (notes("0.1").returncode, notes("0.1").stdout) == (1, "")
    assert "no section" in notes("0.1").stderr


def test_a_release_is_of_a_tag_only_and_nothing_is_built_before_it_is_checked() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert set(release[True]) == {"push"}
    assert set(release[True]["push"]) == {"tags"}
    jobs = release["jobs"]
    assert (jobs["image"]["needs"], jobs["publish"]["needs"]) == ("check", "image")
    stages = re.findall(r"^FROM \S+ AS (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(jobs["image"]["strategy"]["matrix"]["target"]) <= set(stages)


def test_nothing_large_and_no_package_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if listed.returncode != 0 or not names:
        pytest.skip("this is no git checkout")
    assert [name for name in names if name.endswith((".whl", ".tar.gz", ".duckdb"))] == []
    assert [name for name in names if (ROOT / name).stat().st_size > 2**20] == []


def locked() -> list[Requirement]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if re.match(r"[a-zA-Z0-9]", line)]


def test_the_audit_asks_about_every_package_that_is_installed() -> None:
    (arguments,) = re.findall(r"/bin/pip-audit (.*)$", MAKEFILE, re.MULTILINE)
    assert "run: make audit" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    command = [str(Path(sys.executable).with_name("pip-audit")), *arguments.split(), "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    n_here = sum(package.marker is None or package.marker.evaluate() for package in locked())
    assert f"would have audited {n_here} packages" in done.stderr


def test_the_sbom_lists_every_package_of_the_lock(tmp_path: Path) -> None:
    (arguments,) = re.findall(r"/bin/cyclonedx-py (.*) \$\(OUT\)$", MAKEFILE, re.MULTILINE)
    command = [
        str(Path(sys.executable).with_name("cyclonedx-py")),
        *arguments.split(),
        str(tmp_path / "sbom.json"),
        "--no-validate",
    ]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    bom = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (bom["bomFormat"], bom["metadata"]["component"]["name"]) == ("CycloneDX", "skyduck")
    assert {(part["name"], part["version"]) for part in bom["components"]} == {
        (package.name, str(package.specifier).removeprefix("==")) for package in locked()
    }
