"""One export: partitions that changed are written, then the manifest is swapped, then what it no longer names goes.

Killed at any moment, the files that the manifest names are there and are of one publication.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby

import pyarrow as pa

from flows.dbt_log import Progress
from flows.export import manifest as manifests
from flows.export.claim import Claim, claimed
from flows.export.files import to_bytes, zoned
from flows.export.manifest import OURS, File, Manifest, Scope, path_of
from flows.export.place import Place, open_place
from warehouse.faultpoint import reach
from warehouse.reader import Publication, Reader
from warehouse.reads.exported import TABLES, Partition, known_datasets, partitions, rows_of
from warehouse.settings import Settings

AT_A_TIME = 500_000  # rows that are held at once


@dataclass(frozen=True)
class Delivery:
    """What an export came to. `written_bytes`: of the `n_written` files; the other counts are of the whole place.

    `problem`: why a newer publication could not be had.
    """

    to: str
    run_id: str
    published_at: str
    n_files: int
    n_rows: int
    n_bytes: int
    n_written: int
    written_bytes: int
    n_removed: int
    problem: str | None = None

    def __str__(self) -> str:
        news = f"{self.n_written:,} written ({self.written_bytes / 2**20:,.1f} MiB), {self.n_removed:,} removed"
        whole = f"{self.n_files:,} partitions, {self.n_rows:,} rows, {self.n_bytes / 2**20:,.1f} MiB"
        return f"{self.to}: run {self.run_id}, {whole}; {news}"


def deliver(settings: Settings, to: str, scope: Scope, *, progress: Progress) -> Delivery:
    """Makes the place hold what the newest publication holds. Where it does already, nothing is written.

    Raises BadInput (LockHeld beside another export), UpstreamFailed for a store that is lost on the way.
    """
    place = open_place(to)
    with closing(Reader(settings)) as reader:
        reader.catch_up()
        with reader.publication() as publication:
            done = _claimed(publication, place, scope, progress)
        return replace(done, problem=reader.problem)


def _claimed(publication: Publication, place: Place, scope: Scope, progress: Progress) -> Delivery:
    if scope.datasets is not None:
        known_datasets(publication, scope.datasets)
    manifests.read(place, scope)  # refused before anything is claimed
    with claimed(place, publication.run_id) as claim:
        return _deliver(publication, place, claim, scope, progress)


def _deliver(publication: Publication, place: Place, claim: Claim, scope: Scope, progress: Progress) -> Delivery:
    before = manifests.read(place, scope)
    wanted = []
    for table in TABLES:
        progress(f"export: looking for changes in {table.name}")
        wanted += partitions(publication, table, scope.datasets, scope.since)
        claim.beat()
    there = {path: size for table in TABLES for path, size in place.sizes(table.name).items()}
    known = {**claim.files, **manifests.of_this_version(before)}
    kept = {path: file for path, file in known.items() if there.get(path) == file.bytes}
    paths = {partition: path_of(partition, scope.format) for partition in wanted}
    missing = [partition for partition in wanted if paths[partition] not in kept]
    written = _write(publication, place, claim, missing, scope, progress)
    files = {**kept, **written}
    after = Manifest(
        run_id=publication.run_id,
        published_at=f"{publication.published_at:%Y-%m-%dT%H:%M:%SZ}",
        scope=scope.as_json(),
        columns=_columns(publication),
        files=tuple(files[path] for path in sorted(paths.values())),
    )
    if after != before:
        claim.require()
        reach("export.before_manifest")
        place.write(manifests.PATH, after.to_bytes())
    reach("export.before_removal")
    gone = sorted(path for path in there.keys() - set(paths.values()) if OURS.fullmatch(path))
    place.remove(gone)
    return Delivery(
        to=place.name,
        run_id=after.run_id,
        published_at=after.published_at,
        n_files=len(after.files),
        n_rows=sum(file.rows for file in after.files),
        n_bytes=sum(file.bytes for file in after.files),
        n_written=len(written),
        written_bytes=sum(file.bytes for file in written.values()),
        n_removed=len(gone),
    )


def _write(
    publication: Publication, place: Place, claim: Claim, missing: list[Partition], scope: Scope, progress: Progress
) -> dict[str, File]:
    """The files by path."""

    def put(partition: Partition, rows: pa.Table) -> File:
        data, path = to_bytes(rows, scope.format), path_of(partition, scope.format)
        place.write(path, data)
        return File(path, partition.n_rows, len(data), hashlib.sha256(data).hexdigest())

    written: dict[str, File] = {}
    with ThreadPoolExecutor(place.writers) as pool:
        try:
            for batch in _batches(missing):
                for file in pool.map(put, batch, rows_of(publication, batch[0].table, batch)):
                    written[file.path] = file
                    claim.add(file)
                    progress(f"export: {len(written):,} of {len(missing):,} partitions written")
                    reach(f"export.after_{len(written)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return written


def _batches(missing: list[Partition]) -> Iterator[list[Partition]]:
    """Partitions of one table, as many as are held at once."""
    for _, group in groupby(missing, key=lambda partition: partition.table):
        batch: list[Partition] = []
        n_rows = 0
        for partition in group:
            if batch and n_rows + partition.n_rows > AT_A_TIME:
                yield batch
                batch, n_rows = [], 0
            batch.append(partition)
            n_rows += partition.n_rows
        yield batch


def _columns(publication: Publication) -> dict[str, dict[str, str]]:
    """As the files have them: `dataset` and `date` are in their paths."""
    found = {}
    for table in TABLES:
        empty = zoned(publication.table(f"select * exclude (dataset, date) from ({table.source}) limit 0"))
        found[table.name] = {column.name: str(column.type) for column in empty.schema}
    return found
