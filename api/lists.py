"""GET: rows of the publication, page by page, in the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from api import schemas
from api.cursors import Cursor
from api.formats import FORMATS, About, chosen
from api.problems import MEDIA_TYPE, Problem, ProblemDetails
from warehouse.reader import Publication, Reader
from warehouse.reads import served
from warehouse.reads.paged import Question, page

lists = APIRouter(prefix="/v1")
TOLD = {
    401: "An API key is needed, or this one opens nothing.",
    400: "The body is no text.",
    403: "The key may only read.",
    404: "The cursor is of another question, or of a publication that is gone: begin anew.",
    406: "Nothing is served in the form that `Accept` names.",
    411: "The body has no Content-Length.",
    413: "The body is too long.",
    414: "The address is too long.",
    422: "A parameter or field is wrong.",
    429: "Too many requests: `Retry-After` says when to go on.",
    431: "The headers are too long.",
    500: "Our fault.",
    503: "Nothing is published yet, or the warehouse is being written: `Retry-After`.",
}


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What else may come back, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}}
    return {status: {"description": TOLD[status], "content": content} for status in statuses}


def _listed(path: str, row: type[BaseModel], summary: str) -> Callable[[Callable[..., Response]], Any]:
    """Registers a list of such rows."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    other: dict[str, Any] = {kind: {"schema": {"type": "string"}} if kind == "text/csv" else binary for kind in FORMATS}
    del other["application/json"]
    links = {
        "ETag": {"schema": {"type": "string"}, "description": "of this answer in this publication"},
        "Last-Modified": {"schema": {"type": "string"}, "description": "when it was published"},
        "Link": {"schema": {"type": "string"}, "description": "the next page, where there is one"},
    }
    return lists.get(
        path,
        summary=summary,
        response_model=None,
        response_class=Response,
        responses={
            200: {"model": schemas.page_of(row), "content": other, "headers": links, "description": "Rows"},
            304: {"description": "Unchanged since the ETag or date that was sent"},
            **told(401, 404, 406, 414, 422, 429, 431, 500, 503),
        },
    )


@dataclass(frozen=True)
class _Answer:
    """What one request for a list needs to be answered."""

    request: Request
    asked: schemas.Asked

    def of(self, question: Question) -> Response:
        media_type = chosen(self.request.headers.get("accept", "*/*"))
        reader: Reader = self.request.app.state.reader
        if self.asked.cursor is None:
            with reader.publication() as publication:
                return self._page(publication, question, media_type, None)
        cursor = Cursor.parse(self.asked.cursor, len(question.key))
        with reader.earlier(cursor.run_id) as earlier:
            if earlier is None:
                raise Problem(404, "a newer publication has taken the place of the one this cursor is of: begin anew")
            return self._page(earlier, question, media_type, cursor.after)

    def _page(
        self, publication: Publication, question: Question, media_type: str, after: Sequence[Any] | None
    ) -> Response:
        table = page(publication, question, self.asked.limit + 1, after)
        cursor = None
        if table.num_rows > self.asked.limit:
            table = table.slice(0, self.asked.limit)
            last = table.select(list(question.key)).slice(self.asked.limit - 1).to_pylist()[0]
            cursor = str(Cursor(publication.run_id, tuple(last.values())))
        content = FORMATS[media_type][1](table, About(publication.run_id, publication.published_at, cursor))
        headers = {"X-Publication": publication.run_id}
        if cursor is not None:
            following = self.request.url.include_query_params(cursor=cursor)
            headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
        return Response(content, headers=headers, media_type=media_type)


@_listed("/datasets", schemas.DatasetRow, "Datasets: how many series, how fresh, which model answers")
def datasets(request: Request, asked: Annotated[schemas.Asked, Query()]) -> Response:
    return _Answer(request, asked).of(served.datasets())


@_listed("/series", schemas.SeriesRow, "Series: place, unit, coordinates, how complete")
def series(request: Request, asked: Annotated[schemas.AskedSeries, Query()]) -> Response:
    return _Answer(request, asked).of(served.series(asked.dataset, asked.place, asked.box, targets=asked.targets))


@_listed("/predictions", schemas.PredictionRow, "Forecasts by the hour, with seven quantiles")
def predictions(request: Request, asked: Annotated[schemas.AskedPredictions, Query()]) -> Response:
    horizons = (asked.horizon_from, asked.horizon_to)
    return _Answer(request, asked).of(served.predictions(asked.series, asked.dataset, asked.box, horizons, asked.which))


@_listed("/observations", schemas.ObservationRow, "What was measured, by the hour, with its quality")
def observations(request: Request, asked: Annotated[schemas.AskedObservations, Query()]) -> Response:
    span = (asked.since, asked.until)
    return _Answer(request, asked).of(served.observations(asked.series, asked.dataset, span, asked.quality))


@_listed("/alerts", schemas.AlertRow, "Alerts: how probable, whether to act, and what to do")
def alerts(request: Request, asked: Annotated[schemas.AskedAlerts, Query()]) -> Response:
    question = served.alerts(asked.dataset, asked.rule, asked.series, asked.box, raised=asked.raised)
    return _Answer(request, asked).of(question)


@_listed("/monitoring/metrics", schemas.MetricRow, "What is watched: errors, coverage, drift, fallback, gaps")
def metrics(request: Request, asked: Annotated[schemas.AskedMetrics, Query()]) -> Response:
    return _Answer(request, asked).of(
        served.metrics(asked.metric, asked.dataset, asked.series, breached=asked.breached)
    )


@_listed("/models", schemas.ModelRow, "Model versions, the newest first, with scores and what became of them")
def models(request: Request, asked: Annotated[schemas.AskedModels, Query()]) -> Response:
    return _Answer(request, asked).of(served.models(asked.dataset, asked.status))


@_listed("/models/history", schemas.HistoryRow, "What was in production when, and why")
def history(request: Request, asked: Annotated[schemas.AskedHistory, Query()]) -> Response:
    return _Answer(request, asked).of(served.history(asked.dataset, asked.at))


@_listed("/runs", schemas.RunRow, "Runs, the newest first: how long, how many calls, what they cost")
def runs(request: Request, asked: Annotated[schemas.AskedRuns, Query()]) -> Response:
    return _Answer(request, asked).of(served.runs(asked.flow, asked.status))


@_listed("/runs/{run_id}/steps", schemas.StepRow, "Steps of a run, in their order")
def steps(
    request: Request,
    run_id: Annotated[str, Path(max_length=200, pattern=schemas.NAME, examples=["20261120T061000-0a1b2c"])],
    asked: Annotated[schemas.Asked, Query()],
) -> Response:
    return _Answer(request, asked).of(served.steps(run_id))
