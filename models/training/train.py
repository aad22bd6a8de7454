"""Fine-tunes one encoder for all heads. Read `run` from top to bottom: it is the whole job.

A release like the shipped one is made by

    newstide train --data-dir DATA          # models.training.train.run(TrainConfig.standard(DATA))
    newstide export CHECKPOINT              # export.onnx.export_release(CHECKPOINT, ...)

where DATA holds `NAME/train.csv` for the sets of `models.training.data.standard_sets`; `docs/models.md` says by
which runs the shipped one came about. With the same seed, threads and versions of torch a run gives the same
network again. One that was stopped goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.errors import WrongSettingError
from models.spans import mentions_like
from models.tasks import MENTIONS, HeadName
from models.text import load_tokenizer
from models.training import contrasted, events, events_chinese, posts_chinese, written
from models.training.augment import Augmenter
from models.training.batches import UNKNOWN, Encoded, encode
from models.training.biases import leave_out_biases
from models.training.checkpoint import Checkpoint, each_once, rows_by_set, save_checkpoint
from models.training.config import TrainConfig
from models.training.contrasted import contrasted_examples
from models.training.curves import Curves, Watch
from models.training.data import Corpus, Example, Span, read_corpus
from models.training.devices import Crew, crew
from models.training.encoders import Origin, begin, check_teachers, pinned, with_topics
from models.training.events import event_examples
from models.training.events_chinese import chinese_event_examples
from models.training.joined_heads import join_heads
from models.training.kept import keep_folder
from models.training.loop import fit, refuse_other_settings
from models.training.loss import Loss
from models.training.named import REMINDER, named_examples
from models.training.named_chinese import named_chinese_examples
from models.training.near_words import NearWords
from models.training.network import Network
from models.training.posts_chinese import chinese_post_examples
from models.training.precision import usable
from models.training.predict import measure_on
from models.training.prior import power_left_out, take_back_weights
from models.training.prompt import add_rows, learn_only, with_prompt
from models.training.rounding import round_no_more, round_products
from models.training.teacher import learned_from, teach
from models.training.transfer import transfer_set
from models.training.units import TEXTS, keep_units
from models.training.wordpieces import with_pieces
from models.training.written import written_examples

_SAID_BY_US = frozenset({written.NAME, events.NAME, events_chinese.NAME, posts_chinese.NAME, contrasted.NAME})
"""Sets that are there for what teachers get wrong: what they label is learned from the labels alone, and teachers
answer altered copies of them only where the recipe says that they can."""


def run(config: TrainConfig, *, watch: Watch | None = None, answers: Path | None = None) -> Path:
    """Trains by `config` and returns the folder of the checkpoint, `config.out / "checkpoint"`.

    What teachers answer is kept in `answers`, or else beside the checkpoint; runs may share it, one after another.

    Curves go to TensorBoard in `config.out / "logs"`, and to Weights & Biases where its package and key are there.
    Early stopping, the temperatures and the biases go by the tuning part of the reference sets; the figures in the
    checkpoint are those of their dev part, which nothing else has seen. Processes that `accelerate launch` started
    train one network together, and the first of them writes.

    Raises:
        WrongSettingError: if there is nothing where it is to start from, or where a teacher is said to be.
        ModelError: if a set, the encoder or its tokenizer can't be read, or a setting does not fit the encoder.
    """
    check_teachers(config.teachers)
    config = pinned(config)
    torch.set_num_threads(config.threads)
    config = config.model_copy(update={"precision": usable(config.precision)})
    with crew() as together:
        torch.manual_seed(config.seed)
        return _run(config, together, watch, answers or config.out / "answers")


def _run(config: TrainConfig, together: Crew, watch: Watch | None, answers: Path) -> Path:
    network, origin = begin(config)
    config = _with_topics_of(config, origin)
    network, origin = with_topics(
        network, origin, config.labels["topic"], dropout=config.dropout, seed=config.seed
    )
    keeps = config.keep_answers and origin.parent is not None
    own_teacher = keeps and not config.teachers
    config = _keeping(config, origin) if keeps else config
    refuse_other_settings(config, config.out / "state")  # before teachers answer for minutes
    if config.transfer and not config.teachers:
        raise WrongSettingError(
            f"transfer is {config.transfer}: its texts are for teachers to answer: name teachers, or leave it out"
        )
    own = own_examples(config)
    said_by_us = {each.text: _labelled_heads(each) for each in own if each.source in _SAID_BY_US}
    corpus = read_corpus(config.data, own, config.labels)
    words, network = _prompted(*_cut(origin.tokenizer, network, config, corpus, together), config, together)
    tokenizer = load_tokenizer(words, config.max_length)
    towards = keeps and "entity" in origin.heads and "entity" not in config.labelled_heads

    def read(examples: Iterable[Example]) -> list[Encoded]:
        # What a text seems to be about is for the teacher alone: no change of the text minds it.
        return encode(tokenizer, [_with_a_name(each) if towards else each for each in examples])

    train, tune, dev = read(corpus.train), encode(tokenizer, corpus.tune), encode(tokenizer, corpus.dev)
    references = config.references
    # A set of a few rows may have none in its tuning part; then the run stops by what it learns from.
    stop_by = tune if any(measurable(item, references) for item in tune) else train
    unlabelled = read(_altered(config, corpus, tokenizer, network))
    learned = train + unlabelled
    behind = learned_from(config.teachers)
    soft = teach(
        config.teachers,
        [item.example for item in learned],
        precision=config.precision,
        kept=answers,
        keep=together.writes,
        labels=config.labels,
    )
    if own_teacher:
        soft = {text: _but(told, config.labelled_heads) for text, told in soft.items()}
    soft = {text: _but(told, said_by_us.get(text, ())) for text, told in soft.items()}
    loss = Loss.over(corpus.train, config.data, config, soft)

    measure = partial(measure_on, references=references, labels=config.labels)

    def check(network: Network) -> float:
        return measure(network, stop_by, precision=config.precision).mean_macro_f1

    augmenter = Augmenter(config.augment, corpus.train)

    def changed(epoch: int) -> list[Encoded]:
        draw = random.Random(config.seed + epoch)  # noqa: S311 - changes of examples, no secret
        texts = read(augmenter.change(example, draw) for example in corpus.train)
        changes = [replace(new, origin=old.text) for new, old in zip(texts, corpus.train, strict=True)]
        return changes + unlabelled

    if config.rounded:
        round_products(network)
    with Curves(config, len(learned), watch, shown=together.writes) as curves:
        done = fit(
            network,
            learned,
            loss,
            config,
            check=check,
            report=curves.report,
            state=config.out / "state",
            changed=changed if any(config.augment.model_dump().values()) else None,
            crew=together,
        )
    if config.rounded:
        round_no_more(network)

    out = config.out / "checkpoint"
    if together.writes:
        powers = take_back_weights(
            network,
            corpus.train,
            tune,
            references,
            balance=power_left_out(config.balance, config.taught, soft),
            precision=config.precision,
        )
        tuned = measure(network, tune, precision="fp32")
        measured = measure(network, dev, precision="fp32", temperatures=tuned.temperatures)
        checkpoint = Checkpoint(
            shape=network.shape,
            max_length=config.max_length,
            temperatures={**origin.temperatures, **tuned.temperatures},
            share_powers=powers,
            dev=measured.figures,
            tune=tuned.figures,
            history=done.history,
            config=config,
            examples={"train": len(train), "tune": len(tune), "dev": len(dev)},
            rows=rows_by_set(corpus.train),
            base=origin.base,
            base_licence=origin.licence,
            stages=(*origin.earlier.stages, origin.earlier.config) if origin.earlier else (),
            means=_means_before(origin.earlier),
            parent=origin.parent,
            inherited=each_once((*origin.datasets, *behind.datasets)),
            taught_by=behind.names,
            heads=frozenset({*config.labelled_heads, *(head for told in soft.values() for head in told)}),
            torch=torch.__version__,
            made_at=datetime.now(UTC),
        )
        with keep_folder(out) as folder:
            save_checkpoint(folder, checkpoint, network, words, corpus)
    together.wait()
    return out


def _altered(config: TrainConfig, corpus: Corpus, tokenizer: Tokenizer, network: Network) -> list[Example]:
    """The texts of the run's transfer set, whose near words are those of `network` as it begins."""
    originals = [each for each in corpus.train if config.transfer_ours or each.source not in _SAID_BY_US]
    near = NearWords(tokenizer, network.words.weight) if config.transfer and config.transfer_near else None
    return transfer_set(originals, config.transfer, config.seed, near=near, near_share=config.transfer_near)


def _means_before(earlier: Checkpoint | None) -> tuple[tuple[int, ...], ...]:
    """The seeds of each mean of runs that stands behind a run that goes on from `earlier`."""
    if earlier is None:
        return ()
    return (*earlier.means, earlier.mean_of) if earlier.mean_of else earlier.means


def _with_topics_of(config: TrainConfig, origin: Origin) -> TrainConfig:
    """The run with the topics of what it goes on from, where it names none.

    Raises:
        WrongSettingError: if it names topics that nothing teaches.
    """
    if not config.topics:
        known = origin.topics not in ((), config.labels["topic"])
        return config.model_copy(update={"topics": origin.topics}) if known else config
    if "topic" not in config.labelled_heads and origin.topics != config.topics:
        raise WrongSettingError(
            f"topics is {', '.join(config.topics)}: no set has labels for them: add one for the task topic, or"
            " leave topics out"
        )
    return config


def _keeping(config: TrainConfig, origin: Origin) -> TrainConfig:
    """The run with what it goes on from as the teacher of all that no set labels, where no other is named."""
    forgettable = "ner" in origin.heads and "ner" not in config.labelled_heads
    named = config.named or (REMINDER if forgettable else 0)
    config = config.model_copy(update={"named": named})
    if config.teachers or config.start is None:
        return config
    return config.model_copy(update={"teachers": (config.start,), "taught": 0.0})


def _with_a_name(example: Example) -> Example:
    """`example` with the places of its organisations, or of what it seems to be about, as companies to ask for."""
    if example.spans:
        return example
    if example.mentions is not None:
        organisation = MENTIONS.index("ORG")
        places = [(each.start, each.end) for each in example.mentions if each.label == organisation]
    else:
        places = mentions_like(example.text) or [(0, len(example.text))]
    return replace(example, spans=tuple(Span(*place, UNKNOWN) for place in places))


def _but(told: Mapping[HeadName, Tensor], heads: Collection[HeadName]) -> dict[HeadName, Tensor]:
    """What was told, without `heads`: what the sets label is learned from them alone."""
    return {head: logits for head, logits in told.items() if head not in heads}


def _labelled_heads(example: Example) -> set[HeadName]:
    """What people said of `example`, of what teachers answer."""
    towards = any(span.label >= 0 for span in example.spans)
    return {example.task, "entity"} if towards else {example.task}


def own_examples(config: TrainConfig) -> list[Example]:
    """The sentences of our own that the run learns besides its sets."""
    return [
        *(written_examples() if config.written else ()),
        *event_examples(config.events),
        *chinese_event_examples(config.events_chinese),
        *chinese_post_examples(config.posts_chinese),
        *named_examples(config.named),
        *named_chinese_examples(config.named_chinese),
        *contrasted_examples(config.contrasted),
    ]


def measurable(item: Encoded, references: Mapping[HeadName, Sequence[str]]) -> bool:
    """Whether `item` has a label of a head that is measured on its set."""
    return any(item.example.source in names and item.labels(head) for head, names in references.items())


def _cut(
    tokenizer: Path, network: Network, config: TrainConfig, corpus: Corpus, together: Crew
) -> tuple[Path, Network]:
    """The tokenizer and the network with as many pieces, units, heads and biases as `config` says, if it does."""
    if config.pieces:
        texts = [each.text for each in corpus.train]
        file = _own_file(config, "pieces", together)
        tokenizer, network = with_pieces(
            tokenizer, network, config.pieces, texts, file, dropout=config.dropout
        )
    if config.inner or config.attention_heads or not config.widening_bias:
        # By the sets alone: runs that differ in sentences of our own have a mean, if they were cut alike.
        sets = {spec.name for spec in config.data}
        texts_of_sets = [each for each in corpus.train if each.source in sets]
        some = texts_of_sets[:: max(1, len(texts_of_sets) // TEXTS)]
        items = encode(load_tokenizer(tokenizer, config.max_length), some)
        if config.inner:
            network = keep_units(network, config.inner, items, dropout=config.dropout)
        if config.attention_heads:
            network = join_heads(network, config.attention_heads, items, dropout=config.dropout)
        if not config.widening_bias:
            network = leave_out_biases(network, dropout=config.dropout, attention=False)
            if network.shape.widening_bias:
                raise WrongSettingError(
                    "widening_bias is false, but the gains of a norm of this start cancel out, so that no weights"
                    " can stand for a bias: leave it out"
                )
        together.begin_alike(network)
    return tokenizer, network


def _own_file(config: TrainConfig, name: str, together: Crew) -> Path:
    """Where the run keeps a tokenizer: every process writes the same bytes, but two must not write one file."""
    return config.out / (f"{name}.json" if together.writes else f"{name}-{together.number}.json")


def _prompted(tokenizer: Path, network: Network, config: TrainConfig, together: Crew) -> tuple[Path, Network]:
    """The tokenizer and the network with the learned prompt that `config` asks for, if it does."""
    if config.prompt is None:
        return tokenizer, network
    words, ids = with_prompt(tokenizer, config.prompt.rows, _own_file(config, "tokenizer", together))
    grown = add_rows(network, ids, dropout=config.dropout, seed=config.seed)
    learn_only(grown, ids)
    return words, grown
