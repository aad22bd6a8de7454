"""What is read out of feeds, without any HTTP."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UsageError
from stream.events import NewsItem
from stream.metrics.sources import FEED_OUTCOMES
from stream.sources import memory as memory_module
from stream.sources.draft import MAX_BODY, MAX_HEADLINE, MAX_ID
from stream.sources.entries import MAX_ENTRIES, FeedPage, read_entries
from stream.sources.feed import Feed
from stream.sources.fetch import NO_VALIDATORS, Validators
from stream.sources.inflate import Inflater
from stream.sources.markup import plain_text
from stream.sources.memory import MOST_VERSIONS, FeedMemory
from stream.sources.outcome import FeedError, Outcome
from stream.sources.turns import Manners

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FEED = Feed("https://www.news.test/feeds/markets.xml")
DATED = "<pubDate>Mon, 02 Mar 2026 14:30:00 GMT</pubDate>"


def read(xml: str | bytes, content_type: str = "application/rss+xml", feed: Feed = FEED) -> FeedPage:
    return read_entries(xml if isinstance(xml, bytes) else xml.encode(), content_type, feed, NOW)


def rss(*items: str) -> str:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel><title>T</title>{inner}</channel></rss>'


def one(item: str) -> NewsItem:
    (read_item,) = read(rss(item)).items
    return read_item


# What an article says


def test_atom_gives_id_link_body_and_the_time_it_was_published() -> None:
    page = read(
        """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry>
        <id>tag:news.test,2026:7</id><title type="html">Profit &amp;lt; 5% &lt;b&gt;down&lt;/b&gt;</title>
        <link href="/a/7"/><published>2026-03-02T09:30:00-05:00</published>
        <updated>2026-03-02T14:45:00Z</updated>
        <content type="html">&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</content></entry></feed>"""
    )

    (item,) = page.items
    assert item == NewsItem(
        id="tag:news.test,2026:7",
        source="www.news.test",
        published_at=datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        headline="Profit < 5% down",
        body="One Two",
        url="https://www.news.test/a/7",
    )


def test_an_article_without_a_title_has_the_beginning_of_its_text_as_headline() -> None:
    item = one(f"<description>{'so ' * 600}</description>")

    assert item.headline == ("so " * 600)[:MAX_HEADLINE].strip()
    assert item.body == ("so " * 600).strip()
    assert one("<description>short</description>").body is None


def test_headline_and_body_are_cut_at_their_bounds() -> None:
    item = one(f"<title>{'x' * 5000}</title><description>{'y' * 70_000}</description>")

    assert (len(item.headline), len(item.body or "")) == (MAX_HEADLINE, MAX_BODY)


def test_articles_without_anything_to_see_are_skipped_and_counted() -> None:
    page = read(rss("<title>seen</title>", "<title>&#x200b; </title>", "<guid>urn:x:1</guid>", ""))

    assert ([item.headline for item in page.items], page.skipped) == (["seen"], 3)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (DATED, datetime(2026, 3, 2, 14, 30, tzinfo=UTC)),
        ("<pubDate>Mon, 02 Mar 2026 15:30:00 GMT</pubDate>", NOW),
        ("<pubDate>some day</pubDate>", NOW),
        ("<pubDate>some day</pubDate><a:updated>2026-03-01T00:00:00Z</a:updated>", NOW - timedelta(hours=39)),
        ("<a:updated>2026-03-01T00:00:00Z</a:updated>", NOW - timedelta(hours=39)),
        ("", NOW),
    ],
    ids=["published", "in the future", "unreadable", "unreadable, updated", "updated", "none"],
)
def test_the_time_is_when_it_was_published_and_never_later_than_when_it_was_fetched(
    dates: str, expected: datetime
) -> None:
    xml = rss(f"<title>x</title>{dates}").replace("<rss", '<rss xmlns:a="http://www.w3.org/2005/Atom"')

    assert read(xml).items[0].published_at == expected


def test_a_time_that_no_calendar_holds_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calendar.timegm", lambda _: 10**18)

    assert one(f"<title>x</title>{DATED}").published_at == NOW


def test_articles_come_by_their_times() -> None:
    dates = ["03 Feb 2026 10:00:00", "01 Feb 2026 10:00:00", "02 Feb 2026 10:00:00"]
    page = read(rss(*(f"<title>{date}</title><pubDate>{date} GMT</pubDate>" for date in dates)))

    assert [item.headline for item in page.items] == sorted(dates)


def test_links_that_do_not_lead_to_the_web_are_left_out() -> None:
    for link in ("javascript:alert(1)", "file:///etc/passwd", "http://[::1", f"http://x/{'a' * 2048}"):
        assert one(f"<title>x</title><link>{link}</link>").url is None
    assert one("<title>x</title><link> ../a b?x=1&amp;copy=2 </link>").url == (
        "https://www.news.test/a%20b?x=1&copy=2"
    )


def test_a_language_that_is_none_is_left_out() -> None:
    for language, kept in (("en-GB", "en-GB"), ("english, please", None), ("", None)):
        xml = rss("<title>x</title>").replace("<item>", f"<language>{language}</language><item>")
        assert read(xml).items[0].language == kept


# What an article is called


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("<guid>https://a.test/1?x=1&amp;copy=2</guid>", "https://a.test/1?x=1&copy=2"),
        ("<guid isPermaLink='false'>urn:uuid:1</guid>", "urn:uuid:1"),
        ("<guid isPermaLink='false'>tag:a.test,2026:1</guid>", "tag:a.test,2026:1"),
        ("<guid isPermaLink='false'>123</guid>", "www.news.test:123"),
        ("<guid isPermaLink='false'> 1\n2 </guid>", "www.news.test:1 2"),
        ("<link>https://a.test/1</link>", "https://a.test/1"),
    ],
)
def test_the_id_is_the_guid_else_the_link_and_a_local_guid_gets_the_host(names: str, expected: str) -> None:
    assert one(f"<title>x</title>{names}").id == expected


def test_without_guid_and_link_the_id_is_a_hash_of_source_title_and_time() -> None:
    item = one(f"<title>x</title>{DATED}")

    assert item.id.startswith("sha256:")
    assert item.id == one(f"<title>x</title>{DATED}<description>changed</description>").id
    assert item.id != one(f"<title>y</title>{DATED}").id
    assert item.id != one("<title>x</title>").id
    assert (
        one("<title>x</title>").id
        == read_entries(rss("<title>x</title>").encode(), "", FEED, NOW).items[0].id
    )


def test_an_id_that_is_too_long_is_hashed_and_leaves_room_for_corrections() -> None:
    long = one(f"<title>x</title><guid>https://a.test/{'a' * MAX_ID}</guid>")
    fits = one(f"<title>x</title><guid>https://a.test/{'a' * (MAX_ID - 15)}</guid>")

    assert long.id.startswith("sha256:")
    assert len(fits.id) == MAX_ID


def test_a_guid_that_several_articles_bear_names_none_of_them() -> None:
    same = "<guid isPermaLink='false'>home</guid><link>https://news.test/</link>"
    page = read(rss(f"<title>a</title>{same}", f"<title>b</title>{same}", f"<title>b</title>{same}"))

    assert len({item.id for item in page.items}) == len(page.items) == 2
    assert all(item.id.startswith("sha256:") for item in page.items)


# What a document is


def test_only_the_newest_of_a_very_long_feed_are_read() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    items = (
        f"<title>n{n}</title><pubDate>{start + timedelta(minutes=n):%d %b %Y %H:%M:%S} GMT</pubDate>"
        for n in range(MAX_ENTRIES + 5)
    )
    page = read(rss(*items))

    assert (len(page.items), page.skipped, page.items[0].headline) == (MAX_ENTRIES, 5, "n5")


def test_utf8_is_read_as_utf8_whatever_the_server_says() -> None:
    xml = rss("<title>Zürich: Börse €</title>")

    for content_type in ("text/html", "text/xml; charset=iso-8859-1", ""):
        assert read(xml, content_type).items[0].headline == "Zürich: Börse €"


def test_other_encodings_are_read_as_they_are_declared() -> None:
    body = rss("<title>Zürich</title>")
    latin = f'<?xml version="1.0" encoding="iso-8859-1"?>{body}'.encode("latin-1")

    assert read(latin).items[0].headline == "Zürich"
    assert read(body.encode("utf-16")).items[0].headline == "Zürich"


def test_broken_xml_that_ends_as_it_should_gives_all_its_articles_and_its_flaw() -> None:
    page = read(rss("<title>a & b</title>", "<title>c</title>"))

    assert {item.headline for item in page.items} == {"a & b", "c"}
    assert page.flaw is not None
    assert page.flaw.startswith("the XML is broken")


def test_broken_xml_that_is_large_is_not_salvaged() -> None:
    with pytest.raises(FeedError, match="are salvaged") as caught:
        read(rss(f"<title>a & b</title><description>{'x' * (1 << 20)}</description>"))

    assert caught.value.outcome is Outcome.MALFORMED


def test_what_the_parser_itself_stumbles_over_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise AssertionError("lost in a tag")

    monkeypatch.setattr("feedparser.parse", stumble)

    with pytest.raises(FeedError, match="AssertionError: lost in a tag") as caught:
        read(rss())
    assert caught.value.outcome is Outcome.MALFORMED


def test_entities_that_multiply_are_not_expanded() -> None:
    bomb = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(b)} "{f"&{chr(b - 1)};" * 10}">' for b in range(ord("b"), ord("j"))
    )
    xml = f"<?xml version='1.0'?><!DOCTYPE rss [{bomb}]>" + rss("<title>x &i;</title>")

    assert all(len(item.headline) <= MAX_HEADLINE for item in read(xml).items)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_bytes_there_are_items_or_a_reason(noise: bytes, inside: bool) -> None:  # noqa: FBT001  (drawn)
    content = rss("<title>MARK</title>").encode().replace(b"MARK", noise) if inside else noise
    try:
        page = read(content)
    except FeedError as error:
        assert error.outcome in {Outcome.MALFORMED, Outcome.NOT_A_FEED}  # noqa: PT017  (either is right)
    else:
        assert all(NewsItem.model_validate_json(item.to_json()) == item for item in page.items)


# Markup


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("AT&amp;T, R&D", "AT&T, R&D"),
        ("AT&amp;amp;T", "AT&T"),
        ("<b>Micro</b>soft", "Microsoft"),
        ("<p>one</p><p>two<br/>three</p>", "one two three"),
        ("a<script>if (a < b) alert('<b>')</script>b<style>p{}</style>c", "a b c"),
        ("a <script>never closed", "a"),
        ("&lt;script&gt;x&lt;/script&gt;y", "y"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        ("<<b>b>bold", "bold"),
        ('<a title="a > b">c</a> <a href="<x>', "c"),
        ("<script/>a</script>b", "a b"),
        ("a <!-- never closed", "a"),
        ("a <!-- b --> c <![CDATA[d]]> e", "a c e"),
        ("a <![if IE]>b<![endif]> c", "a b c"),
        ("one\n\ttwo\x00\x07three\xa0four", "one two three four"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("&amp;amp;amp;amp;lt;b&amp;amp;amp;amp;gt;", "&amp;lt;b&amp;gt;"),
    ],
)
def test_markup_becomes_text(source: str, expected: str) -> None:
    assert plain_text(source, 100) == expected


PIECES = ["<b>", "<", ">", "b", "a", "l", "t", "/", "!", "--", "&", "&lt;", "&amp;", "?", '"', " "]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_markup_is_left_whatever_came(source: str) -> None:
    text = plain_text(source, 50)

    assert len(text) <= 50
    assert not any(f"<{start}" in text for start in ("a", "b", "l", "t", "/a", "!", "?"))


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<!", "<!--", "</", "&", "<script>", "<a b='", '<a b="', "<a b=\"'", "&#"]
)
def test_markup_made_to_be_slow_takes_time_in_proportion_to_its_length(piece: str) -> None:
    began = time.process_time()
    plain_text(piece * (300_000 // len(piece)), 100)

    assert time.process_time() - began < 5.0


# Memory


def item(item_id: str, headline: str = "x") -> NewsItem:
    return NewsItem(id=item_id, source="s", published_at=NOW, headline=headline)


def test_memory_survives_being_written_and_read() -> None:
    memory = FeedMemory()
    validators = Validators('"1"', None)
    assert memory.remember([item("a"), item("b")], validators)

    again = FeedMemory.from_json(memory.to_json())

    assert again.validators == validators
    assert [news.id for news in again.news_in([item("a"), item("c"), item("b")])] == ["c"]
    assert not again.remember([item("b")], validators)


def test_asking_what_is_news_changes_nothing() -> None:
    memory = FeedMemory()

    assert memory.news_in([item("a")]) == memory.news_in([item("a")]) == [item("a")]


def test_memory_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="another version"):
        FeedMemory.from_json('{"format":2}')


def test_the_articles_seen_longest_ago_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MOST_REMEMBERED", 2)
    memory = FeedMemory()
    for seen in ("a", "b", "a", "c"):
        memory.remember([item(seen)], NO_VALIDATORS)

    assert [news.id for news in memory.news_in([item("a"), item("b"), item("c")])] == ["b"]


def test_an_article_that_changes_without_end_is_given_up() -> None:
    memory = FeedMemory()
    sent = []
    for n in range(MOST_VERSIONS + 5):
        sent += memory.news_in([item("a", f"version {n}")])
        memory.remember([item("a", f"version {n}")], NO_VALIDATORS)

    assert len(sent) == MOST_VERSIONS
    assert [later.revises for later in sent[1:]] == [before.id for before in sent[:-1]]


def test_a_correction_still_fits_the_contract() -> None:
    memory = FeedMemory()
    memory.remember([item("a" * MAX_ID)], NO_VALIDATORS)

    (correction,) = memory.news_in([item("a" * MAX_ID, "y")])

    assert NewsItem.model_validate(correction.model_dump()) == correction


# Feeds, limits, manners


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.test/x",
        "a.test/feed",
        "http://",
        "",
        "http://[::1",
        f"http://a.test/{'a' * 2048}",
    ],
)
def test_only_addresses_on_the_web_are_feeds(url: str) -> None:
    with pytest.raises(UsageError, match="feed"):
        Feed(url)


def test_a_feed_with_a_wrong_interval_or_source_is_refused() -> None:
    with pytest.raises(UsageError, match=r"every 0\.5 s"):
        Feed("http://a.test", every=timedelta(seconds=0.5))
    for source in ("", "  ", "x" * 257):
        with pytest.raises(UsageError, match="source is"):
            Feed("http://a.test", source=source)


def test_a_feed_is_shown_without_its_secrets() -> None:
    feed = Feed("https://ann:pa55@A.test/f?api_key=1&page=2&Token=3#x", source=" Wire ")

    assert feed.name == "https://A.test/f?api_key=…&page=2&Token=…#x"
    assert (feed.host, feed.publisher) == ("a.test", "Wire")


def test_a_rest_doubles_up_to_its_bound_and_is_never_shorter_than_the_interval() -> None:
    manners = Manners(longest_rest_seconds=300.0, jitter=0.5)

    assert [manners.rest(60.0, n, 0.0) for n in (0, 1, 2, 3, 4, 10_000)] == [60, 60, 120, 240, 300, 300]
    assert manners.rest(600.0, 3, 0.0) == 600
    assert manners.rest(60.0, 1, 0.999) < 90


def test_the_metrics_know_every_way_in_which_a_poll_can_end() -> None:
    assert sorted(FEED_OUTCOMES) == sorted(Outcome)


def test_what_comes_unpacked_or_packed_is_bounded_to_the_byte() -> None:
    for encoding, data in (("", b"x" * 100), ("gzip", gzip.compress(b"x" * 100))):
        fits = Inflater(encoding, 100)
        fits.feed(data)
        assert fits.result() == b"x" * 100
        with pytest.raises(FeedError, match="more than 99 bytes"):
            Inflater(encoding, 99).feed(data)
