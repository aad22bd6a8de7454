"""The search for better settings: runs with values that Optuna proposes by how the runs before them went.

Every run is judged by the tuning part alone. The study lies in `study.db` beside the runs, so that a search that
was stopped goes on: with the run it was at where that stood, and with what it knew of the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.trial import FrozenTrial, TrialState

from models.errors import ModelError, WrongSettingError
from models.training.checkpoint import load_checkpoint
from models.training.choices import Between, Scalar
from models.training.config import TrainConfig
from models.training.contrasted import contrasted_examples
from models.training.data import digest_of, read_set
from models.training.events import event_examples
from models.training.events_chinese import chinese_event_examples
from models.training.measure import Figures
from models.training.named import named_examples
from models.training.named_chinese import named_chinese_examples
from models.training.posts_chinese import chinese_post_examples
from models.training.train import run
from models.training.written import written_examples

_RANDOM_FIRST = 5
"""Runs with values drawn at random before others are left early, or proposed."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best run of a search: its checkpoint, what was changed for it, its mean macro-F1 on the tuning part.

    `runs` counts those that the search has ended, `left` those of them that were not worth their end.
    """

    checkpoint: Path
    changes: dict[str, Scalar]
    value: float
    runs: int
    left: int


def search(config: TrainConfig, count: int) -> Best:
    """Makes runs with values of the fields in `config.search` until `count` have ended, and returns the best one.

    Runs lie in `config.out`, each in a folder of its own; one that does worse than most at half its way is left.

    Raises:
        WrongSettingError: if nothing is to be searched, or a value is wrong.
        ModelError: if `out` holds the study of another search, or a run can't be made.
    """
    _check(config)
    config.out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _study(config)
    for stopped in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # What was stopped is proposed again; its folder, named by its values, holds how far it came.
        study.enqueue_trial(stopped.params)
        study.tell(stopped.number, state=TrialState.FAIL)
    while len(_ended(study)) < count:
        trial = study.ask()
        try:
            study.tell(trial, _value_of(config, trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
    best = study.best_trial
    left = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    return Best(
        _folder(config, best.params) / "checkpoint",
        dict(best.params),
        float(best.values[0]),
        len(_ended(study)),
        len(left),
    )


def _check(config: TrainConfig) -> None:
    if not config.search:
        raise WrongSettingError("search is empty: name fields and their values in the section [search]")
    for name, space in config.search.items():
        if name.split(".")[0] in {"data", "out", "search", "seed"}:
            raise WrongSettingError(f"search.{name} can't be searched: it is no setting of the recipe")
        values = (space.low, space.high) if isinstance(space, Between) else space
        if not values:
            raise WrongSettingError(f"search.{name} is empty: give values to try")
        for value in values:
            config.changed({name: value})


def _study(config: TrainConfig) -> optuna.Study:
    storage = f"sqlite:///{(config.out / 'study.db').resolve()}"
    asked = config.model_dump_json(exclude={"out", "threads"})
    study = optuna.create_study(
        storage=storage,
        study_name="newstide",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_RANDOM_FIRST),
    )
    read = (example for spec in config.data for example in read_set(spec, config.labels))
    ours = (
        *(written_examples(), event_examples(1), chinese_event_examples(1), chinese_post_examples(1)),
        *(named_examples(), named_chinese_examples(), contrasted_examples()),
    )
    texts = digest_of([*read, *(each for own in ours for each in own)])
    kept = {"recipe": asked, "texts": texts} | study.user_attrs
    if not config.is_told_by(kept["recipe"]) or kept["texts"] != texts:
        raise ModelError(
            f"out is {config.out}, which holds another search, or one over other texts:"
            " give another folder, or remove it"
        )
    study.set_user_attr("recipe", asked)
    study.set_user_attr("texts", texts)
    # Seeded by how far it is: a search that goes on must not propose what it began with.
    study.sampler = optuna.samplers.TPESampler(
        seed=config.seed + len(study.get_trials(deepcopy=False)), n_startup_trials=_RANDOM_FIRST
    )
    return study


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _value_of(config: TrainConfig, trial: optuna.Trial) -> float:
    changes = {name: _propose(trial, name, space) for name, space in config.search.items()}
    folder = _folder(config, changes)
    seen: set[int] = set()

    def watch(value: float, step: int) -> None:
        if step not in seen:
            seen.add(step)
            trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned

    told = config.changed({**changes, "search": {}, "out": folder})
    checkpoint = run(told, watch=watch, answers=config.out / "answers")
    return _mean(load_checkpoint(checkpoint)[0].tune)


def _propose(trial: optuna.Trial, name: str, space: Between | tuple[Scalar, ...]) -> Scalar:
    if not isinstance(space, Between):
        return cast("Scalar", trial.suggest_categorical(name, space))
    if space.whole:
        return trial.suggest_int(name, int(space.low), int(space.high), log=space.log)
    return trial.suggest_float(name, space.low, space.high, log=space.log)


def _folder(config: TrainConfig, changes: Mapping[str, Any]) -> Path:
    """Where the run with these changes lies: the same place whenever it is tried."""
    told = json.dumps(changes, sort_keys=True).encode()
    return config.out / f"run-{hashlib.blake2b(told, digest_size=5).hexdigest()}"


def _mean(figures: Mapping[Any, Figures]) -> float:
    return sum(each.macro_f1 for each in figures.values()) / max(1, len(figures))
