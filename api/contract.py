"""The OpenAPI document: what FastAPI makes of the routes, and what it cannot know: problems, and keys."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.problems import ProblemDetails

REF = "#/components/schemas/{model}"
GENERATED = ("HTTPValidationError", "ValidationError")  # FastAPI's own shape of a 422, which is not ours


def install(app: FastAPI) -> None:
    """Made once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = found["components"]
    for name in GENERATED:
        components["schemas"].pop(name, None)
    components["schemas"] |= models_json_schema([(ProblemDetails, "serialization")], ref_template=REF)[1]["$defs"]
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer sky_…`"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            operation["operationId"] = _name(path)
            _put_json_first(operation["responses"])
            needed: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
            if not path.startswith("/health"):
                operation["security"] = needed if method == "post" else [*needed, {}]
    return found


def _name(path: str) -> str:
    """What a generated client calls it: `/v1/runs/{run_id}/steps` is `runs_steps`."""
    return "_".join(part for part in path.removeprefix("/v1").split("/") if part and not part.startswith("{"))


def _put_json_first(responses: dict[str, Any]) -> None:
    """Generators make their types of the form that stands first, and only JSON has one with columns."""
    for response in responses.values():
        if "content" in response:
            response["content"] = dict(sorted(response["content"].items(), key=lambda form: "json" not in form[0]))
