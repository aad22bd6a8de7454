"""How the packaged table of Chinese shares is made from the exchanges' list."""

from __future__ import annotations

import csv
import io
from importlib import resources
from pathlib import Path

from stream.score.entities import CompanyTagger
from stream.score.entities.build_china import main

LISTED = """ts_code,symbol,name
600519.SH,600519,贵州茅台
000002.SZ,000002,万科A
300506.SZ,300506,*ST名家
300460.SZ,300460,ST英飞拓
300024.SZ,300024,机器人
601988.SH,601988,中国银行
688001.SH,688001,百济甲乙-U
920002.BJ,920002,万达 轴承
600001.SH,600001,重名科技
200001.SZ,200001,重名科技B
AAPL,AAPL,没有代码
"""


def built(folder: Path) -> list[dict[str, str]]:
    (folder / "listed.csv").write_text(LISTED, encoding="utf-8")
    (folder / "words.txt").write_text("机器人\n中国银行\n", encoding="utf-8")
    out = folder / "out.csv"
    main(["--listed", str(folder / "listed.csv"), "--words", str(folder / "words.txt"), "--out", str(out)])
    return list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))


def test_each_share_goes_by_its_name_and_by_what_the_exchange_did_not_add(tmp_path: Path) -> None:
    rows = {row["id"]: row for row in built(tmp_path)}
    assert {code: (row["aliases"], row["words"]) for code, row in rows.items()} == {
        "600519.SS": ("贵州茅台", ""),
        "000002.SZ": ("万科A", "万科"),
        "300506.SZ": ("*ST名家|ST名家", ""),
        "300460.SZ": ("ST英飞拓|英飞拓", ""),
        "300024.SZ": ("", "机器人"),
        "601988.SS": ("中国银行", ""),
        "688001.SS": ("百济甲乙-U|百济甲乙", ""),
        "920002.BJ": ("万达轴承", ""),
        "600001.SS": ("", ""),
        "200001.SZ": ("重名科技B", ""),
    }
    assert rows["300506.SZ"]["name"] == "名家"
    assert "业" in rows["601988.SS"]["unless"].split("|")


def test_what_is_built_can_be_read(tmp_path: Path) -> None:
    built(tmp_path)
    tagger = CompanyTagger.from_csv([tmp_path / "out.csv"])
    assert [each.id for each in tagger.tag("*ST名家、英飞拓跌停", None, ())] == ["300506.SZ", "300460.SZ"]


def test_the_packaged_table_is_small_and_holds_no_share_twice() -> None:
    listed = (resources.files("stream.score") / "data" / "a_shares.csv").read_text(encoding="utf-8")
    assert len(listed.encode()) < 300_000
    rows = list(csv.DictReader(io.StringIO(listed)))
    assert len({row["id"] for row in rows}) == len(rows) > 5_000
