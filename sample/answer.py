"""What a host answers, before anything is written to the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """A whole response, and how it is to be sent."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before the first byte
    pause: float = 0.0  # seconds between small pieces of the body
    cut: bool = False  # close the connection half way through the body


def json_answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """NaN inside the content becomes null, as every one of the hosts writes a gap."""
    return Answer(status, orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), headers=headers or {})


def text_answer(
    text: str, status: int = 200, media_type: str = TEXT, headers: Mapping[str, str] | None = None
) -> Answer:
    return Answer(status, text.encode(), media_type, headers or {})


class Refused(Exception):
    """The request is answered with an error in the host's own shape."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
