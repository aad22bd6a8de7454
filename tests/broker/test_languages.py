"""Two releases in force at once on a real broker: each language is read by its own."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from monitoring import article, kept, put_tiny_release, running, send, settings_for, until, value
from tiny_release import tiny_release

from models.store import ReleaseStore
from stream.bus import Connection
from stream.events import ScoredNews
from stream.releases import announce, make_note
from stream.topics import SCORED

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """`production` is tiny@1.0.0, `chinese` is tiny@2."""
    put_tiny_release(tmp_path)
    store = ReleaseStore(str(tmp_path / "releases"), cache=tmp_path / "cache")
    store.publish(tiny_release(tmp_path / "second", "2", seed=2))
    store.set_alias("chinese", "tiny", "2")
    return store


async def readers(connection: Connection) -> Counter[tuple[str, str]]:
    """Which release read the articles of each language, as their ids tell it, and how many."""
    scored = [
        ScoredNews.model_validate_json(each.value or b"") for each in await kept(connection, SCORED.name)
    ]
    return Counter((each.id.partition("-")[0], each.model) for each in scored)


async def test_each_language_is_read_by_its_release_once_and_one_is_swapped_without_the_other(
    tmp_path: Path, embedded: Connection, store: ReleaseStore
) -> None:
    settings = settings_for(tmp_path, embedded, releases__languages="zh=chinese", releases__follow=True)
    news = [
        each
        for n in range(20)
        for each in (
            article(f"en-{n}", NOW, f"profit up in quarter {n}"),
            article(f"zh-{n}", NOW, f"\u516c\u53f8\u51c0\u5229\u6da6\u589e\u957f{n}%"),
            article(f"fr-{n}", NOW, f"le dividende monte de {n} centimes", language="fr"),
        )
    ]
    async with running(settings, embedded) as monitor:
        await send(embedded, news)
        await until(lambda: value(monitor, "newstide_news_in_total") == 60)
        expected = Counter({("en", "tiny@1.0.0"): 20, ("zh", "tiny@2"): 20, ("fr", "tiny@1.0.0"): 20})
        assert await readers(embedded) == expected
        third = tiny_release(tmp_path / "third", "3", seed=3)
        store.publish(third)
        store.set_alias("chinese", "tiny", "3")
        note = make_note(third, alias="chinese", action="promote", by="ada", at=NOW)
        await announce(embedded, note)
        await until(
            lambda: (
                value(
                    monitor,
                    "newstide_language_model_info",
                    {"language": "zh", "name": "tiny", "version": "3"},
                )
                == 1
            )
        )
        await send(embedded, news[:3])
        await until(lambda: value(monitor, "newstide_news_in_total") == 63)
        async with httpx.AsyncClient(base_url=monitor.metrics_url or "", trust_env=False) as web:
            checks = json.loads((await web.get("/readyz")).text)["checks"]
        assert value(monitor, "newstide_model_info", {"name": "tiny", "version": "1.0.0"}) == 1
        assert value(monitor, "newstide_news_language_total", {"language": "zh"}) == 21
    more = Counter({("en", "tiny@1.0.0"): 1, ("zh", "tiny@3"): 1, ("fr", "tiny@1.0.0"): 1})
    assert await readers(embedded) == expected + more
    assert {"name": "score.model", "ok": True, "reason": "tiny@1.0.0; zh: tiny@3"} in checks
