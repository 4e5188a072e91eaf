"""Where the next page begins: the publication being read and the last key seen, in one opaque word."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from api.problems import Problem

MOST = 1024


@dataclass(frozen=True)
class Cursor:
    run_id: str
    after: tuple[Any, ...]

    def __str__(self) -> str:
        text = orjson.dumps([self.run_id, list(self.after)], option=orjson.OPT_NAIVE_UTC)
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, n_keys: int) -> Cursor:
        """Raises Problem for one that this question did not give."""
        try:
            found = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
            run_id, after = found
            is_ours = isinstance(run_id, str) and len(after) == n_keys
            is_ours = is_ours and all(isinstance(each, str | int) for each in after)
        except (binascii.Error, ValueError, TypeError):
            is_ours = False
        if not is_ours:
            raise Problem(404, "the cursor is none that this question gave: ask without it to begin anew")
        return cls(run_id, tuple(after))
