"""What a model's inputs lack at an origin, and how much wider that makes an interval.

The ratios are learnt (ml.widen): the selection windows are forecast again without the inputs, and the intervals
stretched until they hold. A condition counts by what is missing beyond the usual, for a source that is always two hours
late is calibrated as it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.dataset import Ints, Panel
from ml.forecaster import QUANTILES, Floats

# excess staleness up to which a condition holds, and the hours blanked to learn it: the worst of its class
STALE = {"stale_6": (6, 6), "stale_24": (24, 24), "stale_72": (72, 72), "stale_more": (167, 120)}
FRESH_H = 1
GAPS = "gaps"  # much of the last day is missing though its end is there
SPARSE = 0.75
COVARIATES, ISSUED = "covariates", "issued"
UNTRAINED = {"stale_6": 1.1, "stale_24": 1.3, "stale_72": 1.6, "stale_more": 2.0, GAPS: 1.1}


def shares(panel: Panel) -> dict[str, Floats]:
    """(n,) per origin: staleness_h, n_known_24, and the shares known of covariates (last day) and issued forecasts."""
    n = len(panel.origin_h)
    newest = [np.isfinite(values[:, :24]).any(axis=1) for values in panel.covariates.values()]
    return {
        "staleness_h": panel.stats["staleness_h"].astype(np.float64),
        "n_known_24": np.nan_to_num(panel.stats["n_known_24"].astype(np.float64)),
        COVARIATES: np.mean(newest, axis=0) if newest else np.zeros(n),
        ISSUED: _issued_share(panel),
    }


def _issued_share(panel: Panel) -> Floats:
    """Share of an origin's rows for whose target hour a forecast had been issued."""
    n = len(panel.origin_h)
    known = np.zeros(len(panel), bool)
    for values in panel.issued.values():
        known |= np.isfinite(values)
    rows = np.bincount(panel.origin, minlength=n)
    found: Floats = np.bincount(panel.origin, known, minlength=n) / np.maximum(rows, 1)
    return found


@dataclass(frozen=True)
class Usual:
    """Of the selection windows: the staleness nine origins in ten do not exceed, the median of hours known, and by
    series the median shares: a place where a covariate was never measured does not lack it."""

    staleness_h: float = 0.0
    n_known_24: float = 24.0
    covariates: dict[str, float] = field(default_factory=dict)
    issued: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, panel: Panel) -> Usual:
        there = np.unique(panel.origin)
        if not len(there):
            return cls()
        found = pd.DataFrame({name: values[there] for name, values in shares(panel).items()})
        late = found["staleness_h"].dropna()
        names = panel.series["series_id"].to_numpy()[panel.series_code[there]]
        by_series = found[[COVARIATES, ISSUED]].groupby(names).median()
        return cls(
            staleness_h=float(late.quantile(0.9)) if len(late) else 0.0,
            n_known_24=float(found["n_known_24"].median()),
            covariates={str(name): round(float(v), 6) for name, v in by_series[COVARIATES].items() if v > 0},
            issued={str(name): round(float(v), 6) for name, v in by_series[ISSUED].items() if v > 0},
        )

    def share(self, of: str, panel: Panel) -> Floats:
        """(n,) per origin; nothing is usual for a series that is new."""
        known: dict[str, float] = getattr(self, of)
        by_code = np.array([known.get(str(name), 0.0) for name in panel.series["series_id"]])
        return np.asarray(by_code[panel.series_code], np.float64)


@dataclass(frozen=True)
class Widening:
    """`ratios`: condition -> (n_buckets, 7) or (1, 7), at least 1, by which intervals are stretched where it holds."""

    usual: Usual
    ratios: dict[str, Floats]

    @classmethod
    def untrained(cls) -> Widening:
        return cls(Usual(), {name: np.full((1, len(QUANTILES)), ratio) for name, ratio in UNTRAINED.items()})

    def of(self, panel: Panel, bucket: Ints) -> Floats:
        """(m, 7) per row: the product over the conditions that hold at its origin."""
        found = np.ones((len(panel), len(QUANTILES)))
        for name, holds in self.conditions(panel).items():
            if name in self.ratios and holds.any():
                mine, ratio = holds[panel.origin], self.ratios[name]
                found[mine] *= ratio[np.minimum(bucket[mine], len(ratio) - 1)]
        return found

    def conditions(self, panel: Panel) -> dict[str, NDArray[np.bool_]]:
        """(n,) per origin; of the stale ones at most one holds."""
        usual, now = self.usual, shares(panel)
        excess = now["staleness_h"] - usual.staleness_h
        found, above = {}, float(FRESH_H)
        for name, (end, _) in STALE.items():
            found[name] = (excess > above) & (excess <= end)
            above = end
        found["stale_more"] |= ~(excess <= above)
        # an older last value is learnt with older covariates and fewer known hours: nothing more is missing then
        recent = excess <= STALE["stale_6"][0]
        found[GAPS] = (now["n_known_24"] <= usual.n_known_24 * SPARSE) & recent
        found[COVARIATES] = (now[COVARIATES] < usual.share(COVARIATES, panel) / 2) & recent
        found[ISSUED] = now[ISSUED] < usual.share(ISSUED, panel) / 2
        return found

    def to_dict(self) -> dict[str, Any]:
        ratios = {name: values.round(6).tolist() for name, values in self.ratios.items()}
        return {"usual": asdict(self.usual), "ratios": ratios}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Widening:
        ratios = {str(name): np.array(values, np.float64) for name, values in found["ratios"].items()}
        if any(values.ndim != 2 or values.shape[1] != len(QUANTILES) for values in ratios.values()):
            raise ValueError("ratios of a widening must be lists of seven")
        return cls(Usual(**found["usual"]), ratios)
