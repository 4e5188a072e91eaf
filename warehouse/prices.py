"""What things cost: prices.csv, from which dbt puts a price on each step of a run."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import BadInput
from warehouse.seed_csv import NAME, Line, read_seed

COLUMNS = "item,source,unit,price,currency,note"
UNITS = {"machine": "hour", "motherduck": "hour", "calls": "million"}
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class Price:
    """`source`: whose calls, counted by their weight; empty for what is paid by the hour."""

    item: str
    source: str
    unit: str
    price: float
    currency: str
    note: str


def read_prices(seeds_dir: Path, sources: Collection[str]) -> tuple[Price, ...]:
    """One price per hourly item and per source of sources.csv, in one currency. Raises BadInput naming the line."""
    found = read_seed(seeds_dir / "prices.csv", COLUMNS, "item,source", _price)
    for line, price in found:
        if price.currency != found[0][1].currency:
            raise line.wrong("currency", f"{found[0][1].currency}, as in line {found[0][0].number}: costs are added up")
        if price.source and price.source not in sources:
            raise line.wrong("source", f"a source of sources.csv ({', '.join(sorted(sources))})")
    wanted = [("machine", ""), ("motherduck", ""), *(("calls", source) for source in sorted(sources))]
    priced = {(price.item, price.source) for _, price in found}
    if missing := [",".join(each) for each in wanted if each not in priced]:
        raise BadInput(f"prices.csv has no line that begins with {missing[0]!r}; a price of 0 says that it is free")
    return tuple(price for _, price in found)


def _price(line: Line) -> Price:
    item = line.fields["item"]
    if item not in UNITS:
        raise line.wrong("item", " or ".join(UNITS))
    if line.fields["unit"] != UNITS[item]:
        raise line.wrong("unit", f"{UNITS[item]!r} for {item}")
    if item != "calls" and line.fields["source"]:
        raise line.wrong("source", f"nothing for {item}")
    return Price(
        item,
        line.text("source", NAME) if item == "calls" else "",
        line.fields["unit"],
        line.number_in("price", 0, 1_000_000),
        line.text("currency", CURRENCY),
        line.text("note"),
    )
