"""The issue that a failing daily workflow opens and a good one closes: the script against an API over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from warehouse.settings import ROOT

TOKEN = "t0ken"


class GitHub(ThreadingHTTPServer):
    """The four calls of GitHub's API of issues that the script makes, as its documentation gives them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Calls)
        self.issues: list[dict[str, Any]] = []

    @property
    def open_issues(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues if issue["state"] == "open"]


class Calls(BaseHTTPRequestHandler):
    server: GitHub

    def handle_one(self) -> None:
        url = urlsplit(self.path)
        words, asked = url.path.split("/")[1:], parse_qs(url.query)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}" or words[:4] != ["repos", "acme", "skyduck", "issues"]:
            self.answer(403, {"message": "Resource not accessible by integration"})
        elif self.command == "GET":
            labelled = [issue for issue in self.server.open_issues if asked["labels"][0] in issue["labels"]]
            self.answer(200, labelled if asked["state"] == ["open"] else [])
        elif self.command == "POST" and len(words) == 4:
            issue = {"number": len(self.server.issues) + 1, "state": "open", "comments": [], **body}
            self.server.issues.append(issue)
            self.answer(201, issue)
        else:
            issue = self.server.issues[int(words[4]) - 1]
            issue["comments"].append(body["body"]) if words[5:] == ["comments"] else issue.update(body)
            self.answer(200, issue)

    do_GET = do_POST = do_PATCH = handle_one  # noqa: N815

    def answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def github() -> Iterator[GitHub]:
    server = GitHub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def tell(github: GitHub, outcome: str, said: str = "", *, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "GITHUB_TOKEN": token, "GITHUB_REPOSITORY": "acme/skyduck"}
    env["GITHUB_API_URL"] = f"http://127.0.0.1:{github.server_port}"
    command = [sys.executable, str(ROOT / ".ci" / "issue"), outcome, f"https://example.org/runs/{outcome}"]
    return subprocess.run(command, input=said, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_failures_are_told_in_one_issue_and_the_next_good_run_closes_it(github: GitHub) -> None:
    for outcome, said in (("success", ""), ("failure", "the first"), ("failure", "the second"), ("success", "")):
        assert tell(github, outcome, said).returncode == 0
    (issue,) = github.issues
    assert (issue["state"], issue["state_reason"], issue["labels"]) == ("closed", "completed", ["daily-run"])
    assert "the first" in issue["body"]
    assert "https://example.org/runs/failure" in issue["body"]
    assert ["the second" in comment for comment in issue["comments"]] == [True, False]
    assert tell(github, "failure", "the third").returncode == 0
    assert [issue["number"] for issue in github.open_issues] == [2], "a closed issue is over"


def test_a_run_that_was_cut_short_is_told_as_one_that_failed_is(github: GitHub) -> None:
    for _ in range(2):
        assert tell(github, "cancelled", "the last it said").returncode == 0
    (issue,) = github.open_issues
    assert "was cut short" in issue["body"]
    assert ["was cut short" in comment for comment in issue["comments"]] == [True]
    assert tell(github, "skipped").returncode == 1, "no other outcome is known"
    tells = yaml.safe_load((ROOT / ".github" / "workflows" / "daily.yml").read_text(encoding="utf-8"))["jobs"]["tell"]
    assert tells["if"] == "always() && needs.run.result != 'skipped'", "a run that hangs is cancelled by its timeout"


def test_what_a_source_said_is_text_and_its_end_is_kept(github: GitHub) -> None:
    hostile = "x" * 70_000 + "\n`````\n@everyone <img src=x>\nskyduck: the last line"
    assert tell(github, "failure", hostile).returncode == 0
    body = github.issues[0]["body"]
    assert len(body) < 65_536
    assert body.endswith("skyduck: the last line\n``````")
    assert body.count("\n``````") == 2, "the fence is longer than any inside"


def test_a_token_without_the_right_is_one_line(github: GitHub) -> None:
    done = tell(github, "failure", token="other")
    assert (done.returncode, github.issues) == (1, [])
    assert done.stderr.startswith("GitHub refused (403)")
    assert "Traceback" not in done.stderr


def test_only_the_job_that_tells_may_write_issues_and_it_holds_no_secret_of_the_run() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "daily.yml").read_text(encoding="utf-8"))["jobs"]
    assert {name: "issues" in job["permissions"] for name, job in jobs.items()} == {
        "run": False, "self-test": False, "tell": True,
    }  # fmt: skip
    assert "secrets." not in str(jobs["tell"])
    assert "environment" not in jobs["tell"]
    assert jobs["tell"]["needs"] == "run"
    (told,) = [step for step in jobs["tell"]["steps"] if ".ci/issue" in str(step.get("run"))]
    assert "${{" not in told["run"], "what a run said reaches the shell by the environment"
