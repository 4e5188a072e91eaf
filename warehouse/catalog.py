"""What is forecast, where and from which source: the seed CSVs, read and checked.

The same files are dbt's seeds; a mistake in one is named here, with its line, before anything is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from warehouse.alert_rules import AlertRule, read_rules
from warehouse.prices import Price, read_prices
from warehouse.seed_csv import IDENTIFIER, NAME, Line, read_seed

PLACES, SERIES = "places.csv", "series.csv"
PLACE_COLUMNS = "place_id,name,country,latitude,longitude,timezone"
PUBLIC = "false"  # what is_private says of every other place


@dataclass(frozen=True)
class Place:
    place_id: str
    name: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    is_private: bool = False  # somebody's home or plant: shown by a pseudonym, see warehouse/privacy.py


@dataclass(frozen=True)
class SeriesSpec:
    """One subject to forecast: `subject` is what the source calls it."""

    dataset: str
    place_id: str
    source: str
    subject: str

    def series_id(self, variable: str) -> str:
        return f"{self.dataset}.{self.place_id}.{variable}"


@dataclass(frozen=True)
class Variable:
    dataset: str
    variable: str
    is_target: bool
    unit: str
    plausible_min: float
    plausible_max: float
    stuck_after_hours: int | None
    description: str


@dataclass(frozen=True)
class SourceSpec:
    """A reading of lower priority never supersedes one of higher."""

    source: str
    endpoint: str
    priority: int
    known_lag_hours: int
    description: str


@dataclass(frozen=True)
class EmissionFactor:
    production_type: str
    gco2eq_kwh: float | None
    is_generation: bool
    is_low_carbon: bool
    citation: str


@dataclass(frozen=True)
class Catalog:
    places: dict[str, Place]
    series: tuple[SeriesSpec, ...]
    variables: tuple[Variable, ...]
    sources: tuple[SourceSpec, ...]
    emission_factors: tuple[EmissionFactor, ...]
    alert_rules: tuple[AlertRule, ...]
    prices: tuple[Price, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets with at least one series, in the order of series.csv."""
        return tuple(dict.fromkeys(s.dataset for s in self.series))

    def variables_of(self, dataset: str) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if v.dataset == dataset)

    def target_of(self, dataset: str) -> Variable:
        return next(v for v in self.variables_of(dataset) if v.is_target)

    def series_of(self, source: str, dataset: str | None = None) -> tuple[SeriesSpec, ...]:
        return tuple(s for s in self.series if s.source == source and dataset in (None, s.dataset))


def _place(line: Line) -> Place:
    return Place(
        line.text("place_id", IDENTIFIER),
        line.text("name", most=120),
        line.text("country", IDENTIFIER),
        line.number_in("latitude", -90, 90),
        line.number_in("longitude", -180, 180),
        line.zone("timezone"),
        "is_private" in line.fields and line.flag("is_private"),
    )


def _series(line: Line) -> SeriesSpec:
    return SeriesSpec(
        line.text("dataset", NAME),
        line.text("place_id", IDENTIFIER),
        line.text("source", NAME),
        line.text("subject", IDENTIFIER),
    )


def _variable(line: Line) -> Variable:
    low = line.number_in("plausible_min")
    high = line.number_in("plausible_max")
    if high <= low:
        raise line.wrong("plausible_max", f"more than plausible_min, which is {low:g}")
    stuck = line.whole("stuck_after_hours", 1) if line.fields["stuck_after_hours"] else None
    return Variable(
        line.text("dataset", NAME),
        line.text("variable", NAME),
        line.flag("is_target"),
        line.text("unit", most=40),
        low,
        high,
        stuck,
        line.text("description"),
    )


def _source(line: Line) -> SourceSpec:
    return SourceSpec(
        line.text("source", NAME),
        line.text("endpoint", NAME),
        line.whole("priority"),
        line.whole("known_lag_hours"),
        line.text("description"),
    )


def _factor(line: Line) -> EmissionFactor:
    generates = line.flag("is_generation")
    if not generates and line.fields["gco2eq_kwh"]:
        raise line.wrong("gco2eq_kwh", "nothing, because is_generation is false")
    factor = line.number_in("gco2eq_kwh", 0, 5_000) if generates else None
    return EmissionFactor(
        line.text("production_type", most=80), factor, generates, line.flag("is_low_carbon"), line.text("citation")
    )


def load_catalog(seeds_dir: Path) -> Catalog:
    """The seeds as records. Raises BadInput naming file and line for a pattern, duplicate, reference or range.

    Of a line about a private place, or about one that cannot be known, it does not say what stands there.
    """
    places = read_seed(
        seeds_dir / PLACES, PLACE_COLUMNS, "place_id", _place, optional="is_private",
        is_hidden=lambda fields: fields.get("is_private", PUBLIC) != PUBLIC,
    )  # fmt: skip
    public = {p.place_id for _, p in places if not p.is_private}
    series = read_seed(
        seeds_dir / SERIES, "dataset,place_id,source,subject", "dataset,place_id", _series,
        is_hidden=lambda fields: len(public) < len(places) and fields["place_id"] not in public,
    )  # fmt: skip
    variables = read_seed(
        seeds_dir / "variables.csv",
        "dataset,variable,is_target,unit,plausible_min,plausible_max,stuck_after_hours,description",
        "dataset,variable",
        _variable,
    )
    sources = read_seed(
        seeds_dir / "sources.csv", "source,endpoint,priority,known_lag_hours,description", "source,endpoint", _source
    )
    factors = read_seed(
        seeds_dir / "emission_factors.csv",
        "production_type,gco2eq_kwh,is_generation,is_low_carbon,citation",
        "production_type",
        _factor,
    )
    catalog = Catalog(
        {p.place_id: p for _, p in places},
        tuple(s for _, s in series),
        tuple(v for _, v in variables),
        tuple(s for _, s in sources),
        tuple(f for _, f in factors),
        read_rules(seeds_dir, {(v.dataset, v.variable): v for _, v in variables}),
        read_prices(seeds_dir, {s.source for _, s in sources}),
    )
    _check_references(catalog, series, variables)
    return catalog


def _check_references(
    catalog: Catalog, series: list[tuple[Line, SeriesSpec]], variables: list[tuple[Line, Variable]]
) -> None:
    """Every name used in one seed is defined in another; every dataset has one target; a subject feeds one place."""
    targets: dict[str, str] = {}
    for line, variable in variables:
        if variable.is_target:
            if variable.dataset in targets:
                raise line.wrong("is_target", f"false: {variable.dataset} has the target {targets[variable.dataset]}")
            targets[variable.dataset] = variable.variable
    sources = {s.source for s in catalog.sources}
    fed: dict[tuple[str, str, str], tuple[Line, SeriesSpec]] = {}
    for line, spec in series:
        if spec.place_id not in catalog.places:
            raise line.wrong("place_id", "a place_id of places.csv")
        if spec.source not in sources:
            raise line.wrong("source", f"a source of sources.csv ({', '.join(sorted(sources))})")
        if spec.dataset not in targets:
            raise line.wrong("dataset", "a dataset of variables.csv with one line where is_target is true")
        first, other = fed.setdefault((spec.dataset, spec.source, spec.subject), (line, spec))
        if other.place_id != spec.place_id:
            line.is_hidden |= first.is_hidden
            raise line.wrong("subject", f"a subject of its own, but line {first.number} gives it to another place")
