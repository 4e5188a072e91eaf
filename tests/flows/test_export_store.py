"""Exports to a bucket, on an S3 server of this machine."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import botocore.session
import duckdb
import httpx
import pytest
from moto.server import ThreadedMotoServer

from flows.export.deliver import Delivery
from flows.export.manifest import Scope
from flows.export.place import open_place
from tests.flows import exporting
from tests.flows.conftest import Skyduck
from tests.flows.exporting import data_files, manifest, paths, publish, revised
from warehouse.errors import BadInput, LockHeld, UpstreamFailed
from warehouse.settings import Settings

SECRET = "canary-secret-4711"
FIRST = "2026-11-20"  # of two days: what a test needs, no more
REVISED = revised(f"{FIRST} 05:00")


def export(settings: Settings, to: object) -> Delivery:
    return exporting.export(settings, to, Scope(since=date.fromisoformat(FIRST)))


@dataclass(frozen=True)
class Store:
    """An S3 server with one bucket; `env` is all that an export is told of it."""

    client: Any
    env: dict[str, str]
    to: str = "s3://lake/skyduck/out"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    found.start()
    yield "http://{}:{}".format(*found.get_host_and_port())
    found.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    env = {
        "AWS_ENDPOINT_URL_S3": server,
        "AWS_ACCESS_KEY_ID": "canary-id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    client = botocore.session.get_session().create_client("s3")
    client.create_bucket(Bucket="lake")
    yield Store(client, env)
    for each in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=each["Key"])
    client.delete_bucket(Bucket="lake")


def test_it_holds_what_a_folder_holds(settings: Settings, store: Store, tmp_path: Path) -> None:
    publish(settings, 1)
    export(settings, tmp_path / "out")
    done = export(settings, store.to)
    assert manifest(store.to) == manifest(tmp_path / "out")
    assert data_files(store.to) == paths(store.to)
    assert (done.to, done.n_written) == (store.to, len(paths(store.to)))


def test_readers_find_tables_by_dataset_and_date(settings: Settings, store: Store, tmp_path: Path) -> None:
    """DuckDB's own client of S3 is an extension that is downloaded: here the objects are fetched, then read."""
    publish(settings, 1)
    export(settings, store.to)
    place = open_place(store.to)
    for path in paths(store.to):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(place.read(path) or b"")
    with duckdb.connect() as con:
        found = con.execute(
            f"select dataset, count(*) from read_parquet('{tmp_path}/alerts/**/*.parquet', hive_partitioning = true) "
            "where date = '2026-11-21' group by all order by all"
        )
        assert found.fetchall() == [("sgpm", 3), ("weather", 3)]


def test_a_changed_day_is_the_only_one_that_is_sent(settings: Settings, store: Store) -> None:
    publish(settings, 1)
    export(settings, store.to)
    before = sent(store)
    assert export(settings, store.to).n_written == 0
    assert sent(store) == before
    publish(settings, 2, REVISED)
    done = export(settings, store.to)
    assert (done.n_written, done.n_removed) == (1, 1)
    after = sent(store)
    news = {name.removeprefix("skyduck/out/") for name, seen in after.items() if before.get(name) != seen}
    assert {path.rsplit("/", 1)[0] for path in news} == {"manifest.json", f"observations/dataset=sgpm/date={FIRST}"}
    assert data_files(store.to) == paths(store.to)


def sent(store: Store) -> dict[str, Any]:
    """When each object was last written."""
    found = store.client.list_objects_v2(Bucket="lake")["Contents"]
    return {each["Key"]: (each["LastModified"], each["ETag"]) for each in found}


def test_killed_between_the_partitions_and_the_manifest_it_leaves_the_old_export_valid(
    settings: Settings, store: Store, skyduck: Skyduck
) -> None:
    publish(settings, 1)
    export(settings, store.to)
    publish(settings, 2, REVISED)
    done = skyduck("export", "--to", store.to, "--since", FIRST, SKYDUCK_FAULT_AT="export.before_manifest", **store.env)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert manifest(store.to)["run_id"] == "run-1"
    assert len(data_files(store.to) - paths(store.to)) == 1
    export(settings, store.to)
    assert manifest(store.to)["run_id"] == "run-2"
    assert data_files(store.to) == paths(store.to)


def test_two_exports_at_once_end_as_one(settings: Settings, store: Store) -> None:
    publish(settings, 1)
    place = open_place(store.to)
    assert place.create("export.json", b"{}")
    assert not place.create("export.json", b"{}")
    text = {"token": "t", "host": "elsewhere", "pid": 1, "beat_at": "2999-01-01T00:00:00"}
    place.write("export.json", json.dumps(text).encode())
    with pytest.raises(LockHeld, match="process 1 of elsewhere"):
        export(settings, store.to)
    assert list(sent(store)) == ["skyduck/out/export.json"]


def test_what_others_keep_in_the_bucket_stays(settings: Settings, store: Store) -> None:
    publish(settings, 1)
    for key in ("skyduck/out/README.md", "skyduck/outside/x.parquet", "other/x.parquet"):
        store.client.put_object(Bucket="lake", Key=key, Body=b"theirs")
    export(settings, store.to)
    publish(settings, 2, "delete from marts.fct_observations")
    export(settings, store.to)
    left = {each for each in sent(store) if not each.startswith("skyduck/out/")}
    assert left == {"skyduck/outside/x.parquet", "other/x.parquet"}
    assert "skyduck/out/README.md" in sent(store)
    assert not [path for path in data_files(store.to) if path.startswith("observations")]


def test_a_bucket_that_is_not_there_is_told(settings: Settings, store: Store) -> None:
    publish(settings, 1)
    with pytest.raises(BadInput, match=r"^there is no bucket 'no-such-lake' to export to"):
        export(settings, "s3://no-such-lake/x")


def test_credentials_that_are_missing_or_refused_are_told_without_them(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(settings, 1)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(BadInput, match=r"its credentials are AWS_ACCESS_KEY_ID"):
        export(settings, store.to)


@pytest.mark.usefixtures("refusing")
def test_a_bucket_that_lets_nobody_in_is_told(settings: Settings, store: Store) -> None:
    publish(settings, 1)
    with pytest.raises(BadInput, match=r"refused us .*list, read, write and delete") as told:
        export(settings, store.to)
    assert "canary" not in str(told.value)


@pytest.fixture
def refusing(store: Store, server: str) -> Iterator[None]:
    """The server asks for permissions from here on, and nobody was given any."""
    httpx.post(f"{server}/moto-api/reset-auth", content="0", trust_env=False)
    yield
    httpx.post(f"{server}/moto-api/reset-auth", content="inf", trust_env=False)


def test_a_store_that_does_not_answer_ends_with_3(settings: Settings, store: Store, skyduck: Skyduck) -> None:
    publish(settings, 1)
    done = skyduck("export", "--to", store.to, **{**store.env, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"})
    assert done.returncode == UpstreamFailed.exit_code, done.stderr
    (line,) = done.stderr.splitlines()
    assert "EndpointConnectionError" in line
    assert SECRET not in done.stdout + done.stderr
