"""Hourly temperatures that swing beyond thresholds and back, and two rules that watch them."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from tests.dbt.conftest import Body

START = datetime(2024, 1, 1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = """\
rule_id,dataset,variable,direction,threshold,statistic,window_h,lead_h,cost_of_acting,loss_if_missed,unit,description,what_to_do
warm,weather,temperature_c,above,14,max,24,1,1,5,°C,a warm day,open a window
cool_hours,weather,temperature_c,below,8,mean,3,6,1,4,°C,three cool hours,put on a coat
"""


def temperature(place: str, hour: int) -> float:
    slow = math.sin(hour / 24 / 3 + len(place)) * 4
    return round(
        10 + slow + 4 * math.sin((hour - 9) / 24 * 2 * math.pi) + random.Random(f"{place}{hour}").gauss(0, 1), 1
    )


def body(
    place: str, fetched: datetime, mode: str, first: datetime, hours: int, holes: frozenset[int] = frozenset()
) -> Body:
    stamps = [first + i * HOUR for i in range(hours) if first + i * HOUR <= fetched]
    values = [None if i in holes else temperature(place, int((stamp - START) / HOUR)) for i, stamp in enumerate(stamps)]
    hourly = {"time": [f"{stamp:%Y-%m-%dT%H:%M}" for stamp in stamps], "temperature_2m": values}
    text = f"{fetched:%Y-%m-%d %H:%M:%S}"
    return Body("open_meteo", "archive", place, {"utc_offset_seconds": 0, "hourly": hourly}, text, mode)
