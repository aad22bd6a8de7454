"""Sections of a recipe that are off unless they are written down: each one a choice with its own settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Chance = Annotated[float, Field(ge=0, le=1)]
Scalar = int | float | bool | str

Activation = Literal["gelu", "relu"]
"""What stands between the two wide products of a layer."""

LayerWeight = Literal["qkv", "attended", "widen", "narrow"]
LAYER_WEIGHTS: tuple[LayerWeight, ...] = ("qkv", "attended", "widen", "narrow")
"""The products with weights in each layer, by the names of their modules."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Adapters(_Section):
    """Products of two narrow matrices are learned instead of the encoder's weights, and added to them at the end.

    `lora` keeps one rank for all (Hu et al., "LoRA", 2021); `adalora` begins with half as many ranks again and
    takes away those that matter least (Zhang et al., "AdaLoRA", 2023). The heads learn at the run's own rate.
    """

    kind: Literal["lora", "adalora"] = "lora"
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[LayerWeight, ...] = Field(default=LAYER_WEIGHTS, min_length=1)
    learning_rate: float = Field(default=1e-3, gt=0)


class Prompt(_Section):
    """`rows` learned tokens that stand before each text (Lester, Al-Rfou and Constant, 2021).

    They count towards `max_length`. Of the word embeddings only theirs are learned.
    """

    rows: int = Field(default=8, ge=1, le=64)
    learning_rate: float = Field(default=1e-2, gt=0)


class Augment(_Section):
    """How often a training text is changed, drawn anew in each epoch; what is labelled in it keeps its label.

    `drop` and `swap` are the chance of each word outside a name to be left out, or to change places with the next
    one; `numbers` that the digits of a text are drawn anew and its tickers taken from other texts; `names` that a
    company is called by the name of one in another text. `chinese` is the chance of an English text to have most
    of the words that `models.training.lexicon_chinese` knows said in Chinese, so that an encoder that reads both
    learns in the one what it is asked in the other (Qin et al., "CoSDA-ML", IJCAI 2020).
    """

    drop: Chance = 0.0
    swap: Chance = 0.0
    numbers: Chance = 0.0
    names: Chance = 0.0
    chinese: Chance = 0.0


class Between(_Section):
    """Numbers from `low` to `high` to be tried; with `log`, as often between 1 and 10 as between 10 and 100."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low must be less than high, and with log above 0")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant: both ends are written without a point."""
        return isinstance(self.low, int) and isinstance(self.high, int)
