"""Structured logs: one JSON object a line under `<data_dir>/logs`, with the run's id and without its secrets."""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog
from pydantic import SecretStr

from warehouse.mask import mask_of
from warehouse.retention import turn
from warehouse.settings import Settings

ERROR, INFO = 40, 20
_file: TextIO | None = None


def quiet() -> None:
    """Before a run has begun, and after it has ended: only errors, on stderr; a retry is none."""
    global _file
    if _file is not None:
        _file.close()
        _file = None
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(ERROR),
        # whatever stderr is when a line is written: a caller may have put another in its place since
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def to_file(settings: Settings, run_id: str, mask: Callable[[str], str] | None = None) -> None:
    """From here on every line goes to skyduck.jsonl; a file that has grown long becomes skyduck.1.jsonl.

    `mask`: what hides private places in a text, where the caller has it.
    """
    global _file
    quiet()
    folder = settings.data_dir.resolve() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "skyduck.jsonl"
    turn(path)
    _file = path.open("a", encoding="utf-8")
    structlog.contextvars.bind_contextvars(run_id=run_id)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Redact(settings, mask or mask_of(settings).text),
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(INFO),
        logger_factory=structlog.WriteLoggerFactory(_file),
        cache_logger_on_first_use=False,
    )


class _Redact:
    """Replaces every secret of the settings, and the names of private places, wherever they stand in a line."""

    def __init__(self, settings: Settings, mask: Callable[[str], str]) -> None:
        self._mask = mask
        values = (getattr(settings, name) for name in type(settings).model_fields)
        self._secrets = [v.get_secret_value() for v in values if isinstance(v, SecretStr) and v.get_secret_value()]

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, int | float | bool) or value is None:
            return value
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return self._mask(text)
