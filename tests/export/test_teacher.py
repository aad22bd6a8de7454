from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import ENTITIES, tiny_config, tiny_texts, tiny_tokenizer, write_csv  # noqa: E402 - needs torch

from models.errors import ModelError, WrongSettingError  # noqa: E402 - needs torch
from models.tasks import SENTIMENT  # noqa: E402 - needs torch
from models.text import load_tokenizer  # noqa: E402 - needs torch
from models.training import teacher  # noqa: E402 - needs torch
from models.training.batches import encode  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.data import DataSpec, read_corpus  # noqa: E402 - needs torch
from models.training.predict import predict  # noqa: E402 - needs torch
from models.training.teacher import teach  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("teachers")
    rows = [(text, name, SENTIMENT[label]) for text, names in ENTITIES for name, label in names]
    towards = DataSpec(
        name="towards",
        path=write_csv(folder / "towards.csv", rows, ("text", "entity", "label")),
        task="entity",
        licence="CC0-1.0",
        entity_column="entity",
        part="train",
    )
    made = []
    for seed in (1, 2):
        config = tiny_config(folder, out=folder / str(seed), seed=seed, epochs=5)
        made.append(run(config.model_copy(update={"data": (*config.data, towards)})))
    return made


def test_several_teachers_tell_the_mean_of_their_log_probabilities(teachers: list[Path]) -> None:
    examples = [item.example for item in tiny_texts()]
    soft = teach(teachers, examples, precision="fp32")
    given = []
    for folder in teachers:
        page, network = load_checkpoint(folder)
        items = encode(load_tokenizer(folder / "tokenizer.json", page.max_length), examples)
        given.append(predict(network, items, "fp32"))
    for number, example in enumerate(examples):
        for head in ("sentiment", "topic", "entity"):
            told = [torch.tensor(answers[head][number]).float().log_softmax(-1) for answers in given]
            if head == "entity" and not example.spans:
                assert "entity" not in soft[example.text]
            else:
                assert torch.allclose(soft[example.text][head], (told[0] + told[1]) / 2, atol=1e-5)
        assert "ner" not in soft[example.text]


def test_a_teacher_is_not_asked_what_it_can_not_read(
    teachers: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tiny_texts()[0].example
    chinese = replace(known, text="平安银行遭遇挤兑，股价跌停", spans=())
    soft = teach(teachers[:1], [known, chinese], precision="fp32")
    assert soft.keys() == {known.text}
    # Where others read it, they answer without the one that does not.
    unknown = teacher._unknown_piece
    pieces = iter([-1, unknown(tiny_tokenizer())])
    monkeypatch.setattr(teacher, "_unknown_piece", lambda _: next(pieces))
    both = teach(teachers, [known, chinese], precision="fp32")
    monkeypatch.setattr(teacher, "_unknown_piece", lambda _: -1)
    alone = teach(teachers[:1], [known, chinese], precision="fp32")
    agreed = teach(teachers, [known, chinese], precision="fp32")
    for head in ("sentiment", "topic"):
        assert torch.allclose(both[chinese.text][head], alone[chinese.text][head], atol=1e-5)
        assert torch.allclose(both[known.text][head], agreed[known.text][head], atol=1e-5)
        assert not torch.allclose(agreed[chinese.text][head], alone[chinese.text][head], atol=1e-3)


def test_a_student_learns_a_task_that_only_its_teachers_had_labels_for(
    teachers: list[Path], tmp_path: Path
) -> None:
    config = tiny_config(tmp_path, teachers=tuple(teachers), epochs=8, keep="last", heat=1.0, written=False)
    moods = config.data[0]
    page, network = load_checkpoint(run(config.model_copy(update={"data": (moods,)})))
    assert page.config.teachers == tuple(teachers)
    assert "topic" not in page.dev
    examples = read_corpus((moods,)).train
    items = encode(load_tokenizer(teachers[0] / "tokenizer.json", 24), examples)
    told = teach(teachers, examples, precision="fp32")
    ours = [int(row.argmax()) for row in predict(network, items, "fp32")["topic"]]
    theirs = [int(told[example.text]["topic"].argmax()) for example in examples]
    assert len(set(theirs)) > 1
    assert sum(a == b for a, b in zip(ours, theirs, strict=True)) > 0.85 * len(examples)


def test_what_is_no_teacher_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no checkpoint"):
        teach([tmp_path], [], precision="fp32")


def test_a_teacher_that_is_not_there_is_named_before_anything_is_read(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, teachers=(tmp_path / "nobody",))
    with pytest.raises(WrongSettingError, match=r"teachers names '.*nobody': there is no such folder"):
        run(config.model_copy(update={"data": ()}))


def test_a_teacher_is_only_asked_what_it_has_learned(teachers: list[Path], tmp_path: Path) -> None:
    config = tiny_config(tmp_path, epochs=1, seed=9, written=False)
    moods_only = run(config.model_copy(update={"data": config.data[:1]}))
    examples = [item.example for item in tiny_texts()]
    both, first = (teach([teachers[0], *more], examples, precision="fp32") for more in ([moods_only], []))
    for example in examples:
        assert torch.equal(both[example.text]["topic"], first[example.text]["topic"])
        assert not torch.equal(both[example.text]["sentiment"], first[example.text]["sentiment"])


def test_what_only_the_teachers_of_a_teacher_knew_is_known_to_it(
    teachers: list[Path], tmp_path: Path
) -> None:
    config = tiny_config(tmp_path, teachers=tuple(teachers), epochs=1, written=False)
    student = run(config.model_copy(update={"data": config.data[:1]}))
    page, _ = load_checkpoint(student)
    assert page.config.labelled_heads == {"sentiment"}
    assert page.learned == {"sentiment", "topic"}
    # What the teachers learned from stands in the lineage, as what the student knows comes from there.
    learned = {each for teacher in teachers for each in load_checkpoint(teacher)[0].datasets()}
    assert {each.name for each in page.datasets()} == {each.name for each in learned}
    grandchild = tiny_config(tmp_path, out=tmp_path / "next", teachers=(student,), epochs=1, written=False)
    assert load_checkpoint(run(grandchild))[0].learned == {"sentiment", "topic"}


def test_another_tokenizer_is_another_question(teachers: list[Path], tmp_path: Path) -> None:
    examples = [item.example for item in tiny_texts()]
    copied = Path(shutil.copytree(teachers[0], tmp_path / "copied"))
    teach([copied], examples, precision="fp32", kept=tmp_path / "kept")
    told = (copied / "tokenizer.json").read_text(encoding="utf-8")
    (copied / "tokenizer.json").write_text(told + "\n", encoding="utf-8")
    teach([copied], examples, precision="fp32", kept=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2
    teach([teachers[1]], examples, precision="fp32", kept=tmp_path / "kept", keep=False)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_answers_that_can_not_be_kept_are_told_before_anybody_is_asked(
    teachers: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match="can't be written"):
        teach(
            teachers, [item.example for item in tiny_texts()], precision="fp32", kept=tmp_path / "file" / "a"
        )
