"""The stages of dvc.yaml: `python -m ml.stages snapshot|tune|train|evaluate DATASET`, in the folder of that file.

Only `snapshot` opens the warehouse, at the as-of time of the record that a run left in mart.json. What follows reads
files, so it gives the same on every machine. Everything of a dataset lies in artifacts/<dataset>/.
"""

from __future__ import annotations

import re
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

from ml import snapshot as snapshots
from ml.artefact import manifest_of, sha256_of
from ml.competition import Contest
from ml.json_files import read_json, write_json
from ml.learn import Learnt
from ml.params import Params, load_params
from ml.registry import Bundle
from ml.stage_inputs import MART, NO_SEARCH, SEARCH
from ml.tuned import is_unreported
from warehouse.errors import ArtefactRefused, BadInput, SkyduckError
from warehouse.settings import load_settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")
ARTIFACTS = Path("artifacts")
PARAMS = Path("params.yaml")
SNAPSHOT, STUDY, TUNED, MODEL, COSTS = "snapshot", "study.log", "tuned.json", "model", "costs.json"
ARTEFACTS, METRICS, PLOTS = "artefacts.json", "metrics.json", "plots"


def snapshot(folder: Path, asked: Params) -> None:
    from ml import engine
    from ml.backtest import with_covariates
    from ml.learn import read_panels

    settings = load_settings()
    as_of = datetime.fromisoformat(read_json(folder / MART)["as_of"])
    windows, panels = read_panels(settings, asked, as_of)
    params = with_covariates(settings, asked)
    snapshots.write(folder / SNAPSHOT, panels, windows, asked, params, partial(engine.each, settings))
    _say(f"{asked.dataset}: {len(panels.train):,} rows to learn from, as of {as_of:%Y-%m-%d %H:%M} UTC")


def tune(folder: Path, asked: Params) -> None:
    """`accepted`: whether `overlay`, values to lay over params.yaml, won on windows that the search never saw.

    With `tuning.trials` a search on the snapshot; without, the outcome of `skyduck tune`, unless it was confirmed on
    windows that are now to be reported.
    """
    from ml.tune import tune as search

    windows, panels, params = snapshots.read(folder / SNAPSHOT, asked)
    if asked.tuning.trials:
        trials, seconds = asked.tuning.trials, asked.tuning.seconds
        result = search(panels, windows, params, storage=folder / STUDY, trials=trials, seconds=seconds, progress=_say)
        _say(f"{asked.dataset}: {result.reason}")
        (folder / TUNED).write_text(result.to_json(), encoding="utf-8")
        return
    found = read_json(folder / SEARCH)
    usable = found["accepted"] and is_unreported(found, windows.report_from)
    write_json(folder / TUNED, found if usable else NO_SEARCH)


def tuned_params(folder: Path) -> Params:
    """params.yaml with what the tune stage accepted laid over it. Raises ArtefactRefused."""
    found = read_json(folder / TUNED)
    try:
        overlay = dict(found["overlay"]) if found["accepted"] else {}
        return load_params(folder.name, folder.parent.parent / PARAMS, overlay=overlay)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactRefused(f"{folder / TUNED} cannot be laid over params.yaml: {error!r}") from None


def train(folder: Path, asked: Params) -> None:
    from ml import engine, learnt_files
    from ml.learn import learn

    settings, asked = load_settings(), tuned_params(folder)
    windows, panels, params = snapshots.read(folder / SNAPSHOT, asked)
    learnt = engine.call(settings, learn, panels, windows, asked, params, engine.carried(settings, _say))
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    write_json(folder / COSTS, asdict(learnt_files.write(folder / MODEL, learnt)))
    write_json(folder / ARTEFACTS, artefact_hashes(learnt.final))


def evaluate(folder: Path, asked: Params) -> None:
    from ml import evaluate as figures
    from ml.learnt_files import read_result
    from ml.report.learning import MODEL as LEARNER
    from ml.report.learning import learning_curve

    result = read_result(folder / MODEL)
    windows, panels, params = snapshots.read(folder / SNAPSHOT, tuned_params(folder))
    curve = learning_curve(panels, windows, params, _say).points
    write_json(folder / METRICS, figures.metrics(result, read_json(folder / ARTEFACTS)))
    (folder / PLOTS).mkdir(exist_ok=True)
    (folder / PLOTS / "mae_by_horizon.csv").write_bytes(figures.mae_by_horizon(result.scored))
    (folder / PLOTS / "reliability.csv").write_bytes(figures.reliability(result.scored))
    (folder / PLOTS / "learning_curve.csv").write_bytes(figures.learning_curve(LEARNER, curve))


def artefact_hashes(contest: Contest) -> dict[str, str]:
    """Model -> sha256 that its files have in the registry, were it put there."""
    found = {}
    for name in sorted(contest.models):
        files = Bundle.of(name, contest.models, contest.params, contest.calibrations[name]).files()
        found[name] = sha256_of(manifest_of(files))
    return found


def learnt_of(folder: Path) -> Learnt:
    """What the stages of this dataset's folder found, to be put on record; `asked` by params.yaml and search beside it.

    Raises ArtefactRefused. That the bytes are those that the stages wrote must have been checked before.
    """
    from ml import learnt_files

    asked = tuned_params(folder)
    _, panels, _ = snapshots.read(folder / SNAPSHOT, asked)
    return learnt_files.read(folder / MODEL, asked, panels, learnt_files.Costs(**read_json(folder / COSTS)))


STAGES: dict[str, Callable[[Path, Params], None]] = {
    "snapshot": snapshot,
    "tune": tune,
    "train": train,
    "evaluate": evaluate,
}


def main(arguments: list[str]) -> int:
    """Runs one stage; what a user can mend is one line and the exit code of its kind."""
    if len(arguments) != 2 or arguments[0] not in STAGES:
        return _refuse(
            BadInput(f"expected `python -m ml.stages {'|'.join(STAGES)} DATASET`, not {' '.join(arguments)!r}")
        )
    stage, dataset = arguments
    try:
        STAGES[stage](ARTIFACTS / checked_name(dataset), load_params(dataset, PARAMS))
    except SkyduckError as error:
        return _refuse(error)
    except Exception as error:
        traceback.print_exc()
        return _refuse(SkyduckError(f"our fault, please report it: {type(error).__name__}: {error}"))
    return 0


def checked_name(dataset: str) -> str:
    """Names become folders and parts of a command line. Raises BadInput."""
    if not NAME.fullmatch(dataset):
        raise BadInput(f"'{dataset[:80]}' is no name of a dataset")
    return dataset


def _refuse(error: SkyduckError) -> int:
    print(f"skyduck: {' '.join(str(error).split())}", file=sys.stderr)
    return error.exit_code


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
