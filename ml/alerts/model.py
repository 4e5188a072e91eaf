"""One rule's answer: the method that won, with what it learnt; and its files, text and JSON only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.alerts import implied
from ml.alerts.baselines import Persistence, climatology
from ml.alerts.calibration import Calibrator
from ml.alerts.classifier import Classifier
from ml.alerts.dataset import AlertRows, Floats
from ml.alerts.implied import Forecasts
from ml.alerts.params import AlertParams
from ml.forecaster import Files
from warehouse.errors import ArtefactRefused

METHODS = ("climatology", "persistence", "forecast", "classifier")
CARD = "alert.json"
TREES = "alert.classifier.txt"


@dataclass(frozen=True)
class AlertModel:
    """`calibrator` is that of `method`, `elsewhere` the one for places it did not learn from."""

    method: str
    calibrator: Calibrator
    persistence: Persistence | None
    dependence: float  # AR(1) of the hours of a forecast
    params: AlertParams
    classifier: Classifier | None = None
    elsewhere: Calibrator | None = None
    places: tuple[str, ...] = ()

    def calibrated(self, rows: AlertRows, raw: Floats) -> Floats:
        told = self.calibrator.apply(raw)
        if self.elsewhere is None:
            return told
        is_new = ~rows.series["place_id"].isin(self.places).to_numpy(bool)[rows.code]
        return np.where(is_new, self.elsewhere.apply(raw), told)

    def answer(self, rows: AlertRows, forecasts: Forecasts) -> tuple[Floats, list[str | None]]:
        """(n,) probabilities, complete, and why climatology stands in where the method has no answer."""
        told = self.calibrated(rows, self.raw(rows, forecasts))
        missing = ~np.isfinite(told)
        found = np.where(missing, climatology(rows), told)
        why = {"forecast": "no forecast covers the window", "classifier": "nothing known in the week before the origin"}
        return found, [why.get(self.method, "unknown") if gone else None for gone in missing]

    def raw(self, rows: AlertRows, forecasts: Forecasts) -> Floats:
        """Uncalibrated; NaN without an answer."""
        if self.method == "classifier" and self.classifier is not None:
            return self.classifier.predict(rows)
        if self.method == "persistence" and self.persistence is not None:
            return self.persistence.predict(rows)
        if self.method == "forecast":
            return implied_by(rows, forecasts, self.dependence, self.params)
        return climatology(rows)

    def files(self) -> dict[str, bytes]:
        card: dict[str, Any] = {
            "method": self.method,
            "calibrator": self.calibrator.card(),
            "persistence": self.persistence.card() if self.persistence else None,
            "dependence": round(self.dependence, 8),
            "params": self.params.model_dump(mode="json"),
            "columns": self.classifier.columns if self.classifier else None,
            "elsewhere": self.elsewhere.card() if self.elsewhere else None,
            "places": list(self.places),
        }
        found = {CARD: json.dumps(card, sort_keys=True, allow_nan=False).encode()}
        return found | ({TREES: self.classifier.text()} if self.classifier else {})

    @classmethod
    def restored(cls, files: Files) -> AlertModel:
        """Raises ArtefactRefused for anything that the present code does not know how to read."""
        try:
            card: dict[str, Any] = json.loads(files[CARD])
            if card["method"] not in METHODS:
                raise ValueError(f"no method {card['method']!r}")
            return cls(
                card["method"],
                Calibrator.restored(card["calibrator"]),
                Persistence.restored(card["persistence"]) if card["persistence"] else None,
                float(card["dependence"]),
                AlertParams.model_validate(card["params"]),
                Classifier.restored(files[TREES], list(card["columns"])) if card["columns"] else None,
                Calibrator.restored(card["elsewhere"]) if card["elsewhere"] else None,
                tuple(str(place) for place in card["places"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ArtefactRefused(f"an alert model cannot be read: {error!r}; train again") from None


def implied_by(rows: AlertRows, forecasts: Forecasts, dependence: float, params: AlertParams) -> Floats:
    """What the forecasts at hand imply for each row; NaN where there is none."""
    if not len(forecasts):
        return np.full(len(rows), np.nan)
    quantiles = forecasts.aligned(rows)
    return implied.probability(quantiles, rows.rule, dependence, draws=params.draws, seed=params.seed)
