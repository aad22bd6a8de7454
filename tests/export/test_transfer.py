from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_config, tiny_texts  # noqa: E402 - needs torch
from torch import Tensor  # noqa: E402 - needs torch

from export.onnx import export_release  # noqa: E402 - needs torch
from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.tasks import MENTIONS  # noqa: E402 - needs torch
from models.training import teacher, train  # noqa: E402 - needs torch
from models.training.augment import Augmenter  # noqa: E402 - needs torch
from models.training.batches import UNKNOWN, Encoded  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.choices import Augment  # noqa: E402 - needs torch
from models.training.data import Example, Span, labels_of  # noqa: E402 - needs torch
from models.training.loss import Loss, Soft  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.predict import Answers, predict  # noqa: E402 - needs torch
from models.training.teacher import teach  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch
from models.training.transfer import transfer_set  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

TEXT = "Nokia gains 12 per cent while Ericsson AB slips on a weak outlook for the year"


def headlines() -> list[Example]:
    """The same headline under fifty names of a firm."""
    found = []
    for number in range(50):
        text = TEXT.replace("Nokia", f"Firm{chr(97 + number % 26) * (1 + number // 26)}")
        spans = tuple(
            Span(text.index(name), text.index(name) + len(name), label)
            for name, label in ((text.split()[0], 2), ("Ericsson AB", 0))
        )
        named = tuple(Span(span.start, span.end, MENTIONS.index("ORG")) for span in spans)
        found.append(Example(text, "sentiment", 1, "news", spans, named))
    return found


def test_a_transfer_set_has_other_texts_and_no_label() -> None:
    learned = headlines()
    made = transfer_set(learned, 3, seed=1)
    assert 140 < len(made) <= 150
    assert not {example.text for example in made} & {example.text for example in learned}
    for example in made:
        assert not labels_of(example, "sentiment")
        assert not labels_of(example, "topic")
        assert {span.label for span in example.spans} <= {UNKNOWN}
        assert example.mentions is None


def test_companies_stand_whole_where_they_are_said_to_be() -> None:
    learned = headlines()
    names = {example.text[span.start : span.end] for example in learned for span in example.spans}
    made = transfer_set(learned, 3, seed=2)
    found = [example.text[span.start : span.end] for example in made for span in example.spans]
    assert set(found) <= names
    # A text that begins after its first company, or ends before its second, has lost it.
    assert {len(example.spans) for example in made} >= {1, 2}


def test_texts_are_joined_where_both_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.transfer._NOISED", 0.0)
    monkeypatch.setattr("models.training.transfer._CHANGES", Augment())
    seam = "says quarterly profit"
    learned = [Example(f"{name}a {name}b {seam} {name}c {name}d", "topic", 1, "one") for name in "hijklmn"]
    apart = [Example(f"{name}a {name}b {name}c {name}d", "topic", 1, "two") for name in "opq"]
    made = transfer_set([*learned, *apart], 20, seed=4)
    for each in made:
        assert len({each.text[0] in "opq", each.text[-2] in "opq"}) == 1  # only texts of one set are joined
    # Three in ten read as their sets do; cut anywhere, it would be one in twelve.
    whole = {each.text for each in made if re.fullmatch(f"(.)a \\1b {seam} (.)c \\2d", each.text)}
    assert len(whole) > 0.2 * sum(each.text[0] in "hijklmn" for each in made)


def test_the_same_seed_makes_the_same_set() -> None:
    learned = headlines()
    assert transfer_set(learned, 2, seed=3) == transfer_set(learned, 2, seed=3)
    assert transfer_set(learned, 2, seed=3) != transfer_set(learned, 2, seed=4)
    assert transfer_set(learned, 0, seed=3) == []


def test_what_can_not_be_changed_is_left_out() -> None:
    assert transfer_set([Example("Nokia", "topic", 1, "one", (Span(0, 5, 1),))], 2, seed=1) == []


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("teachers")
    return [run(tiny_config(folder, out=folder / str(seed), seed=seed, epochs=2)) for seed in (1, 2)]


def test_a_run_learns_from_a_transfer_set_beside_its_own(teachers: list[Path], tmp_path: Path) -> None:
    plain = tiny_config(tmp_path, teachers=tuple(teachers), epochs=1, keep="last", written=False)
    pages = []
    for name, transfer in (("plain", 0), ("more", 2)):
        config = plain.model_copy(update={"out": tmp_path / name, "transfer": transfer})
        pages.append(load_checkpoint(run(config))[0])
    # Twice as many texts besides make three times as many steps; what is labelled stays what it was.
    assert pages[0].examples == pages[1].examples
    assert pages[0].rows == pages[1].rows
    steps = [page.history[-1]["step"] for page in pages]
    assert 2.5 * steps[0] < steps[1] <= 3 * steps[0] + 2


def test_what_our_own_sentences_say_is_not_left_to_teachers(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Example] = []
    learned: list[Soft] = []
    altered: set[str] = set()

    def tell(places: Sequence[Path], examples: Sequence[Example], **told: object) -> Soft:
        asked.extend(examples)
        return teach(places, examples, precision="fp32")

    class Kept(Loss):
        @classmethod
        def over(cls, *told: Any) -> Loss:
            learned.append(told[3])
            return Loss.over(*told)

    def alter(examples: Sequence[Example], copies: int, seed: int, **_: object) -> list[Example]:
        altered.update(each.source for each in examples)
        return transfer_set(examples, copies, seed)

    monkeypatch.setattr(train, "transfer_set", alter)
    monkeypatch.setattr(train, "teach", tell)
    monkeypatch.setattr(train, "Loss", Kept)
    monkeypatch.setattr(teacher, "_MOST_UNKNOWN", 1.0)  # the tiny tokenizer knows hardly a word of ours
    run(
        tiny_config(
            tmp_path, teachers=tuple(teachers), epochs=1, transfer=1, named=20, contrasted=20, events=1
        )
    )
    (soft,) = learned
    told: dict[str, set[frozenset[str]]] = {
        source: set()
        for source in (
            "moods",
            "newstide_written",
            "newstide_named",
            "newstide_contrasted",
            "newstide_events",
        )
    }
    for each in asked:
        if each.source in told:
            told[each.source].add(frozenset(soft[each.text]))
    whole = {"sentiment", "topic"}
    assert told["moods"] == {frozenset(whole)}
    assert told["newstide_written"] == {frozenset({"topic"})}
    assert told["newstide_events"] == {frozenset({"topic"})}
    assert told["newstide_named"] == told["newstide_contrasted"] == {frozenset(whole)}
    assert altered == {"moods", "other_moods", "subjects", "newstide_named"}


def test_our_own_sentences_are_altered_too_where_the_recipe_says_that_teachers_know_them(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered: set[str] = set()

    def alter(examples: Sequence[Example], *_: int, **__: object) -> list[Example]:
        altered.update(each.source for each in examples)
        raise InterruptedError  # what it would learn then is another test's

    monkeypatch.setattr(train, "transfer_set", alter)
    config = tiny_config(tmp_path, teachers=tuple(teachers), transfer=1, contrasted=20, events=1)
    with pytest.raises(InterruptedError):
        run(config.changed({"transfer_ours": True}))
    ours = {"newstide_written", "newstide_contrasted", "newstide_events"}
    assert altered == {"moods", "other_moods", "subjects"} | ours


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_near_words_are_those_of_the_network_that_the_run_begins_with(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    begun: list[Tensor] = []
    asked: list[tuple[object, float]] = []

    class Near:
        def __init__(self, _: object, table: Tensor) -> None:
            begun.append(table.detach().clone())

    def alter(*_: object, near: object, near_share: float) -> list[Example]:
        asked.append((near, near_share))
        raise InterruptedError  # what it would learn then is another test's

    monkeypatch.setattr(train, "NearWords", Near)
    monkeypatch.setattr(train, "transfer_set", alter)
    config = tiny_config(tmp_path, start=teachers[1], teachers=tuple(teachers), transfer=1)
    with pytest.raises(InterruptedError):
        run(config.changed({"transfer_near": share}))
    ((near, told),) = asked
    assert told == share
    assert isinstance(near, Near) == (share > 0)
    start = load_checkpoint(teachers[1])[1]
    assert all(torch.equal(table, start.words.weight) for table in begun)


def test_texts_without_a_capital_are_altered_too(teachers: list[Path], tmp_path: Path) -> None:
    release = export_release(teachers[0], tmp_path / "release", name="first", version="1.0.0")
    steps = []
    for transfer in (0, 2):
        config = tiny_config(tmp_path, start=release.path, epochs=1, keep="last", written=False)
        config = config.model_copy(update={"out": tmp_path / str(transfer), "transfer": transfer})
        steps.append(load_checkpoint(run(config))[0].history[-1]["step"])
    assert steps[1] > 2 * steps[0]


def test_a_transfer_set_needs_teachers(tmp_path: Path) -> None:
    config = tiny_config(tmp_path).changed({"transfer": 2})
    with pytest.raises(WrongSettingError, match="transfer is 2: its texts are for teachers to answer"):
        run(config)


def test_chinese_is_altered_character_by_character() -> None:
    learned = [Example(f"公司{name}今年净利润大幅增长", "topic", 1, "zh") for name in "甲乙丙丁戊己庚辛壬癸"]
    made = transfer_set(learned, 2, seed=5)
    assert len(made) > 15
    assert len({example.text for example in made}) == len(made)
    assert not {example.text for example in made} & {example.text for example in learned}


def test_what_only_seems_to_be_a_company_lends_its_name_to_none() -> None:
    seems = Example("Profits rise at the retailer", "sentiment", 1, "mine", (Span(0, 7, UNKNOWN),))
    other = Example("Analysts see a weak year", "sentiment", 1, "mine", (Span(0, 8, UNKNOWN),))
    augmenter = Augmenter(Augment(names=1.0), [seems, other])
    assert augmenter.change(seems, random.Random(1)) == seems


def test_a_teacher_that_answered_is_not_asked_again(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [item.example for item in tiny_texts()]
    first = teach(teachers, examples, precision="fp32", kept=tmp_path / "answers")
    asked: list[int] = []

    def counted(network: Network, encoded: Sequence[Encoded], precision: str) -> Answers:
        asked.append(1)
        return predict(network, encoded, precision)

    monkeypatch.setattr(teacher, "predict", counted)
    again = teach(teachers, examples, precision="fp32", kept=tmp_path / "answers")
    assert not asked
    assert first.keys() == again.keys()
    for text, by_head in first.items():
        for head, told in by_head.items():
            assert torch.equal(told, again[text][head])
    teach(teachers, examples[:-1], precision="fp32", kept=tmp_path / "answers")
    assert len(asked) == len(teachers)
