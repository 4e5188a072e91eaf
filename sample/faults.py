"""Faults by rule: which request, which fault, how often; each rule counts how often it really happened."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sample.answer import HTML, Answer, json_answer, text_answer
from sample.data_gov_sg import NOT_FOUND, TOO_MANY, error
from sample.limits import REASONS
from sample.mutators import MUTATORS, TOKENS
from sample.reshapes import Args

Wire = Callable[[Answer, Args, str], Answer]  # (answer without the fault, args, host)


def _page(title: str) -> str:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


def html200(answer: Answer, args: Args, host: str) -> Answer:
    return text_answer(args.get("text", _page("Scheduled maintenance")), 200, HTML)


def text200(answer: Answer, args: Args, host: str) -> Answer:
    return text_answer(args.get("text", "service temporarily unavailable"))


def truncated_json(answer: Answer, args: Args, host: str) -> Answer:
    return replace(answer, body=answer.body[: int(len(answer.body) * args.get("share", 0.6))])


def empty_body(answer: Answer, args: Args, host: str) -> Answer:
    return replace(answer, body=b"")


def bad_gzip(answer: Answer, args: Args, host: str) -> Answer:
    packed = bytearray(gzip.compress(answer.body))
    packed[10:14] = b"\xff" * 4  # right after the header: a block of a type that does not exist
    return replace(answer, body=bytes(packed), headers={**answer.headers, "Content-Encoding": "gzip"})


def error_true(answer: Answer, args: Args, host: str) -> Answer:
    reason = args.get("reason", "Internal error while reading the data file")
    return json_answer({"error": True, "reason": reason}, int(args.get("status", 200)))


def status_429(answer: Answer, args: Args, host: str) -> Answer:
    headers = {"Retry-After": str(args["retry_after"])} if "retry_after" in args else {}
    if "data.gov.sg" in host:
        return replace(error(429, 24, "TOO_MANY_REQUESTS", TOO_MANY), headers=headers)
    if "energy-charts" in host:
        return text_answer("Too Many Requests", 429, headers=headers)
    reason = REASONS.get(args.get("reason", "minutely"), str(args.get("reason")))
    return json_answer({"error": True, "reason": reason}, 429, headers)


def failure(status: int, title: str) -> Wire:
    """Open-Meteo says what is wrong in JSON; gateways and the other hosts send a page."""

    def fail(answer: Answer, args: Args, host: str) -> Answer:
        if "open-meteo" in host and status in (500, 503):
            reason = "The service is overloaded" if status == 503 else title
            return json_answer({"error": True, "reason": reason}, status)
        return text_answer(_page(f"{status} {title}"), status, HTML)

    return fail


def timeout(answer: Answer, args: Args, host: str) -> Answer:
    return replace(answer, delay=float(args.get("seconds", 30)))


def reset(answer: Answer, args: Args, host: str) -> Answer:
    return replace(answer, cut=True)


def slow_drip(answer: Answer, args: Args, host: str) -> Answer:
    return replace(answer, pause=float(args.get("pause", 0.2)))


def midstream_error(answer: Answer, args: Args, host: str) -> Answer:
    text = b"Unexpected error while streaming data: timeoutReached"
    return replace(answer, body=answer.body[: len(answer.body) // 2] + text)


def huge_payload(answer: Answer, args: Args, host: str) -> Answer:
    """Still valid JSON: a run of blanks, `mib` (64) long, before the end."""
    padding = b" " * int(float(args.get("mib", 64)) * 2**20)
    return replace(answer, body=answer.body[:-1] + padding + answer.body[-1:])


# Faults that need the real body, and those that answer in its place.
ON_BODY: dict[str, Wire] = {
    "truncated_json": truncated_json, "empty_body": empty_body, "bad_gzip": bad_gzip, "timeout": timeout,
    "reset": reset, "slow_drip": slow_drip, "midstream_error": midstream_error, "huge_payload": huge_payload,
}  # fmt: skip
INSTEAD: dict[str, Wire] = {
    "html200": html200, "text200": text200, "error_true": error_true, "status_429": status_429,
    "status_500": failure(500, "Internal Server Error"), "status_502": failure(502, "Bad Gateway"),
    "status_503": failure(503, "Service Unavailable"), "status_504": failure(504, "Gateway Timeout"),
}  # fmt: skip
NAMES = sorted([*ON_BODY, *INSTEAD, *MUTATORS])


class Rule(BaseModel):
    """One rule. `times` null = always; `skip` = let that many matching requests through first."""

    model_config = ConfigDict(extra="forbid")

    match: str = ""
    fault: str
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    args: dict[str, Any] = Field(default_factory=dict)
    seen: int = Field(default=0, init=False)  # matching requests
    applied: int = Field(default=0, init=False)  # of those, answered with the fault

    @field_validator("fault")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"unknown fault '{value}'; known: {', '.join(NAMES)}")
        return value


def mutated(answer: Answer, rule: Rule) -> Answer | None:
    """The answer with the fault inside its JSON; None where the body has no place for it."""
    if answer.status != 200 or not answer.media_type.startswith("application/json"):
        return None
    body = orjson.loads(answer.body)
    if rule.fault == "missing_day" and isinstance(body, dict) and body.get("code") == 0:
        wanted = rule.args.get("date")
        days = {item["date"] for item in body["data"]["items"]}
        return NOT_FOUND if wanted is None or str(wanted) in days else None
    body = MUTATORS[rule.fault](body, rule.args)
    if body is None:
        return None
    text = orjson.dumps(body)
    for token, bare in TOKENS.items():
        text = text.replace(f'"{token}"'.encode(), bare.encode())
    return replace(answer, body=text)


class FaultBook:
    """The rules in force, tried in order; the first that fits a request is applied to it."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = list(rules or [])

    def pick(self, host: str, path: str, query: str) -> Rule | None:
        """The rule for this request, its turn counted."""
        target = unquote(f"{host}{path}?{query}")
        for rule in self.rules:
            if rule.match not in target or (rule.times is not None and rule.applied >= rule.times):
                continue
            rule.seen += 1
            if rule.seen > rule.skip:
                return rule
        return None

    def apply(self, rule: Rule, answer: Answer, host: str) -> Answer:
        """Counts only what changed the answer."""
        if rule.fault in MUTATORS:
            changed = mutated(answer, rule)
        else:
            changed = (ON_BODY.get(rule.fault) or INSTEAD[rule.fault])(answer, rule.args, host)
        if changed is None:
            return answer
        rule.applied += 1
        return changed
