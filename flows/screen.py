"""Progress for a person: one moving line on a terminal, a line every few seconds elsewhere. Always on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

EVERY_SECONDS = 5.0


class Screen:
    """`say` keeps a line; `tick` shows what is under way and is forgotten."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self._status: Status | None = None
        self._start = self._last = time.monotonic()

    def say(self, line: str) -> None:
        self.console.print(Text(f"{self._clock()}  {line}"), soft_wrap=True)

    def tick(self, line: str) -> None:
        if self._status is not None:
            self._status.update(Text(line))
        elif time.monotonic() - self._last >= EVERY_SECONDS:
            self._last = time.monotonic()
            self.say(line)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """A spinner for the length of the block, where there is a terminal to spin on."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status("starting") as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._start)
        return f"{seconds // 60:02d}:{seconds % 60:02d}"
