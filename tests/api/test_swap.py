"""A new publication is served with the next request; what was begun on the old one is finished on it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bench import publication
from bench.publication import ORIGIN
from tests.api.serving import problem, rows, served, settings_of

DAY = timedelta(days=1)


def publish(folder: Path, n: int) -> str:
    run_id = f"run-{n}"
    publication.publish(folder, places=2, run_id=run_id, origin=ORIGIN + n * DAY)
    return run_id


def test_the_next_request_reads_the_next_publication(tmp_path: Path):
    publish(tmp_path, 0)
    with served(settings_of(tmp_path)) as api:
        before = api.get("/v1/series")
        publish(tmp_path, 1)
        after = api.get("/v1/series", headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert (before.headers["x-publication"], after.headers["x-publication"]) == ("run-0", "run-1")
        assert after.headers["last-modified"] != before.headers["last-modified"]
        assert rows(after)[0]["last_observed_at"] > rows(before)[0]["last_observed_at"]


def test_pages_are_read_to_the_end_from_the_publication_they_began_on(tmp_path: Path):
    publish(tmp_path, 0)
    with served(settings_of(tmp_path)) as api:
        whole = rows(api.get("/v1/predictions"))
        first = api.get("/v1/predictions", params={"limit": 100})
        publish(tmp_path, 1)
        found, link = rows(first), first.links["next"]["url"]
        while link:
            page = api.get(link)
            assert page.headers["x-publication"] == "run-0"
            found += rows(page)
            link = page.links.get("next", {}).get("url")
        assert found == whole
        (tmp_path / "published" / "gen-run-0.duckdb").unlink()
        publish(tmp_path, 2)
        assert "begin anew" in problem(api.get(first.links["next"]["url"]), 404)


def test_a_damaged_newer_publication_leaves_the_old_one_served_and_says_so(tmp_path: Path):
    publish(tmp_path, 0)
    with served(settings_of(tmp_path)) as api:
        assert api.get("/health").json()["problems"] == []
        (tmp_path / "published" / "gen-run-9.duckdb").write_bytes(b"no database")
        (tmp_path / "published" / "CURRENT").write_text("gen-run-9.duckdb\n")
        assert api.get("/v1/series").headers["x-publication"] == "run-0"
        health = api.get("/health").json()
        assert health["status"] == "degraded"
        assert "skyduck publish" in health["problems"][0]
        publish(tmp_path, 1)
        assert api.get("/v1/series").headers["x-publication"] == "run-1"
        assert api.get("/health").json()["problems"] == []


@pytest.mark.parametrize("path", ["/v1/series", "/v1/predictions"])
def test_before_the_first_publication_every_list_says_what_to_do(path: str, tmp_path: Path):
    with served(settings_of(tmp_path)) as api:
        answer = api.get(path)
        detail = problem(answer, 503)
        assert "skyduck run" in detail
        assert str(tmp_path) not in detail + api.get("/health").text
        assert answer.headers["retry-after"]
        publish(tmp_path, 0)
        assert rows(api.get(path))


def test_a_mart_that_an_older_version_did_not_publish_is_named(tmp_path: Path):
    publication.publish(tmp_path, without=("dim_model_versions",))
    with served(settings_of(tmp_path)) as api:
        assert "dim_model_versions" in problem(api.get("/v1/models"), 503)
        assert rows(api.get("/v1/series"))


def test_an_empty_publication_gives_empty_lists(tmp_path: Path):
    publication.publish(tmp_path, rows=False)
    with served(settings_of(tmp_path)) as api:
        for path in ("/v1/datasets", "/v1/predictions", "/v1/alerts", "/v1/models", "/v1/runs"):
            assert rows(api.get(path)) == []
        assert api.get("/v1/series", headers={"Accept": "text/csv"}).text.startswith('"series_id"')
        assert api.get("/health").json()["data"] == []


def test_nobody_sees_an_error_while_publications_change_under_load(tmp_path: Path):
    publish(tmp_path, 0)
    bad: list[str] = []
    seen: set[str] = set()
    is_over = threading.Event()

    def ask(base: httpx.URL, number: int) -> None:
        with httpx.Client(base_url=base, trust_env=False) as client:
            while not is_over.is_set():
                answer = client.get("/v1/predictions", params={"limit": 20 + number})
                if answer.status_code != 200:
                    bad.append(answer.text)
                seen.add(answer.headers.get("x-publication", ""))

    with served(settings_of(tmp_path)) as api:
        threads = [threading.Thread(target=ask, args=(api.base_url, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for n in range(1, 6):
            old = tmp_path / "published" / f"gen-run-{n - 3}.duckdb"
            old.unlink(missing_ok=True)  # as publishing tidies up
            publish(tmp_path, n)
        is_over.set()
        for thread in threads:
            thread.join()
        assert api.get("/v1/series").headers["x-publication"] == "run-5"
    assert bad == []
    assert len(seen) > 1
