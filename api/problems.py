"""Errors as application/problem+json (RFC 9457): what was wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from warehouse.errors import BadInput, LockHeld, NotBuilt, SkyduckError
from warehouse.settings import ROOT, Settings

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "30"
BUSY = "a run is writing the warehouse: ask again when it has ended"


class Fault(BaseModel):
    """One thing that was wrong with a request."""

    where: str = Field(description="Name of the parameter or field.")
    detail: str = Field(description="What was wrong with it.")


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(default="about:blank", description="`about:blank`: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong, and what to do.")
    instance: str = Field(description="Path of the request.")
    errors: list[Fault] | None = Field(default=None, description="Each parameter or field that was wrong.")


class Problem(Exception):
    """Ends a request with a status and a line for the reader."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def body(status: int, detail: str, instance: str, errors: Sequence[Fault] = ()) -> bytes:
    found = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    return orjson.dumps(found | ({"errors": [each.model_dump() for each in errors]} if errors else {}))


def answer(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body(status, detail, request.url.path), status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error that a request can end with is told in one shape."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return answer(request, error.status, error.detail, error.headers)

    @app.exception_handler(SkyduckError)
    async def ours(request: Request, error: SkyduckError) -> Response:
        status = _status(error)
        detail = BUSY if isinstance(error, LockHeld) else told_outside(error, request.app.state.settings)
        return answer(request, status, detail, {"Retry-After": RETRY_SECONDS} if status == 503 else None)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [Fault(where=_where(each), detail=str(each["msg"])) for each in error.errors()]
        detail = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
        content = body(422, detail, request.url.path, faults)
        return Response(content, 422, media_type=MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return answer(request, 500, "this is our fault; the server's log says more")


def told_outside(error: SkyduckError, settings: Settings) -> str:
    """Its line without where this machine keeps its files."""
    return str(error).replace(str(settings.data_dir.resolve()), "<data>").replace(str(ROOT), "<skyduck>")


def _status(error: SkyduckError) -> int:
    if isinstance(error, LockHeld | NotBuilt):
        return 503
    return 422 if isinstance(error, BadInput) else 500


def _where(error: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
