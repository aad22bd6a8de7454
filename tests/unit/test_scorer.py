"""The scorer: texts in, calibrated probabilities out, whatever else is scored beside them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest
from tiny_release import TEXTS, tiny_files, tiny_graph, tiny_manifest, tiny_release

from models.batches import cut_batches
from models.errors import ChecksumError, ModelError
from models.manifest import Head, Requirements
from models.release import GRAPH, Release, write_release
from models.scorer import Answer, OnnxScorer, Scorer, Scoring, calibrated
from models.session import open_session
from models.tasks import SENTIMENT, TOPICS


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return tiny_release(tmp_path / "r")


@pytest.fixture
def scorer(release: Release) -> OnnxScorer:
    return OnnxScorer.load(release)


def with_graph(folder: Path, graph: bytes, **changes: Any) -> Release:
    return write_release(folder, tiny_manifest(**changes), tiny_files() | {GRAPH: graph})


def test_an_answer_has_calibrated_moods_and_the_three_likeliest_topics(scorer: OnnxScorer) -> None:
    used: Scorer = scorer
    scoring = used.score(TEXTS)
    assert scoring.release == used.release == "tiny@1.0.0"
    assert len(scoring.answers) == len(TEXTS)
    for answer in scoring.answers:
        assert math.isclose(math.fsum(answer.sentiment), 1.0, rel_tol=1e-12)
        probabilities = [probability for _, probability in answer.topics]
        assert len(probabilities) == 3
        assert probabilities == sorted(probabilities, reverse=True)
        assert {label for label, _ in answer.topics} <= set(TOPICS)


def test_answers_come_in_the_order_of_the_texts(scorer: OnnxScorer) -> None:
    forwards = scorer.score(TEXTS).answers
    assert scorer.score(TEXTS[::-1]).answers == forwards[::-1]


def test_no_text_is_no_answer_and_no_pass(scorer: OnnxScorer) -> None:
    scoring = scorer.score([])
    assert scoring == Scoring((), "tiny@1.0.0", 0, 0, 0, scoring.tokenize_seconds, scoring.infer_seconds)


def test_an_empty_text_has_an_answer_too(scorer: OnnxScorer) -> None:
    assert len(scorer.score(["", "https://only.a/link"]).answers) == 2


def test_a_text_that_occurs_several_times_is_read_once(scorer: OnnxScorer) -> None:
    once = scorer.score(["bank run"])
    often = scorer.score(["bank run", " bank  run ", "bank run https://t.co/x"])
    assert often.answers == once.answers * 3
    assert (often.batches, often.tokens) == (once.batches, once.tokens) == (1, 4)


def test_nothing_is_padded(scorer: OnnxScorer) -> None:
    scoring = scorer.score(TEXTS)
    assert scoring.padded_tokens == scoring.tokens
    assert scoring.tokenize_seconds > 0
    assert scoring.infer_seconds > 0


def test_a_text_is_cut_at_the_shorter_of_what_is_asked_and_what_the_release_was_made_for(
    release: Release,
) -> None:
    assert OnnxScorer.load(release, max_length=128).score(["bank " * 200]).tokens == 32
    assert OnnxScorer.load(release, max_length=16).score(["bank " * 200]).tokens == 16


def test_a_temperature_above_one_makes_answers_less_sure(tmp_path: Path) -> None:
    hot = {"sentiment": Head(labels=SENTIMENT, temperature=5.0), "topic": Head(labels=TOPICS)}
    cold = {"sentiment": Head(labels=SENTIMENT, temperature=0.5), "topic": Head(labels=TOPICS)}
    answers = [
        OnnxScorer.load(tiny_release(tmp_path / str(number), heads=heads)).score(TEXTS[:1]).answers[0]
        for number, heads in enumerate((hot, cold))
    ]
    assert max(answers[0].sentiment) < max(answers[1].sentiment)


def test_huge_logits_neither_overflow_nor_lose_the_sum() -> None:
    assert calibrated([1e6, -1e6, 0.0], 0.01) == (1.0, 0.0, 0.0)
    assert calibrated([-1e6, -1e6], 1.0) == (0.5, 0.5)


def test_a_release_without_topics_answers_sentiment_alone(tmp_path: Path) -> None:
    release = with_graph(tmp_path / "r", tiny_graph(), heads={"sentiment": Head(labels=SENTIMENT)})
    answer = OnnxScorer.load(release).score(["gold"]).answers[0]
    assert answer == Answer(answer.sentiment, ())


def test_threads_that_score_at_once_get_what_one_alone_gets(scorer: OnnxScorer) -> None:
    alone = scorer.score(TEXTS).answers
    with ThreadPoolExecutor(4) as pool:
        assert all(scoring.answers == alone for scoring in pool.map(scorer.score, [TEXTS] * 32))


def test_batches_have_equal_lengths_within_the_budget() -> None:
    #                     0   1  2   3  4   5    6
    assert cut_batches([10, 20, 10, 10, 20, 10, 500], 30) == [[0, 2, 3], [5], [1], [4], [6]]
    assert cut_batches([], 30) == []


def test_an_altered_graph_is_not_loaded(release: Release) -> None:
    (release.path / GRAPH).write_bytes(tiny_graph(seed=9))
    with pytest.raises(ChecksumError, match=r"model\.onnx"):
        OnnxScorer.load(release)


def test_a_graph_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx cannot be loaded: .*Export it again"):
        OnnxScorer.load(with_graph(tmp_path / "r", b"no graph"))


def test_a_graph_without_an_output_for_a_head_is_refused(tmp_path: Path) -> None:
    graph = tiny_graph(names=("sentiment", "subject"))
    with pytest.raises(ModelError, match="has no output topic"):
        OnnxScorer.load(with_graph(tmp_path / "r", graph))


def test_a_graph_with_more_logits_than_labels_is_refused(tmp_path: Path) -> None:
    graph = tiny_graph(topics=21)
    with pytest.raises(ModelError, match=r"output topic .* has 21 logits, but heads\.topic\.labels names 20"):
        OnnxScorer.load(with_graph(tmp_path / "r", graph))


def test_a_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    graph = tiny_graph().replace(b"input_ids", b"token_ids")
    with pytest.raises(ModelError, match="takes token_ids instead of input_ids"):
        OnnxScorer.load(with_graph(tmp_path / "r", graph))


@pytest.mark.parametrize(
    "heads",
    [{"topic": Head(labels=TOPICS)}, {"sentiment": Head(labels=("bad", "so-so", "good"))}],
)
def test_a_release_must_answer_the_three_moods_in_their_order(tmp_path: Path, heads: dict[str, Head]) -> None:
    with pytest.raises(ModelError, match=r"heads\.sentiment\.labels must be negative, neutral, positive"):
        OnnxScorer.load(with_graph(tmp_path / "r", tiny_graph(), heads=heads))


def test_a_graph_that_was_optimised_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = []

    def note(graph: bytes, options: ort.SessionOptions, **rest: object) -> ort.InferenceSession:
        levels.append(options.graph_optimization_level)
        return session(graph, options, **rest)

    session = ort.InferenceSession
    monkeypatch.setattr(ort, "InferenceSession", note)
    for optimised in (True, False):
        requires = Requirements(opset=17, precision="fp32", graph_optimised=optimised)
        OnnxScorer.load(with_graph(tmp_path / str(optimised), tiny_graph(), requires=requires))
    level = ort.GraphOptimizationLevel
    assert levels == [level.ORT_DISABLE_ALL, level.ORT_ENABLE_ALL]


def test_a_provider_that_is_not_installed_is_refused_or_replaced_on_request(release: Release) -> None:
    providers = ("NoSuchExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(ModelError, match="providers asks for NoSuchExecutionProvider, but this installation"):
        OnnxScorer.load(release, providers=providers)


class FallenBack:
    """A session as the runtime makes it where CUDA is listed but there is no driver."""

    def __init__(self, _graph: bytes, _options: object, *, providers: list[str]) -> None:
        self.asked_for = providers

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_a_session_that_fell_back_to_the_processor_is_refused_unless_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ort, "InferenceSession", FallenBack)
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    cuda = ("CUDAExecutionProvider",)
    with pytest.raises(
        ModelError, match="CUDAExecutionProvider, but the session runs on CPUExecutionProvider"
    ):
        open_session(b"", where="here", providers=cuda)
    assert isinstance(open_session(b"", where="here", providers=cuda, allow_fallback=True), FallenBack)


@pytest.mark.skipif(
    "CUDAExecutionProvider" not in ort.get_available_providers() or Path("/dev/nvidiactl").exists(),
    reason="needs onnxruntime with CUDA and a machine without",
)
def test_cuda_where_there_is_no_driver_is_refused_by_the_real_runtime(release: Release) -> None:
    cuda = ("CUDAExecutionProvider",)
    with pytest.raises(
        ModelError, match="providers asks for CUDAExecutionProvider, but the session runs on CPU"
    ):
        OnnxScorer.load(release, providers=cuda)
    fallback = OnnxScorer.load(release, providers=cuda, allow_fallback=True)
    assert fallback.score(TEXTS).answers == OnnxScorer.load(release).score(TEXTS).answers
