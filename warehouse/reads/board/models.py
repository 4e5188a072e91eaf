"""Every trained version: what it learnt from, how it did, and what became of it."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer


def versions(publication: Publication) -> pa.Table:
    return answer(
        publication, "select * from marts.dim_model_versions order by trained_at desc, dataset, report_pinball"
    )
