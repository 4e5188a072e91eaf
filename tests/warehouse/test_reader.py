"""One open publication for many readers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bench import publication
from warehouse.errors import BadInput, NotBuilt
from warehouse.reader import Reader
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    publication.publish(tmp_path, places=1)
    return Settings(data_dir=tmp_path)


def newer(settings: Settings, run_id: str) -> None:
    publication.publish(settings.data_dir, places=1, run_id=run_id, origin=publication.ORIGIN + timedelta(1))


def test_a_question_ends_on_the_publication_it_began_on(settings: Settings) -> None:
    reader = Reader(settings)
    with reader.publication() as old:
        newer(settings, "second")
        with reader.publication() as new:
            assert (old.run_id, new.run_id) == ("run-1", "second")
        assert old.rows("select count(*) as n from marts.dim_series") == [{"n": 2}]
    with pytest.raises(Exception, match="closed"):
        old.rows("select 1")
    reader.close()


def test_many_threads_ask_one_publication(settings: Settings) -> None:
    reader = Reader(settings)

    def ask(n: int) -> int:
        with reader.publication() as found:
            return int(found.rows("select $n::integer as n", {"n": n})[0]["n"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(200))) == list(range(200))
    reader.close()


def test_an_earlier_publication_is_read_while_its_file_is_there(settings: Settings) -> None:
    reader = Reader(settings)
    newer(settings, "second")
    with reader.earlier("run-1") as found:
        assert found is not None
        assert found.run_id == "run-1"
    for gone in ("first", "../run", ""):
        with reader.earlier(gone) as found:
            assert found is None
    reader.close()


def test_what_is_not_there_is_told(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(NotBuilt, match="skyduck run"), Reader(Settings(data_dir=tmp_path / "x")).publication():
        pass
    reader = Reader(settings)
    with reader.publication() as found:
        with pytest.raises(NotBuilt, match="older version"):
            found.table("select * from marts.dim_nothing")
        with pytest.raises(NotBuilt, match="older version"):
            found.table("select later from marts.dim_series")
        with pytest.raises(BadInput, match="timestamp"):
            found.table("select $t::timestamp", {"t": "noon"})
        with pytest.raises(Exception, match="disabled"):
            found.table("select * from read_csv('/etc/passwd')")
    reader.close()
