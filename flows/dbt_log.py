"""What dbt says while it runs (`--log-format json`), as progress lines and one result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from warehouse.errors import DataTestFailed, SkyduckError

Progress = Callable[[str], None]
_QUIET = {"Formatting", "SQLCompiledPath"}
_BROKEN_CONTRACT = "enforced contract that failed"


@dataclass(frozen=True)
class Failure:
    """One node that failed or warned. `kind` is dbt's resource type: test, model, seed, source, unit_test."""

    name: str
    kind: str
    status: str
    path: str
    message: str

    @property
    def is_data(self) -> bool:
        """The data broke a promise, rather than the SQL its grammar."""
        return self.status == "fail" or _BROKEN_CONTRACT in self.message

    def __str__(self) -> str:
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        if len(lines) > 1 and f" Error in {self.kind} {self.name}" in lines[0]:  # only says that something is wrong
            lines = lines[1:]
        if _BROKEN_CONTRACT in self.message:
            lines = [f"its contract does not hold: {'; '.join(_columns(lines)) or lines[-1]}"]
        return f"{self.name} ({self.path}): {lines[0] if lines else self.status}"


def _columns(lines: list[str]) -> list[str]:
    """The rows of dbt's table of mismatches: column, type of the model, type of the contract, why."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]
    return [f"{row[0]} is {row[1] or 'absent'}, expected {row[2] or 'nothing'}" for row in rows if len(row) == 4]


@dataclass(frozen=True)
class DbtResult:
    """One dbt invocation. `failures` ended it; `warnings` did not."""

    command: str
    n_ok: int
    n_warn: int
    n_error: int
    n_skipped: int
    failures: tuple[Failure, ...]
    warnings: tuple[Failure, ...]
    seconds: float

    def raise_for_failures(self) -> None:
        """DataTestFailed where data broke a test or a contract, SkyduckError where a node could not run."""
        if not self.failures:
            return
        data = [failure for failure in self.failures if failure.is_data]
        shown = "; ".join(map(str, (data or self.failures)[:5]))
        more = f" (and {len(self.failures) - 5} more)" if len(self.failures) > 5 else ""
        if data:
            raise DataTestFailed(
                f"dbt {self.command}: {len(data)} of the promises about the data do not hold: {shown}{more}. "
                "Nothing was published; the previous copy stays"
            )
        raise SkyduckError(f"dbt {self.command} could not build {len(self.failures)} nodes: {shown}{more}")


@dataclass
class LogReader:
    """Reads dbt's lines one by one; `on_start` is told each node that begins."""

    progress: Progress
    on_start: Callable[[str], None] = lambda name: None
    stats: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, Failure] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def feed(self, line: str) -> None:
        try:
            event = json.loads(line)
            name, data = event["info"]["name"], event["data"]
        except (ValueError, KeyError, TypeError):
            if line.strip():
                self.errors.append(line.strip())
            return
        if name not in _QUIET:
            self._take(name, data, event["info"])

    def _take(self, name: str, data: dict[str, Any], info: dict[str, Any]) -> None:
        node = data.get("node_info") or {}
        if name == "LogStartLine":
            self.progress(f"dbt {data['index']}/{data['total']} {node.get('node_name', data['description'])}")
            self.on_start(str(node.get("node_name", "")))
        elif name == "StatsLine":
            self.stats = data["stats"]
        elif name in ("LogTestResult", "LogModelResult", "LogSeedResult", "LogUnitTestResult", "LogFreshnessResult"):
            self._note(node)
        elif name in ("RunResultError", "RunResultWarningMessage", "RunResultFailure", "RunResultWarning"):
            self._describe(node, path=data.get("path"), message=data.get("msg"))
        elif name == "SkippingDetails":
            self.progress(f"dbt {data['index']}/{data['total']} {data['node_name']} skipped")
        elif info["level"] == "error":
            self.errors.append(info["msg"])

    def _note(self, node: dict[str, Any]) -> None:
        status = str(node.get("node_status", ""))
        if status in ("fail", "error", "warn", "runtime error"):
            self.nodes[node["unique_id"]] = Failure(
                name=node["node_name"], kind=node["resource_type"], status=status, path=node["node_path"], message=""
            )

    def _describe(self, node: dict[str, Any], *, path: str | None, message: str | None) -> None:
        known = self.nodes.get(node.get("unique_id", ""))
        if known is None:
            if message:
                self.errors.append(message)
            return
        self.nodes[node["unique_id"]] = Failure(
            known.name, known.kind, known.status, path or known.path, (message or known.message).strip()
        )

    def result(self, *, command: str, seconds: float) -> DbtResult:
        found = tuple(self.nodes.values())
        failures = tuple(node for node in found if node.status != "warn")
        return DbtResult(
            command=command,
            n_ok=self.stats.get("pass", 0),
            n_warn=self.stats.get("warn", 0),
            n_error=self.stats.get("error", len(failures)),
            n_skipped=self.stats.get("skip", 0),
            failures=failures,
            warnings=tuple(node for node in found if node.status == "warn"),
            seconds=seconds,
        )
