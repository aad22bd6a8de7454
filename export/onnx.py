"""From a checkpoint to a release: read `export_release`, then `make_release`, from top to bottom.

Every step refuses what it can't vouch for: the fp32 graph must answer as the network does, the graph that is
served must agree with it, the same text must get the same bits alone and in any batch (in int8; else the same
answer), and the golden examples must come back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from pydantic import JsonValue

from export.answers import GraphAnswers, feed_of, read_texts
from export.golden import GOLDEN_TEXTS, TOLERANCE
from export.graph import OPSET, build_graph
from export.parity import Parity, check_parity
from export.quantize import lower
from export.smoothing import fold
from export.weights import describe_weights
from models.errors import ModelError
from models.golden import check_golden, record_golden
from models.manifest import Head, Lineage, Manifest, Metrics, Precision, Requirements
from models.release import GOLDEN, GRAPH, TOKENIZER, Release, write_release
from models.scorer import OnnxScorer
from models.spans import mentions_like
from models.tasks import HeadName
from models.text import load_tokenizer
from models.training.batches import collate, encode
from models.training.biases import leave_out_biases
from models.training.checkpoint import Checkpoint, load_checkpoint, load_examples
from models.training.data import Example
from models.training.measure import Figures
from models.training.network import Network
from models.training.predict import measure_answers, predict
from models.training.restore import WEIGHTS

LICENCE = "Apache-2.0"
MAX_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Evidence:
    """The labelled texts that an export needs, none of which is stored in the release.

    `calibration` gives the ranges of activations, `tune` the temperatures, `dev` the figures; of both only the
    sets that are a head's `references` count for it. Where `tune` has no text for a head, its temperature is taken
    from `temperatures`, else 1.
    """

    calibration: Sequence[Example]
    tune: Sequence[Example]
    dev: Sequence[Example]
    references: Mapping[HeadName, Sequence[str]]
    temperatures: Mapping[HeadName, float]


def export_release(
    checkpoint: Path,
    out: Path,
    *,
    name: str,
    version: str,
    languages: Sequence[str] = ("en",),
    max_length: int = MAX_LENGTH,
    precision: Precision = "int8",
    least_agreement: float = 0.95,
    key: bytes | None = None,
) -> Release:
    """Exports the checkpoint in `checkpoint` as the release `name@version` into the directory `out`.

    Args:
        checkpoint: a folder that `models.training.train.run` returned.
        out: where the release is written; must not exist, or be empty.
        name: of the release.
        version: of the release.
        languages: what it was made to read, as subtags of BCP 47.
        max_length: the longest text that it reads, in tokens; the rest is cut.
        precision: of the products with weights. Only with int8 does a text get the same bits in any batch.
        least_agreement: the share of texts to which the served graph must give the fp32 graph's answer.
        key: where given, the release is signed with it.

    Raises:
        ModelError: if the checkpoint is incomplete, a check fails, or `out` holds something.
    """
    page, network = load_checkpoint(checkpoint)
    parts = load_examples(checkpoint)
    evidence = Evidence(
        calibration=parts["calibration"],
        tune=parts["tune"],
        dev=parts["dev"],
        references=page.config.references,
        temperatures=page.temperatures,
    )
    known = page.config.labels
    draft = Manifest(
        name=name,
        version=version,
        created_at=datetime.now(UTC),
        licence=LICENCE,
        languages=tuple(languages),
        heads={head: Head(labels=labels) for head, labels in known.items() if head in page.learned},
        max_length=min(max_length, page.shape.positions),
        requires=Requirements(opset=OPSET, precision=precision, graph_optimised=True),
        lineage=_lineage(page),
    )
    return make_release(
        network,
        checkpoint / "tokenizer.json",
        draft,
        evidence,
        out,
        even_out=not page.config.rounded,
        least_agreement=least_agreement,
        key=key,
    )


def make_release(
    network: Network,
    tokenizer_json: Path | bytes,
    draft: Manifest,
    evidence: Evidence,
    out: Path,
    *,
    even_out: bool = True,
    least_agreement: float = 0.95,
    key: bytes | None = None,
) -> Release:
    """Exports, checks and measures `network`, and writes it with the manifest `draft` as a release into `out`.

    Without `even_out` an int8 graph is left with the outliers of its activations, as suits a network that learned
    with rounded numbers. Of a network with ReLU an int8 release holds the weights of one that answers the same,
    with fewer biases and outliers.

    Raises:
        ModelError: if a check fails, or `out` holds something.
    """
    # Most of it is asked text by text, where more threads would only wait for each other.
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(tokenizer_json, draft.max_length)
    golden = read_texts(tokenizer, GOLDEN_TEXTS, [mentions_like(text) for text in GOLDEN_TEXTS])
    calibration = [*encode(tokenizer, evidence.calibration), *golden]
    spans = "entity" in draft.heads
    precision = draft.requires.precision
    feeds = [feed_of(collate([item]), spans=spans) for item in calibration]
    build = partial(build_graph, max_length=draft.max_length, heads=tuple(draft.heads))
    # With Gelu nothing could be joined, and to read a constant from what is rounded costs a little exactness.
    if precision == "int8" and network.shape.activation == "relu":
        network = leave_out_biases(network, dropout=0.0)
        network = fold(network, build(network), feeds)
    fp32 = build(network)
    served = lower(fp32, feeds, precision, even_out=even_out)
    counted = {name for names in evidence.references.values() for name in names}
    tune, dev = (
        encode(tokenizer, [example for example in part if example.source in counted])
        for part in (evidence.tune, evidence.dev)
    )
    compared = [*golden, *dev[:: max(1, len(dev) // 600)]]
    parity = check_parity(
        network, fp32, served, compared, exact=precision == "int8", least_agreement=least_agreement
    )

    graph = GraphAnswers(served, optimise=False)
    measure = partial(measure_answers, references=evidence.references, labels=draft.labels)
    tuned = measure(tune, graph.all_of(tune)).temperatures if tune else {}
    temperatures = {head: tuned.get(head) or evidence.temperatures.get(head, 1.0) for head in draft.heads}
    metrics: Metrics = {"parity": _parity_metrics(parity)}
    if dev:
        for part, answers, at in (
            ("dev", graph.all_of(dev), temperatures),
            ("dev_fp32", predict(network, dev, "fp32"), evidence.temperatures),
        ):
            figures = measure(dev, answers, temperatures=at).figures
            metrics[part] = {head: _metrics(each) for head, each in figures.items()}
    manifest = draft.model_copy(
        update={
            "heads": {
                t: h.model_copy(update={"temperature": temperatures[t]}) for t, h in draft.heads.items()
            },
            "metrics": metrics,
        }
    )
    content = tokenizer_json if isinstance(tokenizer_json, bytes) else tokenizer_json.read_bytes()
    page = describe_weights(network, served).model_dump_json(indent=1).encode() + b"\n"
    files: dict[str, bytes | Path] = {GRAPH: served, TOKENIZER: content, WEIGHTS: page}
    files[GOLDEN] = _golden_of(manifest, files)
    return write_release(out, manifest, files, key=key)


def _golden_of(manifest: Manifest, files: dict[str, bytes | Path]) -> bytes:
    """The golden examples, as the release itself answers them once it is written and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = OnnxScorer.load(write_release(Path(folder, "release"), manifest, files))
        golden = record_golden(scorer, GOLDEN_TEXTS, tolerance=TOLERANCE)
        if faults := [
            fault
            for text in golden.examples
            for fault in check_golden(scorer, golden.model_copy(update={"examples": (text,)}))
        ]:
            raise ModelError(f"the release does not repeat its own golden examples: {faults[0]}")
    return golden.to_json()


def _metrics(figures: Figures) -> Metrics:
    told: Metrics = {
        name: round(float(getattr(figures, name)), 5)
        for name in ("n", "accuracy", "macro_f1", "weighted_f1", "ece")
    }
    told["per_class"] = {
        label: {"precision": round(c.precision, 4), "recall": round(c.recall, 4), "support": float(c.support)}
        for label, c in figures.per_class.items()
    }
    return told


def _parity_metrics(parity: Parity) -> Metrics:
    return {
        "texts": float(parity.texts),
        "fp32_difference": parity.fp32_difference,
        "int8_difference": round(parity.int8_difference, 5),
        "agreement": {task: round(share, 5) for task, share in parity.agreement.items()},
    }


def _mean_of(seeds: Sequence[int]) -> str:
    return f"the mean of the runs with the seeds {', '.join(map(str, seeds))}"


def _lineage(page: Checkpoint) -> Lineage:
    stages: list[JsonValue] = [
        config.model_dump(mode="json", exclude={"data", "out", "start", "teachers"})
        | {"teachers": len(config.teachers)}
        for config in (*page.stages, page.config)
    ]
    told: dict[str, JsonValue] = {"stages": stages, "torch": page.torch, "examples": dict(page.examples)}
    if page.taught_by:
        told["taught_by"] = list(page.taught_by)
    if page.mean_of:
        told["weights"] = _mean_of(page.mean_of)
    if page.means:
        told["went_on_from"] = [_mean_of(seeds) for seeds in page.means]
    return Lineage(
        base=page.base,
        base_licence=page.base_licence,
        parent=page.parent,
        seeds=page.mean_of or (page.config.seed,),
        recipe=told,
        datasets=page.datasets(),
    )
