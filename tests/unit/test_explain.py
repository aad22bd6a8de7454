from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from command import Command
from tiny_release import tiny_release

from export.bias import measure_bias, variants
from models.errors import ModelError
from models.explain import explain
from models.release import Release
from models.scorer import Answer, Places, Scoring
from models.store import ReleaseStore, packaged_release
from stream.cli.explain import coloured

WEIGHTS = {"falls": -0.4, "gains": 0.5, "fraud": -0.3}


class AddingScorer:
    """Adds up what its words weigh; towards an entity only those beside it count."""

    release = "adding@1"

    def __init__(self, weights: dict[str, float] | None = None, *, entities: bool = True) -> None:
        self.weights = WEIGHTS if weights is None else weights
        self.entities = entities
        self.calls = 0

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        self.calls += 1
        answers = []
        for number, text in enumerate(texts):
            asked = [text[max(0, start - 7) : end + 7] for start, end in (spans[number] if spans else ())]
            answers.append(
                Answer(self._mood(text), (), tuple(self._mood(p) if self.entities else None for p in asked))
            )
        return Scoring(tuple(answers), self.release)

    def _mood(self, text: str) -> tuple[float, float, float]:
        score = sum(weight for word, weight in self.weights.items() if word in text)
        return max(0.0, -score), 1 - abs(score), max(0.0, score)


def test_a_word_shifts_the_score_by_what_is_gone_without_it() -> None:
    scorer = AddingScorer()
    found = explain(scorer, "Alder falls, Birch  gains")
    assert [(w.word, w.start, w.end, round(w.shift, 6)) for w in found.words] == [
        ("Alder", 0, 5, 0.0),
        ("falls,", 6, 12, -0.4),
        ("Birch", 13, 18, 0.0),
        ("gains", 20, 25, 0.5),
    ]
    assert found.score == pytest.approx(0.1)
    assert [w.word for w in found.strongest(2)] == ["gains", "falls,"]
    assert (found.entity, found.release, scorer.calls) == (None, "adding@1", 1)


def test_an_entity_is_followed_as_words_before_it_go() -> None:
    text = "Alder fraud, Birch gains"
    found = explain(AddingScorer(), text, (13, 18))
    assert {w.word: round(w.shift, 6) for w in found.words} == {"Alder": 0.0, "fraud,": -0.3, "gains": 0.5}


def test_a_scorer_that_does_not_answer_for_entities_is_named() -> None:
    with pytest.raises(ModelError, match="adding@1 does not answer for 'Birch'"):
        explain(AddingScorer(entities=False), "Birch gains", (0, 5))


def test_chinese_is_tried_in_pairs_of_characters_and_long_texts_only_as_far_as_is_read() -> None:
    assert [w.word for w in explain(AddingScorer(), "公司盈利 up").words] == ["公司", "盈利", "up"]
    assert len(explain(AddingScorer(), "word " * 500).words) == 120


def test_only_the_name_differs_between_the_texts_that_are_compared() -> None:
    for kind, groups in variants().items():
        assert all(len(set(group)) == len(group) >= 2 for group in groups), kind
    her, him = variants()["gender"][0]
    assert (her, him) == (
        "Mary Ellison resigns as chief executive after her strategy failed",
        "Mark Ellison resigns as chief executive after his strategy failed",
    )


def test_a_scorer_that_does_not_look_at_names_shifts_nothing() -> None:
    report = measure_bias(AddingScorer())
    assert report.passed
    assert {(each.kind, each.largest, each.mean) for each in report.shifts} == {
        ("company", 0.0, 0.0), ("country", 0.0, 0.0), ("gender", 0.0, 0.0),
    }  # fmt: skip


def test_a_scorer_that_minds_one_country_is_found_out() -> None:
    report = measure_bias(AddingScorer({"Kenya": -0.6}))
    of_kind = {each.kind: each for each in report.shifts}
    assert not report.passed
    assert of_kind["country"].largest == pytest.approx(0.6)
    assert of_kind["country"].mean == pytest.approx(0.6 * 11 / 66)
    assert "Kenya" in of_kind["country"].lowest_text
    assert of_kind["company"].largest == 0.0
    assert not measure_bias(AddingScorer({"Kenya": -0.7}), bound=0.8).passed  # the mean is over its bound
    assert measure_bias(AddingScorer({"Kenya": -0.35}), mean_bound=0.1).passed


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_release(tmp_path_factory.mktemp("tiny") / "release").path


def test_explain_prints_the_text_and_the_words_that_weigh_most(newstide: Command, release: Path) -> None:
    ran = newstide("explain", "bank run on \x1b[31mdeposits after loss", "--release", release)
    assert ran.code == 0
    assert "bank run on" in ran.out
    assert "\x1b[31m" not in ran.out
    assert "shift" in ran.out
    assert "tiny@1.0.0" in ran.out


def test_explain_tells_every_word_as_json(newstide: Command, release: Path) -> None:
    told = newstide("explain", "bank run on deposits", "--release", release, "--json").record()
    assert [each["word"] for each in told["words"]] == ["bank", "run", "on", "deposits"]
    assert list(told) == ["text", "sentiment", "score", "words", "release"]
    assert told["score"] == pytest.approx(
        told["sentiment"]["positive"] - told["sentiment"]["negative"], abs=2e-6
    )


def test_a_text_is_explained_by_the_release_of_its_language(newstide: Command) -> None:
    zh = ("--set", "releases.languages=zh=newstide-multilingual", "explain", "--json")
    chinese = newstide(*zh, "公司净利润大幅下滑").record()
    assert chinese["release"].startswith("newstide-multilingual@")
    assert chinese["score"] < -0.5
    assert newstide(*zh, "Profit falls sharply").record()["release"].startswith("newstide-en@")
    table = ("--set", 'releases.languages={zh = "newstide-multilingual"}')
    assert newstide(*table, *zh[2:], "公司净利润大幅下滑").record()["release"] == chinese["release"]
    wrong = newstide("--set", 'releases.languages={zh "x"}', "explain", "x")
    assert wrong.code == 2
    assert "give pairs such as zh=chinese" in wrong.err.replace("\n", " ")


def test_explain_of_nothing_is_wrong_use(newstide: Command, release: Path) -> None:
    ran = newstide("explain", "  ", "--release", release)
    assert (ran.code, "give a text" in ran.err) == (2, True)


def test_words_are_coloured_by_which_way_they_move_the_score() -> None:
    found = explain(AddingScorer({"falls": -0.4, "gains": 0.05}), "Alder falls, gains!")
    styles = {found.text[s.start : s.end]: str(s.style) for s in coloured(found).spans}
    assert styles == {"falls,": "bold red", "gains!": "green"}


def test_the_check_for_bias_fails_where_scores_move_too_far(newstide: Command, release: Path) -> None:
    ran = newstide("evaluate", "--bias", "--release", release, "--bound", 0, "--json")
    told = ran.record()
    assert [each["kind"] for each in told["shifts"]] == ["company", "country", "gender"]
    # All names are unknown words to this release, but some are two words and some one.
    assert (ran.code, told["passed"], told["bound"]) == (1, False, 0.0)
    ran = newstide("evaluate", "--bias", "--release", release, "--bound", 2)
    assert (ran.code, "within the bounds" in ran.out) == (0, True)
    assert "at most 2, in the mean 0.05" in ran.out


def test_a_failed_check_for_bias_ends_with_1(
    newstide: Command, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.parts.load_scorer", lambda *_: AddingScorer({"Tesla": 0.9}))
    ran = newstide("evaluate", "--bias", "--release", release)
    assert (ran.code, "over the bounds" in ran.out) == (1, True)


def test_a_release_may_be_named_by_its_version_or_an_alias(
    newstide: Command, release: Path, tmp_path: Path
) -> None:
    store = ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "cache")
    store.publish(Release.open(release))
    store.set_alias("candidate", "tiny", "1.0.0")
    newstide.flags = ("--set", f"releases.store={tmp_path / 'store'}")
    shipped = packaged_release().label
    for ref, label in (("tiny@1.0.0", "tiny@1.0.0"), ("candidate", "tiny@1.0.0"), (shipped, shipped)):
        assert newstide("explain", "bank run", "--release", ref, "--json").record()["release"] == label
    ran = newstide("explain", "bank run", "--release", "nowhere")
    assert (ran.code, "nowhere" in ran.err) == (2, True)


def test_without_a_name_it_is_the_release_in_force(newstide: Command) -> None:
    told = newstide("explain", "Bank halts withdrawals", "--json").record()
    assert told["release"] == packaged_release().label


@pytest.mark.parametrize(
    "words", [[], ["--task", "sentiment"], ["a.csv"], ["a.csv", "--data", "b.csv", "--task", "topic"]]
)
def test_evaluate_needs_one_file_and_its_task(words: list[str], newstide: Command) -> None:
    ran = newstide("evaluate", *words)
    assert (ran.code, "give --task TASK and one file" in ran.err) == (2, True)


def test_a_release_without_the_head_is_not_measured_on_it(
    newstide: Command, release: Path, tmp_path: Path
) -> None:
    (tmp_path / "ner.jsonl").write_text('{"tokens": ["bank"], "tags": ["O"]}\n')
    ran = newstide("evaluate", "--task", "ner", tmp_path / "ner.jsonl", "--release", release)
    assert (ran.code, "tiny@1.0.0 has no head for the task ner" in ran.err) == (1, True)
