"""The commands, timers and units of docs/operations.md and docs/hosting.md, run or read by what they are meant for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.documented import blocks, commands, section
from warehouse.settings import ROOT

NOTED = [line for block in blocks("operations.md", "On one machine", "cron") for line in block.splitlines()]
UNITS = blocks("operations.md", "On one machine", "ini")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FIELD = r"(\*|\d+)(-\d+)?(/\d+)?(,\d+)*"


def test_the_lines_for_cron_are_five_fields_and_a_command_that_exists() -> None:
    assert len(NOTED) == 2
    for line in NOTED:
        *fields, command = line.split(maxsplit=5)
        assert all(re.fullmatch(FIELD, field) for field in fields), line
        assert "%" not in command, "cron ends a command there"
        subprocess.run(["sh", "-n", "-c", command], check=True)
    assert re.search(r"^run:", MAKEFILE, re.MULTILINE)


def test_the_units_are_what_systemd_reads(tmp_path: Path) -> None:
    """With the command of the unit where this checkout has it, and a user that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed here")
    names = []
    for unit in UNITS:
        name = unit.splitlines()[0].split()[1].rstrip(",")
        text = unit.replace("/srv/skyduck", str(ROOT)).replace("User=skyduck", "User=root")
        (tmp_path / name).write_text(text, encoding="utf-8")
        names.append(name)
    assert names == ["skyduck.service", "skyduck.timer", "skyduck-worker.service"]
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)],
        capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert not [line for line in found.stderr.splitlines() if "skyduck" in line], found.stderr


def test_every_schedule_names_the_same_hour() -> None:
    text = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    by_prefect = next(each for each in text["deployments"] if each["name"] == "daily")["schedules"][0]["cron"]
    jobs = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "jobs.yaml").read_text(encoding="utf-8")))
    by_kubernetes = next(job for job in jobs if job["metadata"]["name"] == "daily")["spec"]["schedule"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "daily.yml").read_text(encoding="utf-8"))
    by_github = workflow[True]["schedule"][0]["cron"]
    by_cron = " ".join(NOTED[0].split()[:5])
    assert {by_prefect, by_kubernetes, by_github, by_cron} == {"10 6 * * *"}
    assert "OnCalendar=*-*-* 06:10:00 UTC" in UNITS[1]


def test_the_branch_that_is_shown_holds_the_published_copy_and_is_pushed(tmp_path: Path) -> None:
    """As documented, in a clone; only the resolver, which needs an index, is left out."""
    data, clone, origin = tmp_path / "data", tmp_path / "clone", tmp_path / "origin.git"
    (data / "published").mkdir(parents=True)
    (data / "published" / "CURRENT").write_text("gen-b.duckdb", encoding="utf-8")
    for name in ("a", "b"):
        (data / "published" / f"gen-{name}.duckdb").write_text(name, encoding="utf-8")
    (clone / ".streamlit").mkdir(parents=True)
    for name in (".streamlit/config.toml", ".gitignore"):
        shutil.copy(ROOT / name, clone / name)
    (block,) = commands("hosting.md", "The dashboard alone, on somebody else's machine")
    resolved = [line for line in block if line.startswith(".ci/part")]
    assert len(resolved) == 1
    me = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    env = os.environ | me | {name.replace("AUTHOR", "COMMITTER"): value for name, value in me.items()}
    before = ["set -eu", "git init --quiet", f"git init --quiet --bare {origin}", f"git remote add origin {origin}"]
    script = [*before, "git add .", "git commit --quiet --message start", "touch requirements.txt"]
    script += [line for line in block if line not in resolved]
    subprocess.run(["sh", "-c", "\n".join(script)], cwd=clone, env=env | {"DATA": str(data)}, check=True)
    listed = subprocess.run(
        ["git", f"--git-dir={origin}", "ls-tree", "-r", "--name-only", "shown"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == [
        ".gitignore", ".streamlit/config.toml", "requirements.txt",
        "shown/published/CURRENT", "shown/published/gen-b.duckdb",
    ]  # fmt: skip
    assert "127.0.0.1" not in (clone / ".streamlit" / "config.toml").read_text(encoding="utf-8")


def test_what_the_page_on_hosting_names_is_there() -> None:
    page = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", page, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(re.findall(r"docker compose (?:exec|logs --follow) (\S+)", page)) <= services.keys()
    for path in re.findall(r"\]\(([^)]+\.md)\)|`((?:deploy|tests)/[\w./]+)`", page):
        assert (ROOT / "docs" / path[0]).exists() if path[0] else (ROOT / path[1]).exists(), path
    assert "manifests" in section("hosting.md", "What was tried, and what was not")
