"""Chinese training sentences of our own that name organisations, persons and places, each name marked.

No Chinese set with marked names may be learned from for a release. Firms and persons are invented: put together
from characters that such names are made of. Public bodies and places are real.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from random import Random

from models.tasks import MENTIONS
from models.training.data import Example, Span
from models.training.names import by_chance

NAME = "newstide_named_chinese"
LICENCE = "Apache-2.0"
COUNT = 2_500

_IN_FIRMS = (
    "华中东南北新金银龙海天国泰安康达通信力源恒盛丰利兴隆美科大立讯光明宏远博雅瑞德宁江河长城嘉润万方正同仁"
    "和平五三一联合创世纪元亨贞吉祥福禄寿昌荣富强民生百亿千山川云水木火土星辰宇宙航飞翔鹏程腾凤凰鸿图永久顺"
    "宝钢特锐捷迅智慧能量化工建筑桥梁路港湾岛洲亚欧非洋太阳月季春秋夏冬晨曦霞彩虹锦绣兰竹梅松柏杨柳桂枫"
)
_KINDS = (
    "集团", "股份", "控股", "科技", "银行", "证券", "保险", "药业", "医药", "能源", "电子", "汽车", "地产",
    "食品", "重工", "有限公司", "股份有限公司", "基金", "信托", "传媒", "软件", "通信", "电力", "航空",
    "酒业", "化工", "水泥", "矿业", "生物", "半导体", "物流", "租赁", "家居", "环保", "新材", "光电",
    "乳业", "期货",
)  # fmt: skip
_BODIES = (
    "证监会", "央行", "中国人民银行", "国家统计局", "国家发改委", "财政部", "银保监会", "上交所", "深交所",
    "国务院", "商务部", "工信部", "美联储", "欧洲央行", "世界银行", "国际货币基金组织", "新华社",
    "最高人民法院", "海关总署", "国家能源局", "北京大学", "清华大学", "中国证券业协会", "外交部", "国资委",
    "香港交易所", "日本央行", "欧盟委员会", "世界卫生组织",
)  # fmt: skip
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲华建国红志永东海波宁晓峰宇佳慧婷雪琳鹏飞浩然子轩一鸣"
    "嘉怡思远俊凯欣瑞泽新春生德光世昌根林"
)
_PLACES = (
    "中国", "美国", "日本", "德国", "法国", "英国", "俄罗斯", "印度", "巴西", "韩国", "澳大利亚", "加拿大",
    "意大利", "新加坡", "越南", "泰国", "印度尼西亚", "墨西哥", "伊朗", "沙特阿拉伯", "土耳其", "乌克兰",
    "欧洲", "亚洲", "非洲", "北京", "上海", "广州", "深圳", "天津", "重庆", "成都", "武汉", "杭州", "南京",
    "西安", "苏州", "青岛", "大连", "厦门", "长沙", "郑州", "香港", "澳门", "台湾", "广东", "浙江", "江苏",
    "山东", "四川", "河南", "河北", "湖北", "湖南", "福建", "安徽", "山西", "陕西", "辽宁", "吉林",
    "黑龙江", "云南", "贵州", "广西", "海南", "甘肃", "青海", "新疆", "西藏", "内蒙古", "宁夏", "纽约",
    "伦敦", "东京", "华尔街", "硅谷", "长三角", "粤港澳大湾区",
)  # fmt: skip
_TEMPLATES = (
    "{ORG}:上半年净利润同比增长{N}%",
    "{ORG}发布公告称,董事长{PER}辞职",
    "{ORG}拟以{N}亿元收购{ORG}",
    "{ORG}在{LOC}新建工厂",
    "{BODY}对{ORG}立案调查",
    "{BODY}对{ORG}罚款{N}万元",
    "{PER}出任{ORG}总经理",
    "{ORG}股价跌停,{ORG}涨逾{N}%",
    "{ORG}与{ORG}签署战略合作协议",
    "{LOC}对进口钢材加征关税,{LOC}表示反对",
    "{BODY}:{LOC}通胀放缓至{N}%",
    "分析师{PER}表示,{ORG}估值偏低",
    "{ORG}控股股东{PER}减持{N}万股",
    "{ORG}因信披违规被{BODY}警示",
    "据{BODY}报道,{LOC}多家企业停产",
    "{ORG}({N}.SH)发布业绩预告",
    "{PER}会见{LOC}代表团",
    "{ORG}裁员{N}人,涉及{LOC}和{LOC}",
    "{ORG}中标{LOC}地铁项目",
    "记者从{ORG}获悉,{ORG}将于近期上市",
    "{LOC}法院判决{ORG}赔偿{ORG}{N}万元",
    "{ORG}债券违约,{ORG}受牵连",
    "{BODY}维持利率不变,{LOC}经济降温",
    "{ORG}召回{N}辆汽车",
    "{PER}和{PER}同时当选{ORG}董事",
    "{ORG}首席执行官{PER}在{LOC}表示,需求依然疲软",
    "昨日,{ORG}在{LOC}举行股东大会",
    "{LOC}房价连续{N}个月下跌",
    "{ORG}获{ORG}增持",
    "被{ORG}起诉后,{ORG}跌{N}%",
    "来自{LOC}的{PER}创办了{ORG}",
    "{ORG}今日涨停",
    "今天买入{ORG},明天会涨吗?",
    "{ORG}这只股票还能拿吗",
    "利好!{ORG}签下{N}亿元大单",
    "看好{ORG},目标价{N}元",
    "{BODY}有关负责人{PER}回答记者提问",
    "{ORG}:公司没有应披露而未披露的信息",
)
_NAMELESS = (
    "大盘今天会不会反弹",
    "今天又跌了,真难受",
    "油价上涨,供应担忧仍在",
    "市场等待周五的就业数据",
    "公司表示尚未收到通知",
    "银行股领涨,医药股回调",
    "黄金下跌,美元走强",
    "该行将关闭理财业务",
    "基金净值创新高",
    "国内生产总值增长{N}%",
    "分析师下调预期",
    "两市成交额突破{N}亿元",
    "散户应该怎么办",
    "本周解禁市值约{N}亿元",
    "新股申购一览",
    "董事会审议通过了利润分配方案",
    "股东大会将于下月召开",
    "公司股票明起停牌",
    "主力资金净流出{N}亿元",
    "钢铁行业产能过剩",
    "新能源汽车销量大增",
    "半导体板块午后拉升",
    "央企改革提速",
    "利率市场化改革继续推进",
    "公司没有回应置评请求",
    "年报显示业绩下滑",
    "该公司预计全年亏损",
    "多只股票涨停",
    "人民币汇率走低",
)
_SLOT = re.compile(r"\{([A-Z]+)\}")
_KIND_OF = {"ORG": "ORG", "BODY": "ORG", "PER": "PER", "LOC": "LOC"}


def chinese_firm(draw: Random) -> str:
    """The name of a company that nobody has founded, as far as we know."""
    word = "".join(draw.choice(_IN_FIRMS) for _ in range(draw.choice((2, 2, 2, 3, 4))))
    place = draw.choice(_PLACES) if by_chance(draw, 0.12) else ""
    return f"{place}{word}{draw.choice(_KINDS) if by_chance(draw, 0.65) else ''}"


def _person(draw: Random) -> str:
    return draw.choice(_SURNAMES) + "".join(draw.choice(_GIVEN) for _ in range(draw.choice((1, 2, 2))))


_FILLED: dict[str, Callable[[Random], str]] = {
    "ORG": chinese_firm,
    "BODY": lambda draw: draw.choice(_BODIES),
    "PER": _person,
    "LOC": lambda draw: draw.choice(_PLACES),
    "N": lambda draw: str(draw.randint(2, 900)),
}


def named_chinese_examples(count: int = COUNT, seed: int = 12) -> list[Example]:
    """So many sentences with all their names marked; the same ones each time, and more begin as fewer do."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    while len(found) < count:
        example = _fill(_template(draw), draw)
        found.setdefault(example.text, example)
    return list(found.values())


def _template(draw: Random) -> str:
    nameless = by_chance(draw, 0.25)
    told = draw.choice(_NAMELESS if nameless else _TEMPLATES)
    while by_chance(draw, 0.6 if nameless else 0.2):
        told += "。" + draw.choice(_NAMELESS if nameless or by_chance(draw, 0.3) else _TEMPLATES)
    return told


def _fill(template: str, draw: Random) -> Example:
    text, spans = "", []
    for number, told in enumerate(_SLOT.split(template)):
        said = _FILLED[told](draw) if number % 2 else told
        if number % 2 and told in _KIND_OF:
            spans.append(Span(len(text), len(text) + len(said), MENTIONS.index(_KIND_OF[told])))
        text += said
    return Example(text, "ner", -1, NAME, mentions=tuple(spans), exhaustive=True)
