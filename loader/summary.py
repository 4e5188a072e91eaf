"""What a load did, per endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SourceSummary:
    """Counts are of windows: one subject and one stretch of days. error: the first thing that went wrong."""

    source: str
    endpoint: str
    n_windows: int = 0
    n_ok: int = 0
    n_empty: int = 0
    n_failed: int = 0
    n_rejected: int = 0
    n_new_bodies: int = 0
    n_hours: int = 0
    n_values: int = 0
    n_calls: int = 0
    weight: float = 0.0
    seconds: float = 0.0
    error: str | None = None

    @property
    def name(self) -> str:
        return f"{self.source} {self.endpoint}"

    @property
    def n_done(self) -> int:
        return self.n_ok + self.n_empty + self.n_failed + self.n_rejected

    def count(self, status: str, reason: str | None) -> None:
        """One more window ended so."""
        setattr(self, f"n_{status}", getattr(self, f"n_{status}") + 1)
        if status in ("failed", "rejected") and self.error is None:
            self.error = reason

    def line(self) -> str:
        """Progress in one line."""
        return f"{self.name}: {self.n_done}/{self.n_windows} windows, {short(self.n_values)} values"


@dataclass(frozen=True)
class Allowance:
    """Call weight that a source allows within so many seconds, and what was used of it up to the end of the load."""

    source: str
    most: float
    seconds: float
    used: float


@dataclass
class LoadSummary:
    sources: list[SourceSummary] = field(default_factory=list)
    allowances: list[Allowance] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """One line per endpoint that did not bring everything it was asked for."""
        return [
            f"{s.name}: {s.n_failed} failed and {s.n_rejected} rejected of {s.n_windows} windows; first: {s.error}"
            for s in self.sources
            if s.n_failed or s.n_rejected
        ]

    @property
    def n_new_bodies(self) -> int:
        return sum(s.n_new_bodies for s in self.sources)


def short(n: int) -> str:
    """1234567 -> 1.2 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.1f} {letter}"
    return str(n)
