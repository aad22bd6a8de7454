"""Asking the model about alerts: it keeps nobody for long, and a failure costs one line."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

import pytest
from alerting import alert, evidence

from models.scorer import Answer, OnnxScorer, Places, Scoring
from models.store import packaged_release
from stream.events import Alert, Explanation
from stream.explainer import Explainer
from stream.score.entities import CompanyTagger


@dataclass
class FakeScorer:
    """Finds a text bad where it says "falls", and twice as bad for a company; waits for `gate` to answer."""

    entities: bool = True
    error: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    began: threading.Event = field(default_factory=threading.Event)
    release: str = "fake@1"
    calls: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        self.calls += 1
        self.began.set()
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        asked = [len(each) for each in spans] if spans else [0] * len(texts)
        answers = []
        for text, count in zip(texts, asked, strict=True):
            bad = 0.4 if "falls" in text else 0.1
            towards = (bad * 2, 1 - bad * 2, 0.0) if self.entities else None
            answers.append(Answer((bad, 1 - bad, 0.0), (), (towards,) * count))
        return Scoring(tuple(answers), self.release)


class Desk:
    """An explainer with a clock that is moved by hand."""

    def __init__(self, tagger: CompanyTagger) -> None:
        self.now = 100.0
        self.explainer = Explainer(tagger, monotonic=lambda: self.now, seconds=5.0, capacity=2)

    def known(self, lead: Alert) -> Explanation | None:
        """What is known once all that was asked has been answered."""
        self.explainer.ready(lead)
        for each in list(self.explainer._asked.values()):
            with contextlib.suppress(CancelledError):
                each.answer.exception(30)
        assert self.explainer.ready(lead)
        return self.explainer.of(lead)


@pytest.fixture(scope="module")
def tagger() -> CompanyTagger:
    return CompanyTagger.default()


@pytest.fixture
def desk(tagger: CompanyTagger) -> Iterator[Desk]:
    desk = Desk(tagger)
    yield desk
    desk.explainer.close()


@pytest.fixture
def scorer(desk: Desk) -> Iterator[FakeScorer]:
    scorer = FakeScorer()
    desk.explainer.serve(lambda _: scorer)
    yield scorer
    scorer.gate.set()


def about(headline: str, series: str = "company:AAPL", news_id: str = "n1") -> Alert:
    (one,) = evidence(news_id)
    return alert(series).model_copy(update={"evidence": (one.model_copy(update={"headline": headline}),)})


def test_an_article_is_asked_about_once_however_often_it_is_told(desk: Desk, scorer: FakeScorer) -> None:
    lead = about("Apple falls again")
    told = desk.known(lead)
    assert told is not None
    assert [(each.word, each.shift) for each in told.words] == [("falls", -0.6)]
    assert (told.towards, told.score, told.model) == ("AAPL", -0.8, "fake@1")
    desk.now += 3600
    assert desk.known(lead.model_copy(update={"status": "updated"})) == told
    assert scorer.calls == 1


@pytest.mark.parametrize(
    ("headline", "series"),
    [("The maker falls again", "company:AAPL"), ("Apple falls again", "topic:legal"), ("It falls", "market")],
)
def test_where_no_company_is_named_the_whole_headline_is_explained(
    headline: str, series: str, desk: Desk, scorer: FakeScorer
) -> None:
    told = desk.known(about(headline, series))
    assert told is not None
    assert (told.towards, told.score) == (None, -0.4)


def test_a_release_that_tells_nothing_of_companies_explains_the_whole_headline(
    desk: Desk, scorer: FakeScorer, caplog: pytest.LogCaptureFixture
) -> None:
    scorer.entities = False
    told = desk.known(about("Apple falls again"))
    assert told is not None
    assert (told.towards, told.score) == (None, -0.4)
    assert caplog.messages == []


def test_an_alert_without_articles_waits_for_nothing(desk: Desk, scorer: FakeScorer) -> None:
    lead = alert(articles=())
    assert desk.explainer.ready(lead)
    assert desk.explainer.of(lead) is None


def test_what_takes_too_long_is_not_waited_for_and_is_known_later(
    desk: Desk, scorer: FakeScorer, caplog: pytest.LogCaptureFixture
) -> None:
    scorer.gate.clear()
    lead = about("Apple falls again")
    assert not desk.explainer.ready(lead)
    assert scorer.began.wait(30)
    desk.now += 4.9
    assert not desk.explainer.ready(lead)
    desk.now += 0.1
    assert desk.explainer.ready(lead)
    assert desk.explainer.of(lead) is None
    assert desk.explainer.ready(lead)
    assert caplog.messages == ["n1 is told without an explanation: none within 5 s"]
    scorer.gate.set()
    assert desk.known(lead) is not None


def test_what_nobody_waits_for_any_more_is_not_begun(desk: Desk, scorer: FakeScorer) -> None:
    scorer.gate.clear()
    first, second = about("Apple falls again"), about("Apple falls", news_id="n2")
    assert not desk.explainer.ready(first)
    assert scorer.began.wait(30)
    assert not desk.explainer.ready(second)
    desk.now += 5
    assert desk.explainer.ready(second)
    scorer.gate.set()
    assert desk.known(first) is not None
    assert desk.known(second) is None
    assert scorer.calls == 1


def test_beyond_what_may_wait_an_article_goes_without_at_once(
    desk: Desk, scorer: FakeScorer, caplog: pytest.LogCaptureFixture
) -> None:
    scorer.gate.clear()
    leads = [about("It falls", news_id=f"n{n}") for n in range(4)]
    assert [desk.explainer.ready(each) for each in leads] == [False, False, True, True]
    assert desk.explainer.of(leads[3]) is None
    assert caplog.messages == ["2 articles wait to be explained: what comes now is told without"]
    scorer.gate.set()
    assert desk.known(leads[0]) is not None
    assert desk.known(leads[3]) is not None


@pytest.mark.parametrize(
    ("error", "says"), [(RuntimeError("bad shape"), "bad shape"), (MemoryError(), "MemoryError")]
)
def test_a_failure_costs_one_line(
    error: Exception, says: str, desk: Desk, scorer: FakeScorer, caplog: pytest.LogCaptureFixture
) -> None:
    scorer.error = error
    lead = about("It falls")
    assert desk.known(lead) is None
    assert desk.known(lead) is None
    assert caplog.messages == [f"n1 is told without an explanation: {says}"]


def test_a_model_that_is_being_loaded_is_waited_for_once_and_not_for_long(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    lead, other = about("It falls"), about("It falls", news_id="n2")
    assert not desk.explainer.ready(lead)
    desk.now += 3
    assert not desk.explainer.ready(other)
    desk.now += 2
    assert desk.explainer.ready(lead)
    assert desk.explainer.ready(other)
    assert desk.explainer.of(lead) is None
    assert caplog.messages == [
        "notifications go without explanations until a model is loaded: none was within 5 s"
    ]
    desk.explainer.serve(lambda _: FakeScorer())
    assert desk.known(lead) is not None


def test_a_model_that_can_not_be_loaded_is_not_waited_for(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    lead = about("It falls")
    desk.explainer.lack("the store is away")
    assert desk.explainer.ready(lead)
    assert desk.explainer.of(lead) is None
    assert caplog.messages == [
        "notifications go without explanations until a model is loaded: the store is away"
    ]


def test_the_oldest_answers_are_forgotten(
    desk: Desk, scorer: FakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.explainer._REMEMBERED", 2)
    for number in range(3):
        assert desk.known(about("It falls", news_id=f"n{number}")) is not None
    assert desk.explainer.of(about("It falls", news_id="n0")) is None
    assert desk.explainer.of(about("It falls", news_id="n2")) is not None


def test_the_release_that_ships_says_what_is_bad_for_the_company_that_is_meant(desk: Desk) -> None:
    scorer = OnnxScorer.load(packaged_release())
    desk.explainer.serve(lambda _: scorer)
    headline = "Tesla plunges after recall, Apple soars on record profit"
    for company, word, sign in (("TSLA", "plunges", -1), ("AAPL", "soars", 1)):
        told = desk.known(about(headline, f"company:{company}", news_id=company))
        assert told is not None
        assert (told.towards, told.model) == (company, scorer.release)
        assert told.score * sign > 0.2
        assert word in {each.word for each in told.words if each.shift * sign > 0}
