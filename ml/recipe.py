"""What decides how a model is learnt: versions of one recipe differ in their data alone."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ml.forecaster import Blender, build
from ml.params import CHOOSING, Params
from warehouse.errors import BadInput

Row = dict[str, Any]


def recipe(params: Params, model: str) -> str | None:
    """A hash: the model, the models it needs and all params that they are learnt with. None: not known to this code."""
    try:
        needed = {model, *members(params, model)}
    except BadInput:
        return None
    kept = params.model_dump(mode="json", exclude={*CHOOSING, "fallback", "evaluation", "models"})
    kept["training"].pop("retrain_every_days", None)
    kept["models"] = {name: params.models.get(name) for name in sorted(needed)}
    return hashlib.sha256(json.dumps([model, kept], sort_keys=True, default=str).encode()).hexdigest()


def recipe_of(row: Row) -> str | None:
    """Of a version on record."""
    params = stored_params(row)
    return recipe(params, str(row["model"])) if params else None


def stored_params(row: Row) -> Params | None:
    """The params of a version as they were written, None where the present code no longer reads them."""
    found = json.loads(str(row["params"]))
    found.pop("fingerprint", None)
    try:
        return Params.model_validate(found)
    except ValueError:
        return None


def members(params: Params, model: str) -> tuple[str, ...]:
    built = build(model, params)
    return built.members if isinstance(built, Blender) else ()
