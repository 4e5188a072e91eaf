"""Every error a user can meet, and the exit code it ends with.

SkyduckError            1  our fault
├── BadInput            2  a file, flag, seed or setting the user can mend
│   ├── LockHeld        2  another run is writing the warehouse
│   └── NotBuilt        2  there is no warehouse, or no such table in it, yet
├── UpstreamFailed      3  a source did not answer, or answered something unusable
│   └── WarehouseUnreachable  3  MotherDuck cannot be reached
│       └── WarehouseLost     3  it was lost after it had been reached
├── DataTestFailed      4  dbt found data that must not be published
├── RunsMissed          5  a daily run has not published by its deadline
├── ArtefactRefused     1  a model file whose bytes are not those that were trained
└── TaskLost            1  the nodes of a cluster were lost, each time that one of them had begun a task

Messages say what was seen, what was expected and what to do.
"""

from __future__ import annotations


class SkyduckError(Exception):
    exit_code = 1


class BadInput(SkyduckError):
    exit_code = 2


class LockHeld(BadInput):
    """Another run holds the warehouse."""


class NotBuilt(BadInput):
    """What is to be read has not been made yet."""


class UpstreamFailed(SkyduckError):
    exit_code = 3


class WarehouseUnreachable(UpstreamFailed):
    """MotherDuck did not let us in."""


class WarehouseLost(WarehouseUnreachable):
    """MotherDuck was there, and then it was not."""


class DataTestFailed(SkyduckError):
    exit_code = 4


class RunsMissed(SkyduckError):
    exit_code = 5


class ArtefactRefused(SkyduckError):
    """A model artefact is missing, altered or of a format that is never loaded."""


class TaskLost(SkyduckError):
    """A task went with its node, and again with each of those that it was given to."""
