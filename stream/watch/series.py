"""One series: what its articles mean for its counts, its baseline and its alerts."""

from __future__ import annotations

from stream.events import MARKET, Alert, Signal
from stream.watch.baseline import Usual
from stream.watch.gauge import Gauge
from stream.watch.kinds import kind_of
from stream.watch.moment import Moment
from stream.watch.novelty import Arrival, Recents
from stream.watch.recent import Recent
from stream.watch.rules import WatchRules
from stream.watch.stories import Telling
from stream.watch.surge import Detector
from stream.watch.tallies import Bin, Tally
from stream.watch.times import micros_of


class Series:
    """The state of one series, and what each article, withdrawal and passing bin does to it.

    Args:
        name: the series.
        rules: the thresholds.
        detectors: what judges its window; each has its own alerts.
        born: the bin of its first article.
    """

    def __init__(self, name: str, rules: WatchRules, detectors: tuple[Detector, ...], born: int) -> None:
        self.name = name
        self.kind = kind_of(name)
        self.rules = rules
        self._bin_micros, self._kept = rules.bin_micros, rules.kept_bins
        self._lateness, self._memory = rules.lateness_micros, rules.memory_micros
        self.high: int | None = None
        self.model = ""
        self.gauge = Gauge(self.kind, rules, detectors, born, self._moment)
        self.lives, self.baseline = self.gauge.lives, self.gauge.baseline
        self.recents = Recents(rules.capacity_of(self.kind), self._memory, rules.likeness)
        self.said: list[Alert] = []

    @property
    def now(self) -> int:
        """The bin in which the series is."""
        return self.gauge.now

    @property
    def bins(self) -> dict[int, Bin]:
        """What was counted, for each bin that is kept by itself."""
        return self.gauge.tallies.bins

    @property
    def alarmed(self) -> bool:
        """Whether an alert is open."""
        return self.gauge.alarmed

    def outlived(self, time: int) -> bool:
        """Whether the series was silent for so long before `time` that it starts anew."""
        return self.high is not None and time > self.high + self.rules.forget_micros

    def observe(self, signal: Signal, *, taken_back: bool) -> tuple[Arrival, Recent | None]:
        """Apply one article; `taken_back` if its withdrawal came before it.

        Returns:
            What the article was, and the story that it is part of (None where it came too late to be compared).
        """
        at = micros_of(signal.published_at)
        here = at // self._bin_micros
        if self.high is not None and at < self.high - self._memory:
            return Arrival.LATE, None
        self.pass_to(here)
        late = self.high is not None and at < self.high - self._lateness
        late = late or here <= self.now - self._kept
        self.high = at if self.high is None else max(self.high, at)
        self.model = signal.model
        self.recents.age_to(self.high)
        arrival, story = self._place(signal, at, taken_back=taken_back)
        if arrival is Arrival.REPEATED or arrival is Arrival.WITHDRAWN:
            return arrival, story
        if story.bin is None and not story.withdrawn:
            # A story whose first article came late, or which is reinstated, counts where it is in time again.
            if late:
                return Arrival.LATE, story
            if story.weight >= self.rules.min_weight:
                self._count(story, here)
        self.said += self.gauge.judge(self.high)
        return arrival, story

    def withdraw(self, news_id: str, at: int) -> Recent | None:
        """An article is taken back. The story it was part of, or None if the series does not remember it.

        The story's own article takes the whole story with it, whatever copies remain; a copy takes only itself.
        """
        story = self.recents.by_id(news_id)
        if story is None or story.withdrawn or at > story.at + self._memory:
            return None
        self.pass_open(at // self._bin_micros)
        if self.recents.drop_copy(story, news_id):
            return story
        before, counted_in, named = self._tally_of(story), story.bin, story.news_id
        self._uncount(story)
        story.withdrawn = True
        self.recents.touch(story)
        if counted_in is not None:
            self._take_back(story, counted_in, before, named, max(self.high or at, at))
        return story

    def pass_to(self, bin_number: int) -> None:
        """Let time pass to a bin; no-op if it is not ahead."""
        self.said += self.gauge.pass_to(bin_number)

    def pass_open(self, bin_number: int) -> None:
        """Let time pass to a bin, or until no alert is open, whichever comes first."""
        self.said += self.gauge.pass_open(bin_number)

    def _place(self, signal: Signal, at: int, *, taken_back: bool) -> tuple[Arrival, Recent]:
        """Find or begin the story that `signal` tells, and write down that it does."""
        fingerprint = bytes.fromhex(signal.fingerprint)
        negative = self._is_negative(signal)
        arrival, story = self.recents.recognise(signal, fingerprint, at)
        if story is None:
            story = self.recents.begin(signal, fingerprint, at, negative=negative)
            story.withdrawn = taken_back
            if self.name == MARKET:
                story.telling = Telling.of(signal, at)
            return (Arrival.WITHDRAWN if taken_back else arrival), story
        if arrival is Arrival.REPEATED or taken_back:
            return (arrival if arrival is Arrival.REPEATED else Arrival.WITHDRAWN), story
        if arrival is Arrival.CORRECTION:
            self._correct(story, signal, fingerprint, negative=negative)
        else:
            self.recents.copy(story, signal)
        if story.telling is not None:
            story.telling.add(signal, at)
        return arrival, story

    def _correct(self, story: Recent, signal: Signal, fingerprint: bytes, *, negative: bool) -> None:
        """Put the corrected article in the place of the former one; the story stays in its bin."""
        before, counted_in, named = self._tally_of(story), story.bin, story.news_id
        kept = self._uncount(story)
        self.recents.correct(story, signal, fingerprint, negative=negative)
        if kept is not None and story.weight >= self.rules.min_weight:
            self._count(story, kept)
        if counted_in is not None:
            if kept is None:
                # What the baseline has learned stays learned, and the story must not count a second time.
                story.bin = counted_in
            # What it said before, less what it says now.
            before.add(self._tally_of(story), -1)
            at = max(self.high or 0, micros_of(signal.published_at))
            self._take_back(story, counted_in, before, named, at)

    def _is_negative(self, signal: Signal) -> bool:
        return (
            signal.sentiment.negative >= self.rules.negative_probability
            or signal.score <= self.rules.negative_score
        )

    def _tally_of(self, story: Recent) -> Tally:
        """What a counted story adds to the counts; nothing for one that is not counted."""
        if story.bin is None:
            return Tally()
        positive = not story.negative and story.score >= -self.rules.negative_score
        return Tally.of(story.score, negative=story.negative, positive=positive)

    def _count(self, story: Recent, here: int) -> None:
        story.bin = here
        self.gauge.tallies.count(here, self._tally_of(story), story.number)
        self.recents.touch(story)

    def _uncount(self, story: Recent) -> int | None:
        """Take a story out of its bin, if that one is still kept; the bin, else None."""
        tally, here = self._tally_of(story), story.bin
        story.bin = None
        if here is None or not self.gauge.tallies.uncount(here, tally, story.number):
            return None
        return here

    def _take_back(self, story: Recent, counted_in: int, less: Tally, news_id: str, as_of: int) -> None:
        if not self.alarmed:
            return
        moment = self._moment(as_of, self.gauge.usual())
        for life in self.lives:
            alert = life.take_back(story.number, counted_in, less, moment, news_id)
            if alert is not None:
                self.said.append(alert)

    def _moment(self, as_of: int, usual: Usual) -> Moment:
        return Moment(
            series=self.name,
            model=self.model,
            bin=self.now,
            as_of=as_of,
            usual=usual,
            bins=self.bins,
            recents=self.recents,
            most=self.rules.evidence,
            positive_from=-self.rules.negative_score,
        )
