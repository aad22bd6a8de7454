"""Asks the model, beside the event loop, which words moved the score of an alert's first article.

One thread asks, one article after the other. Nothing here keeps a notification for long: whoever waits is told
after `seconds` that there is nothing to wait for, and beyond `capacity` waiting articles at once.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from models.errors import ModelError
from models.explain import explain
from models.scorer import Scorer
from stream.events import Alert, Explanation
from stream.notify.explained import LONGEST_WAIT, Question, question_of, tell
from stream.score.entities import CompanyTagger

log = logging.getLogger(__name__)

_CAPACITY = 64
_REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class _Asked:
    """An article that is being explained, or was; `over` once nobody waits for it any more."""

    answer: Future[Explanation | None]
    until: float
    over: bool = False


class Explainer:
    """Explains leading alerts. What was found is remembered: each sink and each reminder gets the same.

    A failure costs one line in the log and no notification.

    Args:
        tagger: finds where a headline names a company.
        monotonic: seconds on a clock that never goes back.
        seconds: how long to wait for an explanation, and at the start for a model.
        capacity: how many articles may wait to be explained.
    """

    def __init__(
        self,
        tagger: CompanyTagger,
        *,
        monotonic: Callable[[], float],
        seconds: float = LONGEST_WAIT.total_seconds(),
        capacity: int = _CAPACITY,
    ) -> None:
        self._tagger = tagger
        self._monotonic = monotonic
        self._seconds = seconds
        self._capacity = capacity
        self._scorer_of: Callable[[str], Scorer] | None = None
        self._model_until: float | None = None
        self._asked: OrderedDict[Question, _Asked] = OrderedDict()
        self._full = self._lacking = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explain")

    def serve(self, scorer_of: Callable[[str], Scorer]) -> None:
        """From now on ask what this gives: the scorer in force for a text."""
        self._scorer_of = scorer_of

    def lack(self, why: object) -> None:
        """There is no model for now: nobody waits for one."""
        log.warning("notifications go without explanations until a model is loaded: %s", why)
        self._model_until, self._lacking = self._monotonic(), True

    def close(self) -> None:
        """End the thread, once it is done with the article it has."""
        self._thread.shutdown(cancel_futures=True)

    def ready(self, lead: Alert) -> bool:
        """Whether there is nothing to wait for: it is known, or can't be had. The first call asks. Never waits."""
        question = question_of(lead)
        if question is None:
            return True
        asked = self._asked.get(question)
        if asked is None:
            if self._scorer_of is None:
                return self._has_no_model()
            if self._is_full():
                return True
            asked = self._ask(question, self._scorer_of)
        if not asked.over:
            self._look(question, asked)
        return asked.over

    def of(self, lead: Alert) -> Explanation | None:
        """What is known now of the alert's first article."""
        question = question_of(lead)
        asked = None if question is None else self._asked.get(question)
        if asked is None or not asked.answer.done() or asked.answer.cancelled() or asked.answer.exception():
            return None
        return asked.answer.result()

    def _has_no_model(self) -> bool:
        """Whether it was waited long enough for the first model: once, however many notifications wait."""
        now = self._monotonic()
        if self._model_until is None:
            self._model_until = now + self._seconds
        if now < self._model_until:
            return False
        if not self._lacking:
            self.lack(f"none was within {self._seconds:g} s")
        return True

    def _is_full(self) -> bool:
        waiting = sum(1 for each in self._asked.values() if not each.answer.done())
        full = waiting >= self._capacity
        if full and not self._full:
            log.warning("%d articles wait to be explained: what comes now is told without", waiting)
        self._full = full
        return full

    def _ask(self, question: Question, scorer_of: Callable[[str], Scorer]) -> _Asked:
        answer = self._thread.submit(self._explain, question, scorer_of)
        asked = self._asked[question] = _Asked(answer, self._monotonic() + self._seconds)
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return asked

    def _look(self, question: Question, asked: _Asked) -> None:
        """Note whether the answer is there, failed, or took too long."""
        if not asked.answer.done():
            if self._monotonic() < asked.until:
                return
            # What has not begun is not begun any more: newer articles would wait for what nobody waits for.
            asked.answer.cancel()
            log.warning(
                "%s is told without an explanation: none within %g s", question.news_id, self._seconds
            )
        elif not asked.answer.cancelled() and (error := asked.answer.exception()) is not None:
            said = str(error) or type(error).__name__
            log.warning("%s is told without an explanation: %s", question.news_id, said)
        asked.over = True

    def _explain(self, question: Question, scorer_of: Callable[[str], Scorer]) -> Explanation | None:
        """In the thread: the words that moved the score towards the company, or that of the whole text."""
        scorer, place = scorer_of(question.text), self._place_of(question)
        if place is not None:
            try:
                return tell(explain(scorer, question.text, place), question)
            except ModelError:
                # This release has no sentiment towards a company: SCORE counted that of the text, too.
                pass
        return tell(explain(scorer, question.text), question)

    def _place_of(self, question: Question) -> tuple[int, int] | None:
        """Where the headline names the company, if it does."""
        company = question.company
        if company is None:
            return None
        # As if its publisher had named it: SCORE found it in the article, so its name means it here.
        for mention in self._tagger.tag(question.text, None, (company,)):
            if mention.id == company and mention.start is not None and mention.end is not None:
                return mention.start, mention.end
        return None
