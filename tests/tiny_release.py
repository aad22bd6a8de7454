"""A whole release, small enough to be built in a test: a graph of a few kilobytes and a tokenizer of few words."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from models.golden import record_golden
from models.manifest import DataSet, Head, Lineage, Manifest, Requirements
from models.release import GOLDEN, GRAPH, TOKENIZER, Release, write_release
from models.scorer import OnnxScorer
from models.tasks import SENTIMENT, TOPICS

WORDS = tuple(
    "bank shares fall rise profit loss run on deposits halted guidance cut raised fed oil gold up down the a"  # noqa: SIM905 - a list would be long
    " after as of in to and outlook dividend merger court ruling chief leaves quarter record".split()
)
TEXTS = (
    "bank run on deposits",
    "profit up and dividend raised",
    "shares fall after the loss of the quarter and guidance cut",
    "gold",
    "court ruling halted the merger as the chief of the bank leaves and shares fall",
)
MADE_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def tiny_tokenizer() -> bytes:
    """Words of `WORDS`, all others unknown, between `[CLS]` and `[SEP]`."""
    vocabulary = {word: number for number, word in enumerate(("[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]"])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return str(tokenizer.to_str()).encode()


def tiny_graph(
    *, seed: int = 0, topics: int = len(TOPICS), names: tuple[str, str] = ("sentiment", "topic")
) -> bytes:
    """Embeds, lets every word attend to every other, takes the mean, and reads both heads from it."""
    onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
    make, tensor = onnx.helper, onnx.numpy_helper.from_array
    random = np.random.default_rng(seed)
    width = 16
    weights = {
        "words": random.normal(0, 1, (len(WORDS) + 3, width)),
        "to_sentiment": random.normal(0, 1, (width, 3)),
        "to_topic": random.normal(0, 1, (width, topics)),
    }
    # The mean over the words is a product of matrices: ReduceMean adds in another order when a text is alone.
    mean = [
        make.make_node("Unsqueeze", ["kept", "one"], ["line"]),
        make.make_node("MatMul", ["line", "context"], ["line_sum"]),
        make.make_node("Squeeze", ["line_sum", "one"], ["sum"]),
        make.make_node("ReduceSum", ["kept", "one"], ["count"], keepdims=1),
        make.make_node("Div", ["sum", "count"], ["pooled"]),
    ]
    nodes = [
        make.make_node("Gather", ["words", "input_ids"], ["rows"]),
        make.make_node("Cast", ["attention_mask"], ["kept"], to=onnx.TensorProto.FLOAT),
        make.make_node("Transpose", ["rows"], ["columns"], perm=[0, 2, 1]),
        make.make_node("MatMul", ["rows", "columns"], ["scores"]),
        make.make_node("Softmax", ["scores"], ["shares"], axis=-1),
        make.make_node("MatMul", ["shares", "rows"], ["context"]),
        *mean,
        make.make_node("MatMul", ["pooled", "to_sentiment"], [names[0]]),
        make.make_node("MatMul", ["pooled", "to_topic"], [names[1]]),
    ]
    whole, single = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    graph = make.make_graph(
        nodes,
        "tiny",
        [make.make_tensor_value_info(name, whole, ["B", "L"]) for name in ("input_ids", "attention_mask")],
        [
            make.make_tensor_value_info(name, single, ["B", size])
            for name, size in zip(names, (3, topics), strict=True)
        ],
        [tensor(value.astype(np.float32), name) for name, value in weights.items()]
        + [tensor(np.array([1]), "one")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def tiny_manifest(version: str = "1.0.0", **changes: Any) -> Manifest:
    """A draft; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "name": "tiny",
        "version": version,
        "created_at": MADE_AT,
        "licence": "Apache-2.0",
        "heads": {"sentiment": Head(labels=SENTIMENT, temperature=1.3), "topic": Head(labels=TOPICS)},
        "max_length": 32,
        "requires": Requirements(opset=17, precision="fp32"),
        "lineage": Lineage(
            base="drawn at random",
            base_licence="Apache-2.0",
            seeds=(0,),
            datasets=(DataSet(name="none", rows=1, licence="CC0-1.0", origin="written for tests"),),
        ),
        "metrics": {"dev": {"sentiment": {"macro_f1": 0.5}}},
    }
    return Manifest(**(fields | changes))


def tiny_files(*, seed: int = 0) -> dict[str, bytes | Path]:
    """The files of a release but its golden examples."""
    return {GRAPH: tiny_graph(seed=seed), TOKENIZER: tiny_tokenizer()}


def tiny_release(
    directory: Path, version: str = "1.0.0", *, seed: int = 0, key: bytes | None = None, **changes: Any
) -> Release:
    """A sound release with golden examples, written to `directory`."""
    draft, files = tiny_manifest(version, **changes), tiny_files(seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        scorer = OnnxScorer.load(write_release(Path(folder) / "draft", draft, files))
    files[GOLDEN] = record_golden(scorer, TEXTS, tolerance=0.01).to_json()
    return write_release(directory, draft, files, key=key)
