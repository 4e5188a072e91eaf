"""The `skyduck` command: its options, its exit codes, and one line instead of a traceback."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from flows import logs
from flows.commands import alerts, artefacts, data, export, keys, look, model, models, override, run
from flows.options import quiet_telemetry
from warehouse.errors import SkyduckError

app = typer.Typer(
    name="skyduck",
    help="From raw API JSON to hourly forecasts you can trust, every day.",
    epilog="Ends with 0 done · 1 our fault · 2 bad input · 3 a source failed · 4 data tests failed · "
    "5 a daily run is missed · 130/143 stopped",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error (also SKYDUCK_DEBUG=1)."),
) -> None:
    if debug:
        os.environ["SKYDUCK_DEBUG"] = "1"


for room in (run, data, export, model, models, override, alerts, artefacts, keys, look):
    room.register(app)


STOPPED = 130
AGAIN_SECONDS = 0.5
STAYS = "what was committed stays, a rerun goes on from there"


class Terminated(BaseException):
    """SIGTERM, as an exception: what is open is closed on the way out."""


def _terminate(number: int, frame: FrameType | None) -> None:
    """Raises until it is heard: an import under way may swallow what is raised in it. Cleaning up is left in peace."""
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Terminated):
        error = error.__context__
    if error is None:
        raise Terminated


def _hear_no_more() -> None:
    """Called while the stop is being handled: an alarm already under way finds it in the context and raises nothing."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs one command and ends the process with its exit code."""
    quiet_telemetry()
    logs.quiet()
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGALRM, _terminate)
    sys.exit(_code(sys.argv[1:] if arguments is None else arguments))


def _code(arguments: list[str]) -> int:
    try:
        # `--debug` may stand anywhere, as people type it last
        asked = "--debug" in arguments
        words = [*(["--debug"] if asked else []), *(word for word in arguments if word != "--debug")]
        code = app(args=words, prog_name="skyduck", standalone_mode=False)
        if code == STOPPED:  # typer has made it of a KeyboardInterrupt
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except typer.Exit as end:
        return end.exit_code
    except TyperException as error:
        show = getattr(error, "show", None)  # a usage error names the command and its help
        return 2 if callable(show) and not show() else _say(error, str(error), 2)
    except SkyduckError as error:
        return _say(error, str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort) as error:
        return _say(error, f"stopped by Ctrl-C; {STAYS}", STOPPED)
    except Terminated as error:
        _hear_no_more()
        return _say(error, f"stopped by SIGTERM; {STAYS}", 143)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return _say(error, f"our fault, please report it (--debug shows where): {reason}", 1)
    finally:
        _hear_no_more()
        logs.quiet()


def _say(error: BaseException, line: str, code: int) -> int:
    if os.environ.get("SKYDUCK_DEBUG") == "1":
        traceback.print_exception(error)
    print(f"skyduck: {line}", file=sys.stderr)
    return code
