"""What may be asked, and the rows that come back; the column names are those of the marts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    field_validator,
    model_validator,
)

from warehouse.reads.served import Box

MOST_ROWS, USUAL_ROWS = 50_000, 10_000
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]*$"


def _iso(value: object) -> object:
    """Seconds since 1970 are no time here."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("expected an ISO 8601 time like 2026-11-20T06:00:00Z")
    return value


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


Moment = Annotated[
    datetime,
    BeforeValidator(_iso),
    AfterValidator(_utc),
    Field(description="ISO 8601; without an offset it is UTC", examples=["2026-11-20T06:00:00Z"]),
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NAME)]
Dataset = Annotated[Name | None, Field(description="only this dataset", examples=["weather"])]
Series = Annotated[
    list[Name] | None,
    Field(max_length=500, description="only these series; may be repeated", examples=[["weather.ROM.temperature_c"]]),
]
BoxText = Annotated[
    str | None,
    Field(
        max_length=100,
        pattern=r"^-?\d{1,3}(\.\d+)?,-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?,-?\d{1,2}(\.\d+)?$",
        description="places within west,south,east,north in degrees; west above east crosses 180°",
        examples=["6.5,36.5,18.6,47.1"],
    ),
]


class Asked(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(USUAL_ROWS, ge=1, le=MOST_ROWS, description="rows at most; the rest follows by `cursor`")
    cursor: str | None = Field(None, max_length=1024, description="`next_cursor` of the page before")


class Within(Asked):
    bbox: BoxText = None

    @field_validator("bbox")
    @classmethod
    def _on_earth(cls, text: str | None) -> str | None:
        if text is not None:
            west, south, east, north = map(float, text.split(","))
            if abs(west) > 180 or abs(east) > 180 or abs(south) > 90 or abs(north) > 90 or south > north:
                raise ValueError(
                    "expected west,south,east,north with longitudes to ±180, latitudes to ±90, south first"
                )
        return text

    @property
    def box(self) -> Box | None:
        return Box(*map(float, self.bbox.split(","))) if self.bbox else None


class AskedSeries(Within):
    dataset: Dataset = None
    place: Name | None = Field(None, description="only this place", examples=["ROM"])
    targets: bool | None = Field(None, description="only series that are forecast, or only those that are not")


class AskedPredictions(Within):
    series: Series = None
    dataset: Dataset = None
    horizon_from: int | None = Field(None, ge=1, le=48, description="first hour ahead")
    horizon_to: int | None = Field(None, ge=1, le=48, description="last hour ahead", examples=[24])
    vintage: str = Field(
        "latest",
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_:+-]*$",
        description="`latest`: as published, a person's overrides in force; `all`: every forecast on record; an origin "
        "(ISO 8601, UTC) or a run_id: that one, as the model told it",
        examples=["latest"],
    )

    @model_validator(mode="after")
    def _in_order(self) -> AskedPredictions:
        if self.horizon_from and self.horizon_to and self.horizon_from > self.horizon_to:
            raise ValueError(f"horizon_from is {self.horizon_from}, after horizon_to ({self.horizon_to})")
        return self

    @property
    def which(self) -> str | datetime:
        """An origin where it is one, else the word or the run."""
        try:
            return _utc(datetime.fromisoformat(self.vintage)) if self.vintage[4:5] == "-" else self.vintage
        except ValueError:
            return self.vintage


class AskedObservations(Asked):
    series: Series = None
    dataset: Dataset = None
    since: Moment | None = Field(None, description="first hour")
    until: Moment | None = Field(None, description="end, exclusive")
    quality: Literal["ok", "stuck", "missing", "quarantined"] | None = Field(None, description="only such hours")


class AskedAlerts(Within):
    dataset: Dataset = None
    rule: Name | None = Field(None, description="only this rule", examples=["heat_day"])
    series: Name | None = Field(None, description="only this series")
    raised: bool = Field(False, description="only alerts that are raised and not silenced")


class AskedMetrics(Asked):
    metric: Name | None = Field(None, description="only metrics whose name begins so", examples=["coverage"])
    dataset: Dataset = None
    series: Name | None = Field(None, description="only this series; `all` for a dataset as a whole")
    breached: bool = Field(False, description="only what is beyond its limit")


class AskedModels(Asked):
    dataset: Dataset = None
    status: (
        Literal["champion", "fallback", "candidate", "superseded", "rejected", "kept out", "retired", "spare"] | None
    ) = Field(None, description="only versions that stand so")


class AskedHistory(Asked):
    dataset: Dataset = None
    at: Moment | None = Field(None, description="only what was in production at that moment")


class AskedRuns(Asked):
    flow: Name | None = Field(None, description="only runs of this flow", examples=["daily"])
    status: Literal["ok", "failed", "incomplete"] | None = Field(None, description="only runs that ended so")


class NewOverride(BaseModel):
    """Values of a person in place of a forecast's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "series_id": "weather.ROM.temperature_c",
                    "target_from": "2026-11-21T06:00:00Z",
                    "target_to": "2026-11-21T18:00:00Z",
                    "method": "add",
                    "value": 1.5,
                    "reason": "foehn, which the model does not know",
                }
            ]
        },
    )

    series_id: Name
    target_from: Moment = Field(description="first hour")
    target_to: Moment = Field(description="end, exclusive; at most 14 days ahead")
    method: Literal["set", "add", "factor"] = Field(
        description="the median becomes `value`, or all quantiles + or × it"
    )
    value: float = Field(strict=True, allow_inf_nan=False, description="in the unit of the series; a factor has none")
    reason: str = Field(min_length=1, max_length=300, description="why; it is kept for good")


class NewSilence(BaseModel):
    """A window in which an alert is not told."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"window_from": "2026-11-21T06:00:00Z", "window_to": "2026-11-23T06:00:00Z", "reason": "planned outage"}
            ]
        },
    )

    window_from: Moment = Field(description="first moment")
    window_to: Moment = Field(description="end, exclusive; at most 14 days ahead")
    reason: str = Field(min_length=1, max_length=300, description="why; it is kept for good")


class Publication(BaseModel):
    run_id: str = Field(description="The run whose results these are.")
    published_at: datetime = Field(description="When it was published, UTC.")


_TYPES: dict[str, Any] = {"s": str, "f": float, "i": int, "b": bool, "t": datetime, "l": list[str]}


def _row(title: str, columns: str) -> type[BaseModel]:
    """A model from `name:type` words; a `?` after the type: may be null."""
    fields: dict[str, Any] = {}
    for word in columns.split():
        name, kind = word.split(":")
        of = _TYPES[kind[0]]
        fields[name] = (of | None if kind.endswith("?") else of, ...)
    return create_model(title, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)


DatasetRow = _row(
    "DatasetRow",
    "dataset:s n_series:i n_places:i variables:l? first_observed_at:t? last_observed_at:t? forecast_origin_at:t? "
    "forecast_until:t? model:s? model_version:s? champion_since:t?",
)
SeriesRow = _row(
    "SeriesRow",
    "series_id:s dataset:s place_id:s name:s country:s? variable:s unit:s is_target:b latitude:f longitude:f "
    "timezone:s source:s first_observed_at:t? last_observed_at:t? n_hours:i n_missing:i n_quarantined:i n_stuck:i "
    "n_revised:i",
)
PredictionRow = _row(
    "PredictionRow",
    "series_id:s dataset:s place_id:s variable:s unit:s origin_at:t target_at:t horizon_h:i point:f q05:f q10:f q25:f "
    "q50:f q75:f q90:f q95:f rung:s rung_reason:s? model_version:s run_id:s data_as_of:t? created_at:t override_id:s? "
    "override_reason:s? model_point:f",
)
ObservationRow = _row(
    "ObservationRow",
    "series_id:s dataset:s unit:s observed_at:t value:f? quality:s first_known_at:t? last_revised_at:t? n_versions:i",
)
AlertRow = _row(
    "AlertRow",
    "alert_id:s rule_id:s series_id:s dataset:s place_id:s place_name:s country:s? timezone:s origin_at:t "
    "window_start:t window_end:t probability:f climatology:f? act_from:f is_alert:b description:s what_to_do:s? "
    "method:s model_version:s? reason:s? created_at:t is_silenced:b silence_id:s? silence_reason:s?",
)
MetricRow = _row(
    "MetricRow",
    "metric:s dataset:s series_id:s lead_to_h:i value:f? expected:f? is_breached:b? measured_at:t? what:s? mart:s",
)
ModelRow = _row(
    "ModelRow",
    "model_version:s dataset:s model:s role:s? status:s run_id:s trained_at:t data_as_of:t? train_from:t? train_to:t? "
    "report_from:t? report_to:t? report_mae:f? report_skill:f? report_pinball:f? report_coverage_80:f? decided_at:t? "
    "decision:s? data_hash:s git_sha:s? artefact_sha256:s?",
)
HistoryRow = _row(
    "HistoryRow",
    "event_id:s dataset:s model_version:s model:s? valid_from:t valid_to:t? is_current:b action:s reason:s actor:s "
    "run_id:s trained_at:t?",
)
RunRow = _row(
    "RunRow",
    "run_id:s flow:s as_of:t started_at:t status:s is_training:b n_steps:i seconds:f? cpu_seconds:f? peak_mib:f? "
    "read_bytes:i? written_bytes:i? n_calls:i? call_weight:f? n_series:i? n_forecasts:i? cost:f? currency:s? "
    "cost_per_1000:f?",
)
StepRow = _row(
    "StepRow",
    "run_id:s flow:s step:s as_of:t started_at:t finished_at:t? status:s seconds:f? cpu_seconds:f? peak_mib:f? "
    "n_rows:i? read_bytes:i? written_bytes:i? n_calls:i? call_weight:f? cost:f? currency:s?",
)


def page_of(row: type[BaseModel]) -> type[BaseModel]:
    """The JSON of a list of rows."""
    fields: dict[str, Any] = {
        "publication": (Publication, ...),
        "data": (list[row], ...),  # type: ignore[valid-type]
        "next_cursor": (str | None, Field(description="`cursor` of the next page; null on the last one.")),
    }
    return create_model(row.__name__.removesuffix("Row") + "Page", **fields)
