from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from hypothesis import given
from hypothesis import strategies as st
from tiny_training import write_csv

from models import tables
from models.errors import ModelError, UnusableDataError
from models.tables import Fault
from models.training.data import DataSpec, read_corpus, read_set
from models.training.own_data import (
    OwnData,
    read_own,
    write_parts,
)
from models.training.own_rows import OwnTask, parse_labels
from models.training.split import skeleton

ENOUGH = "oil falls,negative\ngold gains,positive\n"


def own(
    folder: Path,
    content: str,
    header: str = "text,label",
    *,
    task: OwnTask = "sentiment",
    labels: dict[str, str] | None = None,
) -> OwnData:
    path = folder / "own.csv"
    path.write_text(f"{header}\n{content}", encoding="utf-8")
    return read_own(path, task, labels)


def test_labels_may_have_any_names(tmp_path: Path) -> None:
    found = own(
        tmp_path,
        "a falls,Bad\nb gains,GOOD\nc meets,Neutral\nd,spam\n",
        labels=parse_labels(["good=positive, bad=negative", "spam="]),
    )
    assert [row.label for row in found.rows] == ["negative", "positive", "neutral"]
    assert found.sound
    found = own(
        tmp_path, "a,fed-central-banks\nb,Legal\n", task="topic", labels={"legal": "Legal | Regulation"}
    )
    assert [row.label for row in found.rows] == ["Fed | Central Banks", "Legal | Regulation"]


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (["good"], "--labels good: write YOURS=OURS"),
        (["=positive"], "--labels =positive: write"),
        (["a=positive", "a=negative"], "can mean one thing"),
    ],
)
def test_a_pair_of_labels_must_be_one(told: list[str], fault: str) -> None:
    with pytest.raises(UnusableDataError, match=fault):
        parse_labels(told)


def test_a_quote_that_is_not_closed_spoils_its_own_line_only(tmp_path: Path) -> None:
    found = own(tmp_path, 'oil falls,negative\n"gold gains,positive\nfed meets,neutral\nrates,neutral\n')
    assert [(fault.line, fault.column) for fault in found.faults] == [(3, "")]
    assert "a double quote opens here" in found.faults[0].reason
    assert [row.line for row in found.rows] == [2, 4, 5]


def test_a_text_may_hold_marks_that_end_a_line_elsewhere(tmp_path: Path) -> None:
    found = own(tmp_path, "oil\u2028falls,negative\ngold\x0cgains,positive\n")
    assert found.sound
    assert [row.line for row in found.rows] == [2, 3]


def test_a_label_can_only_stand_for_one_of_the_task(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataError, match="--labels good=great: 'great' is none of the task sentiment"):
        own(tmp_path, ENOUGH, labels={"good": "great"})


@pytest.mark.parametrize(
    ("header", "row", "fault"),
    [
        ("text,label", ",negative", Fault(12, "text", "it is empty")),
        ("text,label", "&nbsp;,negative", Fault(12, "text", "it is empty")),
        ("text,label", "oil,", Fault(12, "label", "it is empty")),
        ("text,label", "oil,so", Fault(12, "label", "'so' is none of negative, neutral, positive")),
        ("text,label", "oil", Fault(12, "label", tables._TOO_FEW)),
        (
            "text,label",
            "oil, gas,negative",
            Fault(12, "", tables._TOO_MANY),
        ),
        ("text,label", '"oil"x,negative', Fault(12, "", tables._NEVER_CLOSED)),
        ("text,label,entity", "oil,negative,gas", Fault(12, "entity", "'gas' does not stand in the text")),
        (
            "text,label,start,end",
            "oil,negative,a,2",
            Fault(12, "start", "'a' to '2' are no numbers of characters"),
        ),
        ("text,label,start,end", "oil,negative,1,4", Fault(12, "end", "1 to 4 lies not within 3 characters")),
    ],
)
def test_a_bad_row_is_told_by_line_column_and_reason(
    header: str, row: str, fault: Fault, tmp_path: Path
) -> None:
    more = "," * header.replace("text,label", "").count(",")
    good = "".join(f"firm {c} falls,negative{more}\nfirm {c} gains,positive{more}\n" for c in "abcde")
    found = own(tmp_path, f"{good}{row}\nfirm x falls,negative{more}\n", header)
    assert found.faults == (fault,)
    assert len(found.rows) == 11
    assert not found.sound


def test_a_wrong_split_is_a_bad_row(tmp_path: Path) -> None:
    rows = "oil falls,negative,train\ngold gains,positive,training\nfed,neutral,Test\nbank,neutral,\n"
    found = own(tmp_path, rows, "text,label,split")
    assert [fault.column for fault in found.faults] == ["split"]
    assert [row.part for row in found.rows] == ["train", "train", "dev"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1: it is empty: name the columns"),
        (b"text,mood\na,b\n", "line 1: there is no column 'label' among 'text', 'mood'"),
        (b"text,label\n", "0 usable rows, of which those for training have no label"),
        (b"text,label\na,negative\nb,negative\n", "have only the label negative"),
        (b"text,label\na,negative\nb,so\nc,so\n", r"'so' \(2 rows\) mean nothing"),
        (b"text,label\na,negative\nb\xe9,neutral\n", "line 3: byte 0xe9 is no UTF-8"),
        (b'"text"x,label\na,negative\n', "line 1: a double quote opens here"),
        (b"text,label,label\na,negative,positive\n", "line 1: the column 'label' is named twice"),
        (b"text;label\na;negative\n", "among 'text;label': separate the columns with commas"),
        (b"text,label\n,negative\n,positive\n", "the first fault: line 2, it is empty"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(UnusableDataError, match=fault) as caught:
        read_own(tmp_path / "own.csv", "sentiment")
    assert caught.value.exit_code == 2


def test_a_missing_file_and_a_missing_entity_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataError, match=r"none\.csv can't be read"):
        read_own(tmp_path / "none.csv", "sentiment")
    with pytest.raises(UnusableDataError, match="there is no column 'entity'"):
        own(tmp_path, ENOUGH, task="entity")


def test_copies_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    found = own(tmp_path, ENOUGH + "oil  falls,negative\nfed,neutral\nfed,positive\nfed,positive\n")
    assert [row.text for row in found.rows] == ["oil falls", "gold gains"]
    assert (found.duplicates, found.contradictions) == (1, (5, 6, 7))


def test_what_differs_in_its_entity_does_not_contradict(tmp_path: Path) -> None:
    rows = "gold gains as oil falls,positive,gold\ngold gains as oil falls,negative,oil\nfed,neutral,\n"
    found = own(tmp_path, rows, "text,label,entity")
    assert [row.named for row in found.rows] == ["gold", "oil", ""]
    assert found.entities
    assert not own(tmp_path, "a,Macro,gold\nb,IPO,oil\n", "text,label,entity", task="topic").entities
    with pytest.raises(UnusableDataError, match="the first fault: line 4, it is empty"):
        own(tmp_path, rows.replace("negative", "positive"), "text,label,entity", task="entity")


def test_a_text_that_is_measured_on_is_not_learned(tmp_path: Path) -> None:
    rows = ENOUGH.replace("\n", ",train\n") + (
        "Profit up 3%,positive,train\nprofit UP 5%!,positive,test\nfed,neutral,val\nfed,neutral,test\n"
    )
    found = own(tmp_path, rows, "text,label,split")
    assert found.leaks == (4, 6)
    assert {(row.text, row.part) for row in found.rows if row.part != "train"} == {
        ("profit UP 5%!", "dev"), ("fed", "dev"),
    }  # fmt: skip


def test_where_no_rows_are_for_tuning_a_few_of_those_for_training_are(tmp_path: Path) -> None:
    rows = "".join(f"firm {chr(97 + n // 26)}{chr(97 + n % 26)} gains,positive,train\n" for n in range(300))
    rows += "firm falls,negative,train\nbank falls,negative,train\ngold falls,negative,test\n"
    found = own(tmp_path, rows, "text,label,split")
    parts = [row.part for row in found.rows]
    assert 0 < parts.count("tune") < 40
    assert parts.count("dev") == 1
    assert found.counts()["negative"]["dev"] == 1


def test_the_parts_that_are_written_are_what_a_run_reads(tmp_path: Path) -> None:
    rows = "gold gains as oil falls,positive,gold,train\ngold gains as oil falls,negative,oil,train\n"
    found = own(tmp_path, rows + "the fed meets,neutral,,test\n", "text,label,entity,split")
    specs = write_parts(found, tmp_path / "data", licence="MIT")
    assert [(spec.name, spec.part, spec.tasks) for spec in specs] == [
        ("own", "train", ("sentiment", "entity")),
        ("own-dev", "dev", ("sentiment", "entity")),
    ]
    (both,) = read_set(specs[0])
    assert [(span.start, span.end, span.label) for span in both.spans] == [(0, 4, 2), (14, 17, 0)]
    copy = DataSpec(
        name="other",
        path=write_csv(tmp_path / "other.csv", [("The Fed meets!", "neutral"), ("oil", "negative")]),
        task="sentiment",
        licence="MIT",
    )
    corpus = read_corpus([*specs, copy])
    assert {skeleton(example.text) for example in corpus.dev} >= {"the fed meets"}
    assert all(skeleton(example.text) != "the fed meets" for example in (*corpus.train, *corpus.tune))


def test_a_run_is_not_gone_on_with_on_other_data(tmp_path: Path) -> None:
    one, other = (
        write_parts(own(tmp_path, rows), tmp_path / "data", licence="MIT")[0].path
        for rows in (ENOUGH, ENOUGH + "bank falls,negative\n")
    )
    assert one != other


def test_a_place_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="give another --out"):
        write_parts(own(tmp_path, ENOUGH), tmp_path / "file" / "data", licence="MIT")


@given(st.text(alphabet='ab,"\n\r;\x00é', max_size=60))
def test_no_file_of_any_kind_breaks_the_reading(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.csv")
        path.write_text(f"text,label\n{ENOUGH}{content}", encoding="utf-8", newline="")
        try:
            found = read_own(path, "sentiment")
        except UnusableDataError:
            return
        assert len(found.rows) >= 1
