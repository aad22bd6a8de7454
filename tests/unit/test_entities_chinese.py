"""Companies in Chinese texts: names without blanks around them, and codes of shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.score.entities import CompanyTagger
from stream.score.entities.codes import code_of, find_codes

TAGGER = CompanyTagger.default()


def tagged(headline: str, *tickers: str, body: str | None = None) -> str:
    return " ".join(mention.id for mention in TAGGER.tag(headline, body, tickers))


@pytest.mark.parametrize(
    ("headline", "companies"),
    [
        ("贵州茅台股价创历史新高", "600519.SS"),
        ("【宁德时代：拟投资建设新工厂】", "300750.SZ"),
        ("受消息影响，比亚迪、长城汽车、赛力斯跟涨", "002594.SZ 601633.SS 601127.SS"),
        ("万科A跌超5%，招商蛇口跟跌", "000002.SZ 001979.SZ"),
        ("顺丰控股(sz002352)披露三季报", "002352.SZ"),
        ("顺丰控股（\uff10\uff10\uff12\uff13\uff15\uff12）披露三季报", "002352.SZ"),
        ("公司证券代码：600519，今日停牌", "600519.SS"),
        ("一家公司（600519.SH）发布公告", "600519.SS"),
        ("中国工商银行下调存款利率", "601398.SS"),
        ("ＴＣＬ科技获机构调研", "000100.SZ"),
        ("tcl科技获机构调研", "000100.SZ"),
        ("特斯拉宣布降价，英伟达大涨", "TSLA NVDA"),
        ("市场消息：苹果公司（AAPL.O）提交合规计划", "AAPL"),
        ("Take-Two宣布与Nvidia合作", "TTWO NVDA"),
        ("机器人股份公司公告", "300024.SZ"),
        ("机器人（300024）：中标新项目", "300024.SZ"),
        ("两面针：上半年净利润增长", "600249.SS"),
        ("今日买入两面针的机构增多", "600249.SS"),
        ("多股涨停，比亚迪、两面针、徐工机械领涨", "002594.SZ 600249.SS 000425.SZ"),
        ("两面针、比亚迪领涨", "600249.SS 002594.SZ"),
    ],
)
def test_the_companies_of_a_chinese_headline_are_named_in_their_order(headline: str, companies: str) -> None:
    assert tagged(headline) == companies


@pytest.mark.parametrize(
    "headline",
    [
        "机器人产业迎来政策利好",
        "光伏太阳能板块走高",
        "农产品价格指数公布",
        "数字人民币试点扩大",
        "中国银行业协会发布报告",
        "中国银行间市场交易商协会",
        "老百姓关心的民生问题",
        "跨太平洋伙伴关系协定",
        "去年中国电影票房超过四百亿",
        "连云港徐圩新区投资新建项目",
        "苹果期货主力合约收跌",
        "央行开展600519万元逆回购",
        "成交额达300750元",
        "（新华网）记者报道",
        "上证指数（000001.SH）收涨",
        "比亚迪电子发布业绩",
        "牙膏品牌两面针的故事",
        "东方红太阳公告",
        "工业、机器人、农产品板块领涨",
        "工业机器人公司增多",
    ],
)
def test_an_ordinary_word_or_figure_is_not_taken_for_a_share(headline: str) -> None:
    assert tagged(headline) == ""


def test_places_are_characters_of_the_headline() -> None:
    headline = "早盘：贵州茅台（600519.SH）涨3%"
    (mention,) = TAGGER.tag(headline, None, ())
    assert mention.start is not None
    assert headline[mention.start : mention.end] == "贵州茅台"
    assert (mention.name, mention.relevance) == ("贵州茅台", 1.0)


@pytest.mark.parametrize(
    "ticker",
    [
        "600519",
        "600519.SH",
        "600519.SS",
        "SH600519",
        "sh600519",
        "SSE:600519",
        "SH:600519",
        "$600519",
        "XSHG:600519",
    ],
)
def test_all_spellings_of_a_publishers_code_are_one_company(ticker: str) -> None:
    assert tagged("白酒板块走强", ticker) == "600519.SS"


def test_codes_of_other_exchanges_stay_what_they_are() -> None:
    assert tagged("Chip maker gains", "005930.KS") == "005930.KS"
    assert tagged("Chip maker gains", "KRX:000651") == "000651"
    assert tagged("Six digits that nobody has", "999999") == "999999"
    assert tagged("A new listing", "sz399999") == "399999.SZ"


def test_a_publishers_code_is_evidence_for_a_name_that_is_a_word() -> None:
    (mention,) = TAGGER.tag("机器人订单创新高", None, ("300024.SZ",))
    assert (mention.id, mention.start, mention.end) == ("300024.SZ", 0, 3)


def test_a_broker_that_speaks_of_another_company_matters_little() -> None:
    mentions = TAGGER.tag("中信证券：维持贵州茅台买入评级", None, ())
    assert [(each.id, each.relevance) for each in mentions] == [("600030.SS", 0.3), ("600519.SS", 1.0)]
    own = TAGGER.tag("中信证券：上半年净利润增长", None, ())
    assert [(each.id, each.relevance) for each in own] == [("600030.SS", 1.0)]


def test_a_code_in_an_english_text_needs_its_exchange() -> None:
    assert tagged("Kweichow Moutai (600519.SS) falls") == "600519.SS"
    assert tagged("Output of 600519 units, order (600519) done") == ""


def test_the_body_is_searched_too() -> None:
    assert tagged("白酒板块走强", body="其中贵州茅台涨停") == "600519.SS"


def test_a_table_of_ones_own_may_hold_chinese_names(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("id,name,words,unless\n0700.HK,腾讯控股,腾讯控股|鹅厂,音乐|在~\n", encoding="utf-8")
    tagger = CompanyTagger.default([own])
    assert [each.id for each in tagger.tag("腾讯控股公告回购", None, ())] == ["0700.HK"]
    assert not tagger.tag("在腾讯控股公告回购", None, ())
    assert not tagger.tag("腾讯控股音乐公告", None, ())
    own.write_text("id,name\n1.HK,长\n", encoding="utf-8")
    with pytest.raises(UsageError, match="the name '长' has 1 characters: give 2 to 12"):
        CompanyTagger.from_csv([own])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("SH600519 sz.000001 BJ 920002", ["600519.SS", "000001.SZ", "920002.BJ"]),
        ("600519.sh，000001.SZ", ["600519.SS", "000001.SZ"]),
        ("（688981）(300750)代码830799", ["688981.SS", "300750.SZ", "830799.BJ"]),
        ("1600519.SH 600519.SHX XSH600519 （6005190）（700519）", []),
        ("no figure", []),
    ],
)
def test_codes_are_found_with_their_exchange_or_where_one_is_announced(text: str, codes: list[str]) -> None:
    assert [code for code, *_ in find_codes(text)] == codes


def test_an_id_is_never_a_us_ticker() -> None:
    assert code_of("AAPL") is None
    assert code_of("12345") is None
    assert code_of("830799") == "830799.BJ"
