"""Two forecasters on the same origins: is one of them better, or was it luck?

Diebold & Mariano (1995) on the difference of the losses, one figure per origin: losses of neighbouring series and
horizons move together, so an origin counts once. Forecasts of overlapping days make the differences autocorrelated.
Their long-run variance is the mean of the periodogram at the lowest floor(n^(1/3)) frequencies m, and the statistic is
held against Student's t with 2m degrees of freedom (fixed-smoothing asymptotics: Coroneo & Iacone 2020, "Comparing
predictive accuracy in small samples using fixed-smoothing asymptotics", J. of Applied Econometrics 35(4)). At twenty
to thirty origins this keeps its size where Newey-West with the correction of Harvey, Leybourne & Newbold rejects twice
as often as it says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from ml.forecaster import MEDIAN, QUANTILES, Floats

KEY = ["series_id", "origin_at", "horizon_h"]
LEAST_ORIGINS = 5


@dataclass(frozen=True)
class Paired:
    """Mean loss per origin of both, and the one-sided p-value that the challenger is no better than the champion.

    Statistic and p-value are None below LEAST_ORIGINS.
    """

    loss: str
    champion: float
    challenger: float
    n_origins: int
    n_rows: int
    statistic: float | None
    p_value: float | None
    p_worse: float | None  # one-sided, that the challenger is no worse

    @property
    def gain(self) -> float:
        """Share by which the challenger's loss is lower; negative where it is higher."""
        return 1 - self.challenger / self.champion if self.champion > 0 else 0.0

    def figures(self) -> dict[str, object]:
        """Finite ones only, rounded."""
        found = {**asdict(self), "gain": self.gain}
        rounded = {name: round(value, 6) if isinstance(value, float) else value for name, value in found.items()}
        return {name: value for name, value in rounded.items() if value is not None and value == value}

    def __str__(self) -> str:
        how = f"{abs(self.gain):.1%} {'lower' if self.gain >= 0 else 'higher'}"
        told = f"{self.loss} {self.challenger:.4g} against {self.champion:.4g}, {how} over {self.n_origins} origins"
        if self.statistic is None or self.p_value is None:
            return told
        return f"{told}, Diebold-Mariano {self.statistic:.2f}, p = {self.p_value:.3f}"


def row_losses(actual: Floats, answers: Floats, by: str) -> Floats:
    """(m,) absolute error of the median, or mean pinball loss over the seven quantiles of answers (m, 7)."""
    error = actual[:, None] - answers
    if by == "mae":
        return np.abs(error[:, MEDIAN])
    levels = np.asarray(QUANTILES)
    return np.asarray(np.maximum(levels * error, (levels - 1) * error).mean(axis=1))


def compare(champion: pd.DataFrame, challenger: pd.DataFrame, by: str) -> Paired:
    """Both frames: the KEY and `loss`, one line per row forecast. Only rows that both have are compared."""
    both = champion[[*KEY, "loss"]].merge(challenger[[*KEY, "loss"]], on=KEY, suffixes=("_champion", "_challenger"))
    origins = both.groupby("origin_at", sort=True)[["loss_champion", "loss_challenger"]].mean()
    old, new = origins["loss_champion"].to_numpy(), origins["loss_challenger"].to_numpy()
    statistic, p_value, p_worse = diebold_mariano(old - new)
    mean = origins.mean() if len(origins) else pd.Series(np.nan, index=origins.columns)
    return Paired(
        loss=by,
        champion=float(mean["loss_champion"]),
        challenger=float(mean["loss_challenger"]),
        n_origins=len(origins),
        n_rows=len(both),
        statistic=statistic,
        p_value=p_value,
        p_worse=p_worse,
    )


def diebold_mariano(difference: NDArray[np.float64]) -> tuple[float | None, float | None, float | None]:
    """(statistic, p that the mean is not above 0, p that it is not below 0) of differences in order of time (n,)."""
    n = len(difference)
    if n < LEAST_ORIGINS:
        return None, None, None
    mean = float(difference.mean())
    variance, freedom = long_run(difference)
    statistic = float(np.sqrt(n) * mean / np.sqrt(variance)) if mean else 0.0
    below = float(stdtr(freedom, statistic))
    return statistic, 1 - below, below


def long_run(difference: NDArray[np.float64]) -> tuple[float, int]:
    """Long-run variance of at least two differences in order of time (n,), and its degrees of freedom."""
    n, mean = len(difference), float(difference.mean())
    m = max(1, int(np.cbrt(n) + 1e-9))
    periodogram = np.abs(np.fft.rfft(difference - mean)[1 : m + 1]) ** 2 / n
    return max(float(periodogram.mean()), (1e-6 * mean) ** 2), 2 * m  # never zero: the same difference at every origin
