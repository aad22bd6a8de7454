"""One series: what its articles mean for its counts, its baseline and its alerts.

Time in a series is a bin number, `now`. It passes when an article of the series says so, or while an alert is
open also when the partition's clock or a withdrawal says so. It passes one bin after the other wherever something
is decided in between, and what is decided depends on the bin alone: to pass to 10 and then to 20 is to pass to 20.
"""

from __future__ import annotations

from stream.events import MARKET, Alert, Signal
from stream.watch.alerts import Lifecycle
from stream.watch.baseline import Baseline, Bin
from stream.watch.kinds import kind_of, prior_of
from stream.watch.moment import Moment
from stream.watch.novelty import Arrival, Recents
from stream.watch.recent import Recent
from stream.watch.rules import WatchRules
from stream.watch.stories import Telling
from stream.watch.surge import Detector, Window
from stream.watch.times import micros_of

_MAX_NAMED = 256
"""How many negative stories of one bin can become evidence."""


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
        self._bin_micros, self._horizon, self._kept = rules.bin_micros, rules.horizon_bins, rules.kept_bins
        self._lateness, self._memory = rules.lateness_micros, rules.memory_micros
        self.now = born
        self.high: int | None = None
        self.model = ""
        self.bins: dict[int, Bin] = {}
        self.baseline = Baseline(prior_of(name, rules), rules)
        capacity = rules.market_capacity if name == MARKET else rules.capacity
        self.recents = Recents(capacity, self._memory, rules.likeness)
        self.lives = tuple(Lifecycle(detector, rules) for detector in detectors)
        self.said: list[Alert] = []

    @property
    def alarmed(self) -> bool:
        """Whether an alert is open."""
        return any(life.open is not None for life in self.lives)

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
        self._judge(self.high)
        return arrival, story

    def withdraw(self, news_id: str, at: int) -> Recent | None:
        """An article is taken back. The story it was part of, or None if the series does not remember it.

        The story's own article takes the whole story with it, whatever copies remain; a copy takes only itself.
        """
        story = self.recents.by_id(news_id)
        if story is None or story.withdrawn:
            return None
        self.pass_open(at // self._bin_micros)
        if self.recents.drop_copy(story, news_id):
            return story
        before, counted_in, named = _share_of(story, self.rules), story.bin, story.news_id
        self._uncount(story)
        story.withdrawn = True
        self.recents.touch(story)
        if counted_in is not None:
            self._take_back(story, counted_in, before, named, max(self.high or at, at))
        return story

    def pass_to(self, bin_number: int) -> None:
        """Let time pass to a bin; no-op if it is not ahead."""
        while self.now < bin_number:
            self._step(bin_number)

    def pass_open(self, bin_number: int) -> None:
        """Let time pass to a bin, or until no alert is open, whichever comes first."""
        while self.now < bin_number and self.alarmed:
            self._step(bin_number)

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
        before, counted_in, named = _share_of(story, self.rules), story.bin, story.news_id
        kept = self._uncount(story)
        self.recents.correct(story, signal, fingerprint, negative=negative)
        if kept is not None and story.weight >= self.rules.min_weight:
            self._count(story, kept)
        if counted_in is not None:
            if kept is None:
                # What the baseline has learned stays learned, and the story must not count a second time.
                story.bin = counted_in
            after = _share_of(story, self.rules)
            at = max(self.high or 0, micros_of(signal.published_at))
            self._take_back(story, counted_in, before - after, named, at)

    def _is_negative(self, signal: Signal) -> bool:
        return (
            signal.sentiment.negative >= self.rules.negative_probability
            or signal.score <= self.rules.negative_score
        )

    def _count(self, story: Recent, here: int) -> None:
        counted = self.bins.setdefault(here, Bin())
        story.bin = here
        counted.stories += 1
        counted.score += story.score
        counted.square += story.score * story.score
        if story.negative:
            counted.negative += 1
            if len(counted.members) < _MAX_NAMED:
                counted.members.append(story.number)
        self.recents.touch(story)

    def _uncount(self, story: Recent) -> int | None:
        """Take a story out of its bin, if that one is still kept; the bin, else None."""
        here, story.bin = story.bin, None
        counted = None if here is None else self.bins.get(here)
        if counted is None:
            return None
        counted.stories -= 1
        counted.score -= story.score
        counted.square -= story.score * story.score
        if story.negative:
            counted.negative -= 1
            if story.number in counted.members:
                counted.members.remove(story.number)
        return here

    def _step(self, bin_number: int) -> None:
        """Pass to the next bin where something is due, at most to `bin_number`."""
        if self.alarmed:
            self.now += 1
        else:
            due = min(self.bins, default=bin_number) + self._kept
            self.now = min(bin_number, max(self.now + 1, due))
        for old in sorted(number for number in self.bins if number <= self.now - self._kept):
            spared = any(life.spares(old, self._bin_micros) for life in self.lives)
            self.baseline.learn(old, self.bins.pop(old), spared=spared)
        if self.alarmed:
            self._judge(self.now * self._bin_micros, open_only=True)

    def _judge(self, as_of: int, *, open_only: bool = False) -> None:
        window = self._window()
        asked = [
            life
            for life in self.lives
            if life.open is not None or (not open_only and life.detector.may_alarm(window))
        ]
        if not asked:
            return
        moment = self._moment(as_of, window)
        for life in asked:
            alert = life.hear(life.detector.judge(window, moment.usual), moment)
            if alert is not None:
                self.said.append(alert)

    def _take_back(self, story: Recent, counted_in: int, less: Window, news_id: str, as_of: int) -> None:
        if not self.alarmed:
            return
        moment = self._moment(as_of, self._window())
        for life in self.lives:
            alert = life.take_back(story.number, counted_in, less, moment, news_id)
            if alert is not None:
                self.said.append(alert)

    def _window(self) -> Window:
        stories = negative = 0
        score = 0.0
        # In the order of time, not of arrival: a sum of floats must come out the same after a restart.
        for number in sorted(self.bins):
            if number > self.now - self._horizon:
                counted = self.bins[number]
                stories += counted.stories
                negative += counted.negative
                score += counted.score
        return Window(self._horizon, stories, negative, score)

    def _moment(self, as_of: int, window: Window) -> Moment:
        usual = self.baseline.usual(self.now - self._kept)
        return Moment(
            series=self.name,
            model=self.model,
            bin=self.now,
            as_of=as_of,
            window=window,
            usual=usual,
            bins=self.bins,
            recents=self.recents,
            most=self.rules.evidence,
        )


def _share_of(story: Recent, rules: WatchRules) -> Window:
    """What a counted story adds to a window."""
    if story.bin is None:
        return Window(rules.horizon_bins)
    return Window(rules.horizon_bins, 1, int(story.negative), story.score)
