"""A smaller vocabulary: what is kept, what a text becomes, and the rows that go with it."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import MOODS, WORDS, tiny_config, tiny_encoder  # noqa: E402 - needs torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors  # noqa: E402
from torch import Tensor  # noqa: E402 - needs the extra

from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.text import load_tokenizer  # noqa: E402 - needs torch
from models.training import wordpieces  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.network import Network, Shape, pretrained  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch
from models.training.wordpieces import with_pieces  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

LETTERS = [chr(ord("a") + n) for n in range(26)]
SIGNS = [".", "$", "\u20ac", "7", "42"]
STRANGE = ["\u8c37", "\u0434", "##\u0434"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{each}" for each in LETTERS), *SIGNS, *STRANGE, *WORDS, *MOODS.values(), "recall", "##all", "zyzzyva"]  # fmt: skip
NEEDED = 4 + 2 * 26 + len(SIGNS)


@pytest.fixture(autouse=True)
def few_words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of English takes seconds to be split, so one test does it for all."""
    if "a_run_with_fewer_pieces" not in request.node.name:
        monkeypatch.setattr(wordpieces, "english_words", lambda: [("the", 0.6), ("of", 0.4)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tokenizer that splits words into `PIECES`, saved so that it pads."""
    tokenizer = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=20)
    tokenizer.save(str(tmp_path / "old.json"))
    return tmp_path / "old.json"


def drawn() -> Network:
    torch.manual_seed(4)
    shape = Shape(width=32, attention_heads=4, vocabulary=len(PIECES), layers=2, inner=64, positions=48)
    return Network(shape, dropout=0.0).eval()


def answer(network: Network, tokenizer: Path, text: str) -> Tensor:
    ids = torch.tensor([load_tokenizer(tokenizer, 48).encode(text).ids])
    with torch.inference_mode():
        told: Tensor = network(ids, torch.ones_like(ids)).topic
    return told


TEXT = "the bank falls $ 7 after recall of gold"


def test_a_text_whose_pieces_are_kept_gets_the_same_answer_to_the_last_bit(
    source: Path, tmp_path: Path
) -> None:
    network = drawn()
    file, small = with_pieces(source, network, NEEDED + 12, [TEXT] * 9, tmp_path / "new.json", dropout=0.0)
    assert small.shape.vocabulary == NEEDED + 12
    tokens = load_tokenizer(file, 48).encode(TEXT).tokens
    assert tokens == ["[CLS]", *TEXT.split(), "[SEP]"]
    assert torch.equal(answer(small.eval(), file, TEXT), answer(network, source, TEXT))


def test_a_word_that_is_dropped_is_spelled_and_no_latin_letter_becomes_unknown(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordpieces, "english_words", lambda: [("the", 1.0)])
    file, _ = with_pieces(source, drawn(), NEEDED + 2, ["bank"], tmp_path / "new.json", dropout=0.0)
    tokenizer = load_tokenizer(file, 48)
    assert tokenizer.encode("the bank").tokens == ["[CLS]", "the", "bank", "[SEP]"]
    spelled = tokenizer.encode("gold 42 \u20ac 7.").tokens
    assert spelled == ["[CLS]", "g", "##o", "##l", "##d", "42", "\u20ac", "7", ".", "[SEP]"]
    assert tokenizer.encode("\u8c37").tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_english_and_the_texts_of_the_run_choose_alike(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordpieces, "english_words", lambda: [("oil", 0.6), ("court", 0.4)])
    texts = ["dividend"] * 7 + ["debt"] * 3
    kept = []
    for more in range(1, 5):
        file, _ = with_pieces(source, drawn(), NEEDED + more, texts, tmp_path / "new.json", dropout=0.0)
        words = set(Tokenizer.from_file(str(file)).get_vocab()) & {"oil", "court", "dividend", "debt"}
        kept.append(words)
    assert kept == [
        {"dividend"},
        {"dividend", "oil"},
        {"dividend", "oil", "court"},
        {"dividend", "oil", "court", "debt"},
    ]


def test_tokens_behind_the_vocabulary_keep_their_rows(source: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.add_special_tokens(["[PROMPT1]"])
    tokenizer.save(str(tmp_path / "prompted.json"))
    torch.manual_seed(4)
    shape = Shape(width=32, attention_heads=4, vocabulary=len(PIECES) + 1, layers=2, inner=64, positions=48)
    network = Network(shape, dropout=0.0)
    file, small = with_pieces(
        tmp_path / "prompted.json", network, NEEDED + 5, [TEXT], tmp_path / "new.json", dropout=0.0
    )
    assert Tokenizer.from_file(str(file)).token_to_id("[PROMPT1]") == NEEDED + 5
    assert torch.equal(small.words.weight[-1], network.words.weight[-1])


@pytest.mark.parametrize("size", [3, NEEDED - 1, len(PIECES) + 1, 10**6])
def test_a_size_that_is_no_cut_is_refused_with_what_it_may_be(
    size: int, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        WrongSettingError, match=f"pieces is {size}: the vocabulary has {len(PIECES)}, of which {NEEDED} have"
    ):
        with_pieces(source, drawn(), size, [TEXT], tmp_path / "new.json", dropout=0.0)


def test_a_vocabulary_of_that_size_stays_as_it_is(source: Path, tmp_path: Path) -> None:
    network = drawn()
    kept = with_pieces(source, network, len(PIECES), [TEXT], tmp_path / "new.json", dropout=0.0)
    assert kept == (source, network)


def test_another_kind_of_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "encoder")
    network = pretrained(folder, dropout=0.0, seed=1)
    with pytest.raises(WrongSettingError, match=r"pieces is 9: .* of the kind WordLevel"):
        with_pieces(folder / "tokenizer.json", network, 9, [TEXT], tmp_path / "new.json", dropout=0.0)


def test_a_run_with_fewer_pieces_ends_in_a_smaller_network_that_reads_by_its_own_tokenizer(
    source: Path, tmp_path: Path
) -> None:
    start = tiny_encoder(tmp_path / "wordpiece", vocab_size=len(PIECES))
    (start / "tokenizer.json").write_bytes(source.read_bytes())
    size = NEEDED + len(WORDS) + 1
    out = run(tiny_config(tmp_path, start=start, pieces=size, epochs=6, written=False))
    page, network = load_checkpoint(out)
    assert page.shape.vocabulary == len(network.words.weight) == size
    assert Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab_size() == size
    assert page.dev["sentiment"].accuracy > 0.8
