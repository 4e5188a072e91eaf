"""`python -m bench [name] [--quick]`: one table per question, each figure beside what it is compared with."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys

from flows import logs
from flows.options import quiet_telemetry
from warehouse.errors import SkyduckError

QUESTIONS = {
    "parse": "How fast do JSON bodies become typed rows, beside hand-written SQL and pandas?",
    "scale": "200 series × 2 years: within 10 minutes and 6 GiB on 2 cores?",
    "memory": "How much memory does fitting a model take, beside the frame that it learns from?",
    "scaling": "What would 10⁵ and 10⁶ series take, by the points that `scale --series N` has measured?",
    "history": "One more day: does it cost more after 4 years of history than after 1?",
    "bars": "Every bar of accuracy and speed: MAE by plan entry, training seconds, 200 series predicted.",
    "versus": "Beside what one would write instead: a pandas loader, dlt, mlforecast.",
    "coverage": "Do the intervals hold half a year after the cut, and with inputs missing?",
    "daily": "What does a day cost: the first, the next, and with nothing new?",
    "monitoring": "What does monitoring add to a run, are its p-values calibrated, and what does it find?",
    "dashboard": "How soon does each page show something, and answer a click, with 57 and 200 series?",
    "arms": "Does an A/B call the better method right at the size it states, and does a bandit lose less?",
    "api": "How fast does the REST API answer 50 clients at a time, and does a new publication disturb them?",
    "replay": "Half a year, day by day, with a fault of each kind: found how soon, and what for nothing? (hours)",
}
LONG = {"replay"}  # only where asked for by name


def main() -> int:
    listed = "\n".join(f"  {name:10} {question}" for name, question in QUESTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measures side by side. Everything happens in scratch folders.",
        epilog=f"questions:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="name", help="which question (default: all but replay)")
    parser.add_argument("--quick", action="store_true", help="a small version of each: for a look, not for a figure")
    parser.add_argument("--series", type=int, metavar="N", help="scale: so many series, kept as a point for scaling")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(QUESTIONS)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that scratch folders and children go, too
    quiet_telemetry()
    logs.quiet()
    try:
        for name in options.names or [name for name in QUESTIONS if name not in LONG]:
            more = {"series": options.series} if name == "scale" and options.series else {}
            importlib.import_module(f"bench.{name}").main(options.quick, **more)
    except SkyduckError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
