"""The slot: a swap is invisible, and an unfit release leaves the model in force."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny_release import TEXTS, tiny_files, tiny_graph, tiny_manifest, tiny_release

from models.errors import ChecksumError, ManifestError, ModelError, SignatureError
from models.golden import Golden, GoldenExample, check_golden, record_golden
from models.release import GOLDEN, GRAPH, MANIFEST, Release, write_release
from models.scorer import Answer, OnnxScorer, Places, Scorer, Scoring
from models.slot import ModelSlot, SwapStatus


@pytest.fixture
def slot(tmp_path: Path) -> ModelSlot:
    return ModelSlot.open(tiny_release(tmp_path / "first", "1", seed=1))


def test_a_sound_release_takes_the_place_of_the_one_before(slot: ModelSlot, tmp_path: Path) -> None:
    before = slot.current
    outcome = slot.swap_to(tiny_release(tmp_path / "second", "2", seed=2))
    assert (outcome.status, outcome.release) == (SwapStatus.SWAPPED, "tiny@2")
    assert outcome.detail == "tiny@2 took the place of tiny@1"
    assert not outcome.refused
    assert slot.current.release == "tiny@2"
    assert slot.current.score(TEXTS).answers != before.score(TEXTS).answers


def test_the_release_in_force_is_not_loaded_again(slot: ModelSlot, tmp_path: Path) -> None:
    before = slot.current
    outcome = slot.swap_to(Release.open(tmp_path / "first"))
    assert outcome.status is SwapStatus.UNCHANGED
    assert not outcome.refused
    assert slot.current is before


def corrupted(folder: Path) -> Release:
    release = tiny_release(folder, "2", seed=2)
    data = bytearray((release.path / GRAPH).read_bytes())
    data[len(data) // 2] ^= 0x40
    (release.path / GRAPH).write_bytes(data)
    return release


def half_written(folder: Path) -> Release:
    release = tiny_release(folder, "2", seed=2)
    data = (release.path / GRAPH).read_bytes()
    (release.path / GRAPH).write_bytes(data[: len(data) // 2])
    return release


def with_a_file_gone(folder: Path) -> Release:
    release = tiny_release(folder, "2", seed=2)
    (release.path / GOLDEN).unlink()
    return release


def with_wrong_golden_examples(folder: Path) -> Release:
    other = tiny_release(folder.with_name("other"), "3", seed=3)
    return write_release(
        folder, tiny_manifest("2"), tiny_files(seed=2) | {GOLDEN: (other.path / GOLDEN).read_bytes()}
    )


def without_golden_examples(folder: Path) -> Release:
    return write_release(folder, tiny_manifest("2"), tiny_files(seed=2))


def with_a_graph_that_is_none(folder: Path) -> Release:
    golden = (tiny_release(folder.with_name("other"), "3").path / GOLDEN).read_bytes()
    return write_release(folder, tiny_manifest("2"), tiny_files() | {GRAPH: b"none", GOLDEN: golden})


def with_a_graph_that_fails_when_it_runs(folder: Path) -> Release:
    golden = (tiny_release(folder.with_name("other"), "3").path / GOLDEN).read_bytes()
    # The table of words has fewer rows than the tokenizer has words: found only when such a word is looked up.
    graph = shortened(tiny_graph())
    return write_release(folder, tiny_manifest("2"), tiny_files() | {GRAPH: graph, GOLDEN: golden})


def shortened(graph: bytes) -> bytes:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(graph)
    table = next(each for each in model.graph.initializer if each.name == "words")
    table.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(table)[:5], "words"))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("unfit", "status", "detail"),
    [
        (corrupted, SwapStatus.BAD_CHECKSUM, "model.onnx has SHA-256"),
        (half_written, SwapStatus.BAD_CHECKSUM, "bytes instead of"),
        (with_a_file_gone, SwapStatus.BAD_CHECKSUM, "golden.json cannot be read"),
        (
            with_wrong_golden_examples,
            SwapStatus.FAILED_GOLDEN,
            "tiny@2: 'bank run on deposits' has sentiment",
        ),
        (without_golden_examples, SwapStatus.BAD_MANIFEST, "holds no file golden.json"),
        (with_a_graph_that_is_none, SwapStatus.FAILED_TO_LOAD, "model.onnx cannot be loaded"),
        (with_a_graph_that_fails_when_it_runs, SwapStatus.FAILED_TO_LOAD, "Gather"),
    ],
)
def test_an_unfit_release_leaves_the_model_in_force(
    slot: ModelSlot, tmp_path: Path, unfit: Callable[[Path], Release], status: SwapStatus, detail: str
) -> None:
    before = slot.current
    outcome = slot.swap_to(unfit(tmp_path / "second"))
    assert outcome.status is status
    assert detail in outcome.detail
    assert outcome.release == "tiny@1"
    assert outcome.refused
    assert slot.current is before


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelError("the store is away"), SwapStatus.UNAVAILABLE),
        (OSError("the disk is full"), SwapStatus.UNAVAILABLE),
        (ManifestError("unsound"), SwapStatus.BAD_MANIFEST),
        (ChecksumError("altered"), SwapStatus.BAD_CHECKSUM),
        (SignatureError("not ours"), SwapStatus.BAD_SIGNATURE),
    ],
)
def test_a_release_that_cannot_be_fetched_leaves_the_model_in_force(
    slot: ModelSlot, error: Exception, status: SwapStatus
) -> None:
    def fetch() -> Release:
        raise error

    outcome = slot.swap_to(fetch)
    assert (outcome.status, outcome.detail) == (status, str(error))
    assert slot.current.release == "tiny@1"


def test_a_manifest_that_is_cut_short_or_wrongly_signed_is_an_outcome_too(
    slot: ModelSlot, tmp_path: Path
) -> None:
    path = tiny_release(tmp_path / "second", "2", key=b"theirs").path
    assert slot.swap_to(lambda: Release.open(path, key=b"ours")).status is SwapStatus.BAD_SIGNATURE
    (path / MANIFEST).write_bytes((path / MANIFEST).read_bytes()[:50])
    assert slot.swap_to(lambda: Release.open(path)).status is SwapStatus.BAD_MANIFEST


def test_after_a_refused_release_a_sound_one_is_taken(slot: ModelSlot, tmp_path: Path) -> None:
    assert slot.swap_to(corrupted(tmp_path / "bad")).refused
    assert slot.swap_to(lambda: tiny_release(tmp_path / "good", "3", seed=3)).release == "tiny@3"


def test_a_slot_does_not_open_with_an_unfit_release(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx has SHA-256"):
        ModelSlot.open(corrupted(tmp_path / "bad"))


class Paused:
    """A scorer that waits, within a batch, for the test to let it go on."""

    def __init__(self, inner: Scorer) -> None:
        self._inner = inner
        self.begun = threading.Event()
        self.may_end = threading.Event()

    @property
    def release(self) -> str:
        return self._inner.release

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        self.begun.set()
        assert self.may_end.wait(30)
        return self._inner.score(texts)


def test_a_batch_keeps_the_model_it_began_with(tmp_path: Path) -> None:
    #  batch   |--------------- tiny@1 ---------------|
    #  swap          |-- load, check --| tiny@2 in force
    first = tiny_release(tmp_path / "first", "1", seed=1)
    paused = Paused(OnnxScorer.load(first))
    slot = ModelSlot(paused)
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(lambda: slot.current.score(TEXTS))
        assert paused.begun.wait(30)
        assert slot.swap_to(tiny_release(tmp_path / "second", "2", seed=2)).status is SwapStatus.SWAPPED
        assert slot.current.release == "tiny@2"
        paused.may_end.set()
        scoring = batch.result(30)
    assert scoring.release == "tiny@1"
    assert scoring.answers == OnnxScorer.load(first).score(TEXTS).answers


def test_while_releases_come_and_go_every_batch_is_answered_whole_by_one_of_them(tmp_path: Path) -> None:
    releases = [tiny_release(tmp_path / str(seed), str(seed), seed=seed) for seed in (1, 2)]
    right = {release.label: OnnxScorer.load(release).score(TEXTS).answers for release in releases}
    slot = ModelSlot.open(releases[0])
    done = threading.Event()

    def score_on() -> dict[str, int]:
        seen = dict.fromkeys(right, 0)
        while not done.is_set() or not all(seen.values()):
            scoring = slot.current.score(TEXTS)
            assert scoring.answers == right[scoring.release]
            seen[scoring.release] += 1
            if done.is_set():
                break
        return seen

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(score_on) for _ in range(2)]
        for turn in range(10):
            assert slot.swap_to(releases[(turn + 1) % 2]).status is SwapStatus.SWAPPED
            slot.swap_to(corrupted(tmp_path / f"bad-{turn}"))
        done.set()
        assert all(sum(worker.result(30).values()) > 0 for worker in workers)


class Fixed:
    """Gives every text the same answer."""

    release = "fixed@1"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        return Scoring((self._answer,) * len(texts), self.release)


def golden(**expected: dict[str, float]) -> Golden:
    return Golden.model_validate(
        {
            "tolerance": 0.02,
            "examples": [GoldenExample.model_validate({"text": "gold", "expected": expected})],
        }
    )


@pytest.mark.parametrize(
    ("expected", "faults"),
    [
        ({"sentiment": {"negative": 0.71}}, 0),
        ({"sentiment": {"negative": 0.75}}, 1),
        ({"topic": {"Macro": 0.9}}, 0),
        ({"topic": {"Earnings": 0.01}}, 0),
        ({"topic": {"Earnings": 0.9}}, 1),
        ({"sentiment": {"negative": 0.1}, "topic": {"Macro": 0.1}}, 2),
    ],
)
def test_a_probability_must_be_within_the_tolerance(
    expected: dict[str, dict[str, float]], faults: int
) -> None:
    scorer = Fixed(Answer((0.7, 0.2, 0.1), (("Macro", 0.9),)))
    assert len(check_golden(scorer, golden(**expected))) == faults


def test_a_probability_that_is_no_number_is_within_no_tolerance() -> None:
    scorer = Fixed(Answer((float("nan"), 0.2, 0.1), ()))
    assert check_golden(scorer, golden(sentiment={"negative": 0.7})) == [
        "'gold' has sentiment negative nan instead of 0.7000 (tolerance 0.02)"
    ]


def test_golden_examples_of_a_model_without_topics_hold_the_moods_alone() -> None:
    scorer = Fixed(Answer((0.7, 0.2, 0.1), ()))
    recorded = record_golden(scorer, ["gold"], tolerance=0.02)
    assert set(recorded.examples[0].expected) == {"sentiment"}
    assert check_golden(scorer, recorded) == []
