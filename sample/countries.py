"""The countries whose grid the sample knows: round figures of the mid-2020s, in MW, and where their weather is felt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Country:
    """Installed power by type, mean load, net import at average load, and the local time zone."""

    zone: str
    load: float
    imports: float
    points: tuple[tuple[float, float], ...]
    solar: float
    wind: float
    offshore: float = 0.0
    nuclear: float = 0.0
    river: float = 0.0
    reservoir: float = 0.0
    pumped: float = 0.0
    biomass: float = 0.0
    geothermal: float = 0.0
    waste: float = 0.0
    other: float = 0.0
    lignite: float = 0.0
    coal: float = 0.0
    coal_gas: float = 0.0
    gas: float = 0.0
    oil: float = 0.0
    quarters_since: datetime = field(default=datetime(2015, 1, 1))  # hourly stamps before, 15 minutes from here on


COUNTRIES: dict[str, Country] = {
    "de": Country(
        zone="Europe/Berlin", load=54000, imports=1500, points=((53.6, 9.9), (52.3, 13.6), (48.9, 11.3)),
        solar=92000, wind=63000, offshore=9200, river=3900, reservoir=900, pumped=6200, biomass=5600, geothermal=30,
        waste=1100, other=900, lignite=15000, coal=12000, coal_gas=1200, gas=27000, oil=1500,
    ),
    "at": Country(
        zone="Europe/Vienna", load=7300, imports=500, points=((48.2, 16.4), (47.3, 13.2)),
        solar=7000, wind=4200, river=5600, reservoir=2400, pumped=3300, biomass=500, waste=90, coal_gas=180, gas=3900,
    ),
    "fr": Country(
        zone="Europe/Paris", load=52000, imports=-9000, points=((49.4, 2.6), (47.2, -0.6), (43.7, 4.6)),
        solar=22000, wind=22500, offshore=1500, nuclear=61400, river=10300, reservoir=8500, pumped=4600, biomass=650,
        waste=900, coal=900, gas=12200, oil=1100, quarters_since=datetime(2025, 1, 1),
    ),
    "it": Country(
        zone="Europe/Rome", load=33500, imports=5500, points=((45.4, 9.6), (41.9, 12.6), (40.6, 16.2), (37.9, 14.0)),
        solar=34000, wind=12800, offshore=30, river=6800, reservoir=4500, pumped=4400, biomass=2100, geothermal=690,
        waste=450, other=1500, coal=3500, coal_gas=500, gas=41000, oil=1300, quarters_since=datetime(2026, 3, 1),
    ),
    "es": Country(
        zone="Europe/Madrid", load=27500, imports=-1200, points=((42.4, -4.2), (40.1, -2.6), (37.6, -5.2)),
        solar=33000, wind=32000, nuclear=7100, river=3100, reservoir=11500, pumped=3300, biomass=550, waste=350,
        other=150, coal=1600, gas=26200, oil=600, quarters_since=datetime(2022, 6, 1),
    ),
    "ch": Country(
        zone="Europe/Zurich", load=7000, imports=-300, points=((47.2, 8.2), (46.3, 7.4)), solar=7500, wind=100,
        nuclear=2970, river=3900, reservoir=8100, pumped=3600, waste=300, quarters_since=datetime(2027, 1, 1),
    ),
    "be": Country(
        zone="Europe/Brussels", load=9200, imports=900, points=((51.1, 3.6), (50.4, 5.4)), solar=11000, wind=3500,
        offshore=2260, nuclear=3900, river=120, pumped=1300, biomass=400, waste=300, other=400, gas=6900, oil=150,
    ),
    "nl": Country(
        zone="Europe/Amsterdam", load=13000, imports=-700, points=((52.6, 5.0), (51.5, 5.6)), solar=27000, wind=7000,
        offshore=4700, nuclear=485, biomass=350, waste=650, other=900, coal=4000, gas=16500,
    ),
    "pl": Country(
        zone="Europe/Warsaw", load=18800, imports=-200, points=((53.4, 17.2), (51.2, 20.4)), solar=22000, wind=10800,
        river=600, reservoir=350, pumped=1400, biomass=900, other=300, lignite=7500, coal=16500, coal_gas=250, gas=5600,
        oil=350, quarters_since=datetime(2024, 6, 14),
    ),
    "pt": Country(
        zone="Europe/Lisbon", load=5800, imports=900, points=((41.2, -8.0), (38.3, -8.2)), solar=5900, wind=5500,
        offshore=25, river=2800, reservoir=2500, pumped=3500, biomass=650, other=60, gas=4400,
        quarters_since=datetime(2023, 1, 1),
    ),
}  # fmt: skip

# Codes the real host accepts; those without a grid above answer that there is no content.
_CODES = """
all al am at az ba be bg by ch cy cz de dk ee es eu fi fr ge gr hr hu ie it lt lu lv md me mk mt nie nl no pl pt ro rs
ru se si sk sl tr ua uk xk
"""
KNOWN = frozenset(_CODES.split())
