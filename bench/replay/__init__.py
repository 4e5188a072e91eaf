"""Days of the recordings replayed one by one, as they are and with faults in them: what is found, and how soon."""

from bench.replay.command import main

__all__ = ["main"]
