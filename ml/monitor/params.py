"""The blocks `alarms` and `drift` of params.yaml, checked."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from ml.params import PARAMS_FILE, Block, read_block


class AlarmLimits(Block):
    """From where on something is an alarm; what each means stands beside it in params.yaml."""

    silent_hours: int = Field(default=24, ge=1)
    quarantined_share: float = Field(default=0.1, ge=0, le=1)
    stuck_hours: int = Field(default=12, ge=1)
    fallback_share: float = Field(default=0.2, ge=0, le=1)
    free_gib: float = Field(default=2.0, ge=0)
    data_gib: float = Field(default=50.0, gt=0)
    cost_per_1000: float = Field(default=0.1, gt=0)
    cost_growth: float = Field(default=3.0, gt=1)
    prediction_drift_sd: float = Field(default=5.0, gt=0)


class DriftParams(Block):
    """What is compared with what. A reference never holds an hour of its window, and is longer than it."""

    windows_h: tuple[int, ...] = (48, 336)
    season_days: int = Field(default=28, ge=1, le=180)
    before_days: int = Field(default=56, ge=1)
    false_discovery_rate: float = Field(default=0.01, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _references_hold_windows(self) -> DriftParams:
        shortest = 24 * min(self.season_days, self.before_days)
        if not self.windows_h or min(self.windows_h) < 24 or max(self.windows_h) > shortest:
            raise ValueError(
                f"windows_h must hold lengths from 24 to {shortest} hours, the shorter of season_days and before_days, "
                f"not {list(self.windows_h)}"
            )
        return self


def check_monitoring(path: Path) -> None:
    """Raises BadInput for a block that could not be used later on."""
    load_alarm_limits(path)
    load_drift_params(path)


def load_alarm_limits(path: Path = PARAMS_FILE) -> AlarmLimits:
    """Defaults without a block. Raises BadInput."""
    return read_block(AlarmLimits, "alarms", path)


def load_drift_params(path: Path = PARAMS_FILE) -> DriftParams:
    """Defaults without a block. Raises BadInput, also for a reference that is not longer than its window."""
    return read_block(DriftParams, "drift", path)
