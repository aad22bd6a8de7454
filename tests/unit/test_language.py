"""Which language an article is in."""

from __future__ import annotations

import pytest

from stream.score.language import UNKNOWN, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Apple beats estimates", "en"),
        ("Société Générale relève ses prévisions", "en"),
        ("苹果公司季度利润超出预期", "zh"),
        ("比亚迪:净利润同比增长20%", "zh"),
        ("Take-Two Interactive 宣布收购 Zynga，交易额 110 亿美元", "zh"),
        ("鴻海精密第三季營收創新高", "zh"),
        ("Alibaba (阿里巴巴) shares slide in Hong Kong after results", "en"),
        ("トヨタ自動車、通期見通しを上方修正", "ja"),
        ("周末の市场综述：A股三大指数集体上涨", "zh"),
        ("삼성전자 3분기 영업이익 증가", "ko"),
        ("\uff21\uff30\uff30\uff2c\uff25", "en"),
        ("Газпром увеличил дивиденды", UNKNOWN),
        ("+3.5% 🚀", UNKNOWN),
        ("", UNKNOWN),
        ("2 700,5 €", UNKNOWN),
    ],
)
def test_the_script_tells_the_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("declared", "language"),
    [
        ("zh", "zh"),
        ("zh-Hant-TW", "zh"),
        ("ZH_cn", "zh"),
        (" zho ", "zh"),
        ("cmn-Hans", "zh"),
        ("ja", "ja"),
    ],
)
def test_a_sane_tag_wins_and_only_its_language_counts(declared: str, language: str) -> None:
    assert language_of("東京電力株価上昇", declared) == language


@pytest.mark.parametrize("declared", ["", "  ", "und", "mul", "Chinese (simplified)", "x", "-", "en\n", None])
def test_a_tag_that_says_nothing_leaves_it_to_the_script(declared: str | None) -> None:
    assert language_of("央行加息", declared) == "zh"


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [("央行加息25个基点", "en-US", "zh"), ("Apple beats estimates", "zh", "en"), ("Hello", "ja", "en")],
)
def test_a_tag_that_the_script_contradicts_is_not_believed(text: str, declared: str, language: str) -> None:
    assert language_of(text, declared) == language


def test_a_language_that_shares_its_script_with_others_is_believed() -> None:
    assert language_of("Société Générale relève ses prévisions", "fr-FR") == "fr"
    assert language_of("Газпром увеличил дивиденды", "ru") == "ru"


def test_a_text_without_letters_has_the_language_it_is_declared_in() -> None:
    assert language_of("600519 +3.5%", "zh") == "zh"


def test_only_the_beginning_is_looked_at() -> None:
    assert language_of("a" * 300 + "中" * 10_000) == "en"
