"""Golden examples: texts with the answers that a release must give wherever it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import ManifestError
from models.scorer import Answer, Scorer
from models.tasks import SENTIMENT

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class GoldenExample(BaseModel):
    """A text, and by task and label the calibrated probabilities that are expected."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    text: Annotated[str, Field(min_length=1)]
    expected: Annotated[dict[Literal["sentiment", "topic"], dict[str, Probability]], Field(min_length=1)]


class Golden(BaseModel):
    """The content of `golden.json`.

    `tolerance` is how far a probability may be off: processors differ in their last bits, and in how they round
    to int8.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    tolerance: Annotated[float, Field(gt=0.0, lt=0.5)]
    examples: Annotated[tuple[GoldenExample, ...], Field(min_length=1)]

    def to_json(self) -> bytes:
        """The examples as they stand in their file."""
        return self.model_dump_json(indent=2).encode() + b"\n"


def read_golden(data: bytes, where: str) -> Golden:
    """The golden examples in `data`, which was read at `where`.

    Raises:
        ManifestError: if it holds none.
    """
    try:
        return Golden.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in fault["loc"]) or "the whole"
        raise ManifestError(f"{where}: {field}: {fault['msg']}. Write the release anew") from error


def record_golden(scorer: Scorer, texts: Sequence[str], *, tolerance: float) -> Golden:
    """Golden examples from what `scorer` answers now: all moods, and the likeliest topic of each text."""
    examples = []
    for text, answer in zip(texts, scorer.score(texts).answers, strict=True):
        expected: dict[Literal["sentiment", "topic"], dict[str, float]] = {
            "sentiment": dict(zip(SENTIMENT, answer.sentiment, strict=True))
        }
        if answer.topics:
            expected["topic"] = dict(answer.topics[:1])
        examples.append(GoldenExample(text=text, expected=expected))
    return Golden(tolerance=tolerance, examples=tuple(examples))


def check_golden(scorer: Scorer, golden: Golden) -> list[str]:
    """What `scorer` answers otherwise than expected, one sentence for each label; empty where all is well."""
    texts = [example.text for example in golden.examples]
    answers = scorer.score(texts).answers
    return [
        fault
        for example, answer in zip(golden.examples, answers, strict=True)
        for fault in _differences(example, answer, golden.tolerance)
    ]


def _differences(example: GoldenExample, answer: Answer, tolerance: float) -> Iterator[str]:
    found = {"sentiment": dict(zip(SENTIMENT, answer.sentiment, strict=True)), "topic": dict(answer.topics)}
    for task, expected in example.expected.items():
        for label, probability in expected.items():
            # A topic beyond those that the answer names counts as 0; NaN is near nothing.
            given = found[task].get(label, 0.0)
            if not abs(given - probability) <= tolerance:
                yield (
                    f"{example.text[:60]!r} has {task} {label} {given:.4f} instead of {probability:.4f}"
                    f" (tolerance {tolerance:g})"
                )
