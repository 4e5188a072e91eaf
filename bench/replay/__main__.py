"""`python -m bench.replay`: one more day of either replay, or all of them, and the page of what is there."""

from bench.replay.command import command

if __name__ == "__main__":
    raise SystemExit(command())
