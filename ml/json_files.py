"""JSON files that are whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from warehouse.errors import ArtefactRefused


def read_json(path: Path) -> dict[str, Any]:
    """Raises ArtefactRefused."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactRefused(f"{path} cannot be read: {error}") from None
    return found


def write_json(path: Path, value: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)
