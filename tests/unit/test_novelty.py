from __future__ import annotations

import pytest
from watching import print_of, signal

from stream.events import Signal
from stream.watch.novelty import Arrival, Recents
from stream.watch.recent import Recent
from stream.watch.stories import Telling
from stream.watch.times import micros_of

HOUR = 3_600_000_000


def recents(capacity: int = 100) -> Recents:
    return Recents(capacity, 24 * HOUR, 0.55)


def arrive(into: Recents, each: Signal) -> tuple[Arrival, Recent]:
    """What a series does with an article, less the counting."""
    print_, time = bytes.fromhex(each.fingerprint), micros_of(each.published_at)
    into.age_to(time)
    arrival, story = into.recognise(each, print_, time)
    if story is None:
        return arrival, into.begin(each, print_, time, negative=True)
    if arrival is Arrival.CORRECTION:
        into.correct(story, each, print_, negative=True)
    elif arrival is Arrival.COPY:
        into.copy(story, each)
    return arrival, story


def test_an_article_that_is_delivered_twice_is_repeated() -> None:
    of = recents()
    assert arrive(of, signal(news_id="a"))[0] is Arrival.NOVEL
    assert arrive(of, signal(news_id="a", text="other words"))[0] is Arrival.REPEATED
    assert len(of) == 1


@pytest.mark.parametrize(("differing", "arrival"), [(0, "copy"), (28, "copy"), (29, "novel"), (64, "novel")])
def test_an_article_is_a_copy_from_the_share_of_equal_bytes_on(differing: int, arrival: str) -> None:
    of = recents()
    arrive(of, signal(text="words"))
    copy = signal(fingerprint=print_of("words", differing=differing))
    assert arrive(of, copy)[0] == arrival


def test_copies_add_publishers_to_the_story_but_no_story() -> None:
    of = recents()
    _, story = arrive(of, signal(news_id="a", text="words", source="alpha"))
    for number, source in enumerate(("beta", "alpha", "gamma")):
        arrive(of, signal(minute=number, text="words", source=source))
    assert (len(of), story.copies, story.sources) == (1, 4, ("alpha", "beta", "gamma"))
    assert (story.story_id, story.news_id, story.source) == ("a", "a", "alpha")


def test_the_same_words_a_day_later_are_a_new_story() -> None:
    #  0h ------------- 24h -- 24h01
    #  story            copy   novel: the first one has left the memory
    of = recents()
    arrive(of, signal(text="words"))
    assert arrive(of, signal(text="words", minute=24 * 60))[0] is Arrival.COPY
    assert arrive(of, signal(text="words", minute=24 * 60 + 1))[0] is Arrival.NOVEL
    assert len(of) == 1


def test_a_story_that_a_younger_one_keeps_in_memory_is_still_too_old_to_be_copied() -> None:
    of = recents()
    arrive(of, signal(text="young", minute=60))
    arrive(of, signal(text="old", minute=0))
    assert arrive(of, signal(text="old", minute=24 * 60 + 30))[0] is Arrival.NOVEL


def test_a_template_filled_in_for_another_company_is_no_copy() -> None:
    of = recents()
    first = signal("market", text="shares fall 3 %", companies=("AAPL", "MSFT"))
    _, story = arrive(of, first)
    story.telling = Telling.of(first, 0)
    assert arrive(of, signal("market", text="shares fall 3 %", companies=("TSLA",)))[0] is Arrival.NOVEL
    assert arrive(of, signal("market", text="shares fall 3 %", companies=("MSFT",)))[1] is story
    assert arrive(of, signal("market", text="shares fall 3 %"))[1] is story


def test_the_oldest_story_leaves_when_there_are_too_many() -> None:
    of = recents(capacity=3)
    for name in "abcd":
        arrive(of, signal(news_id=name, text=name))
    assert [story.news_id for story in of] == ["b", "c", "d"]
    assert of.by_id("a") is None
    assert arrive(of, signal(text="a"))[0] is Arrival.NOVEL


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    of = recents()
    arrive(of, signal(news_id="a", text="words"))
    arrival, story = arrive(
        of, signal(news_id="b", revises="a", status="corrected", text="better", weight=0.5)
    )
    assert (arrival, len(of), story.news_id, story.story_id, story.weight) == (
        Arrival.CORRECTION,
        1,
        "b",
        "a",
        0.5,
    )
    assert story.copies == 1
    assert arrive(of, signal(text="better"))[0] is Arrival.COPY
    assert arrive(of, signal(news_id="c", revises="b", status="corrected"))[0] is Arrival.CORRECTION
    assert arrive(of, signal(news_id="d", revises="a", status="corrected"))[0] is Arrival.CORRECTION
    assert arrive(of, signal(news_id="b", revises="a", status="corrected"))[0] is Arrival.REPEATED


def test_an_article_that_comes_after_its_correction_adds_nothing() -> None:
    of = recents()
    assert arrive(of, signal(news_id="b", revises="a", status="corrected"))[0] is Arrival.NOVEL
    assert arrive(of, signal(news_id="a"))[0] is Arrival.REPEATED
    assert [story.news_id for story in of] == ["b"]


def test_a_correction_of_a_copy_takes_the_place_of_that_copy_and_changes_nothing_else() -> None:
    of = recents()
    first = signal("market", news_id="a", text="words", weight=0.9)
    _, story = arrive(of, first)
    story.telling = Telling.of(first, micros_of(first.published_at))
    for news_id in ("copy", "other"):
        copy = signal("market", news_id=news_id, text="words", source=news_id)
        arrive(of, copy)
        story.telling.add(copy, micros_of(copy.published_at))
    better = signal(news_id="b", revises="copy", status="corrected", weight=0.1, source="copy")
    assert arrive(of, better)[0] is Arrival.COPY
    story.telling.add(better, micros_of(better.published_at))
    assert (story.weight, story.copies) == (0.9, 3)
    assert [member.news_id for member in story.members] == ["a", "b", "other"]
    assert story.telling.heat == pytest.approx(3.0)
    assert of.by_id("copy") is None


def test_copies_of_the_uncorrected_and_of_the_corrected_text_tell_the_same_story() -> None:
    of = recents()
    _, story = arrive(of, signal(news_id="a", text="EPS 1.20"))
    arrive(of, signal(news_id="b", revises="a", status="corrected", text="EPS 1.02"))
    arrive(of, signal(news_id="c", revises="b", status="corrected", text="EPS 1.03"))
    for text in ("EPS 1.20", "EPS 1.03"):
        assert arrive(of, signal(text=text)) == (Arrival.COPY, story)
    assert arrive(of, signal(text="EPS 1.02"))[0] is Arrival.NOVEL, "only the latest correction is remembered"


def test_a_corrected_story_is_known_by_both_texts_after_a_restart() -> None:
    of = recents()
    _, story = arrive(of, signal(news_id="a", text="wrong"))
    arrive(of, signal(news_id="b", revises="a", status="corrected", text="right"))
    again = recents()
    again.first = again.next = story.number
    again.put(story)
    for text in ("wrong", "right"):
        each = signal(text=text)
        print_ = bytes.fromhex(each.fingerprint)
        assert again.recognise(each, print_, micros_of(each.published_at)) == (Arrival.COPY, story)
    again.age_to(micros_of(signal(minute=25 * 60).published_at))
    assert len(again) == 0


def test_a_copy_that_is_taken_back_takes_its_publisher_along() -> None:
    of = recents()
    _, story = arrive(of, signal(news_id="a", text="words", source="alpha"))
    arrive(of, signal(news_id="b", text="words", source="beta"))
    assert of.drop_copy(story, "b")
    assert (story.copies, story.sources) == (1, ("alpha",))
    assert of.by_id("b") is None
    assert not of.drop_copy(story, "a")


def test_the_articles_of_a_story_are_bounded() -> None:
    of = recents()
    _, story = arrive(of, signal(news_id="a", text="words"))
    for number in range(50):
        arrive(of, signal(news_id=f"copy{number}", text="words", source=f"wire {number}"))
    assert (story.copies, len(story.members), len(story.sources)) == (51, 32, 32)
    arrive(of, signal(news_id="better", revises="a", status="corrected", text="words"))
    assert (len(story.members), story.news_id, story.story_id) == (32, "better", "a")
    assert of.by_id("copy0") is None
    arrive(of, signal(minute=25 * 60))
    assert [each.story_id for each in of] != ["a"]


def test_what_changed_names_the_chunks_to_write_and_those_that_are_gone() -> None:
    of = recents(capacity=8)
    for number in range(9):
        arrive(of, signal(news_id=f"a{number}"))
    assert (of.changes.written, of.changes.gone) == ({0, 1}, set())
    for number in range(7):
        arrive(of, signal(news_id=f"b{number}"))
    assert of.changes.gone == {0}
    assert [story.news_id for story in of.chunk(1)] == ["a8", *(f"b{number}" for number in range(7))]
    assert of.chunks() == {1}
