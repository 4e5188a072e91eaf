"""What sums hang on: the same production, told in another order, is the same intensity to the last bit."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from tests.dbt.conftest import Body, scratch
from warehouse.settings import ROOT

HOURS = 24 * 30
MIX = """select * exclude (payload_seq, fetched_at) from staging.int_generation_averaged
         where payload_seq = {} order by observed_at"""


def test_sums_do_not_hang_on_the_order_in_which_a_body_tells_them(tmp_path: Path) -> None:
    told, again = produced(random.Random(1)), produced(random.Random(1))
    again["production_types"].reverse()
    wh = scratch(tmp_path, places="IT,IT,IT,1,2,UTC\n", series="carbon,IT,energy_charts,it\n")
    wh.receive(
        Body("energy_charts", "public_power", "it", told, "2024-02-01 06:00:00"),
        Body("energy_charts", "public_power", "it", again, "2024-02-01 07:00:00"),
    )
    wh.build(select="+int_generation_averaged", tests=False)
    rows = wh.rows(MIX.format(1))
    assert len(rows) == HOURS
    assert rows == wh.rows(MIX.format(2))


def produced(draw: random.Random) -> dict[str, Any]:
    """A month of quarters, of every type that generates, in MW with three decimals."""
    with (ROOT / "dbt_project" / "seeds" / "emission_factors.csv").open(encoding="utf-8", newline="") as lines:
        types = [row["production_type"] for row in csv.DictReader(lines) if row["is_generation"] == "true"]
    stamps = [1704067200 + 900 * n for n in range(4 * HOURS)]  # from 2024-01-01 00:00 UTC
    made = [{"name": name, "data": [round(draw.uniform(0, 9000), 3) for _ in stamps]} for name in types]
    return {"unix_seconds": stamps, "production_types": made}
