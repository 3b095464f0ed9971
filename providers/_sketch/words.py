"""What words mean to the sketch: `dusk`, `sea`, `fox`; in English and Chinese."""

from __future__ import annotations

import functools
import re

# Trait: the words that mean it. `_` stands for a space, a hyphen or nothing.
WORDS = {
    "dawn": "dawn sunrise daybreak 黎明 日出 拂晓 破晓",
    "morning": "morning 早晨 清晨 早上 上午 晨 晨雾",
    "noon": "noon midday day daytime afternoon sunny summer 正午 中午 白天 下午 晴 阳光 烈日 夏",
    "sunset": "sunset sundown golden_hour evening 日落 夕阳 傍晚 晚霞 落日",
    "dusk": "dusk twilight blue_hour gloaming 黄昏 暮色 薄暮",
    "night": "night midnight nighttime moonlight moonlit starry 夜 夜晚 夜色 午夜 深夜 月光 星空",
    "ink": "ink ink_wash sumi sumi_e 水墨 水墨画 墨 国画",
    "neon": "neon cyberpunk 霓虹 赛博朋克",
    "space": "space galaxy cosmos universe outer_space nebula 太空 宇宙 银河 星云",
    "isometric": "isometric diorama miniature 等距 微缩",
    "sea": "sea ocean wave coast beach shore seaside island bay harbour 海 大海 海边 沙滩 岛 江",
    "lake": "lake pond river stream lagoon water 湖 河 溪 池塘 水 湖水 山水 江水",
    "cliff": "cliff headland 悬崖 崖 峭壁",
    "mountain": "mountain peak alp summit valley himalaya 山 山峰 远山 群山 雪山 山谷 峰 山水",
    "forest": "forest wood woods woodland jungle grove 森林 树林 林 丛林",
    "desert": "desert dune sahara 沙漠 沙丘 大漠",
    "city": "city street town skyline downtown metropolis building 城市 街道 街 都市 高楼",
    "field": "field meadow hill prairie farm village countryside 田 田野 草原 草地 山坡 原野 村",
    "garden": "garden park backyard 花园 公园 园 庭院",
    "rain": "rain rainy raining drizzle 雨 下雨 雨天 烟雨",
    "snow": "snow snowy snowing snowfall winter wintry icy 雪 下雪 雪花 飘雪 雪山 冬 冬天 冰",
    "fog": "fog foggy mist misty haze hazy 雾 薄雾 晨雾 烟 烟雨 迷雾",
    "storm": "storm stormy thunder thunderstorm lightning tempest 暴风雨 风暴 雷 闪电 暴雨",
    "aurora": "aurora northern_light 极光",
    "star": "star starry starlight 星 星星 星空 繁星",
    "spring": "spring blossom cherry sakura 春 春天 春日 樱花 桃花 花瓣",
    "autumn": "autumn fall maple 秋 秋天 秋日 枫叶 落叶",
    "red": "red crimson scarlet 红 红色 赤",
    "gold": "gold golden yellow orange amber 金 金色 黄 黄色 橙 橙色",
    "green": "green emerald jade 绿 绿色 翠 碧",
    "blue": "blue azure navy indigo turquoise teal 蓝 蓝色 青 青色",
    "purple": "purple violet lavender 紫 紫色",
    "pink": "pink rose magenta 粉 粉色 粉红",
    "warm": "warm cozy cosy candlelight glow glowing 温暖 温馨 暖 暖光 灯光",
    "calm": "calm peaceful serene quiet tranquil still pastel soft 平静 宁静 安静 静谧 柔和",
    "gloomy": "gloomy dark sad melancholy bleak lonely 阴郁 忧郁 悲伤 孤独 阴暗",
    "joyful": "joyful happy cheerful bright vivid colorful colourful 快乐 欢乐 明亮 鲜艳 欢快",
    "lighthouse": "lighthouse 灯塔",
    "boat": "boat canoe rowboat raft sailboat ship 舟 小舟 船 小船 扁舟 渔船 帆船",
    "tree": "tree oak maple 树 大树",
    "blossom": "blossom cherry sakura 樱花 桃花 樱",
    "pine": "pine fir spruce christmas_tree 松 松树",
    "cactus": "cactus cacti 仙人掌",
    "house": "house cottage cabin hut home barn 房子 小屋 木屋 屋",
    "teahouse": "tea_house tea_room temple shrine pavilion 茶屋 茶馆 茶室 寺 寺庙 亭 庙",
    "bird": "bird gull seagull crane swallow geese 鸟 飞鸟 海鸥 鹤 燕子 雁",
    "fox": "fox 狐狸 狐",
    "cat": "cat kitten kitty 猫 小猫",
    "camel": "camel 骆驼",
    "whale": "whale 鲸 鲸鱼",
    "robot": "robot android 机器人",
    "flower": "flower tulip poppy poppies sunflower daisy daisies 花 花朵 郁金香 向日葵",
    "rocket": "rocket spaceship spacecraft 火箭 飞船",
    "planet": "planet saturn 行星 星球",
    "moon": "moon moonlight moonlit 月 月亮 月光 明月",
}  # fmt: skip


@functools.cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, list[str]]]:
    """A pattern that finds the longest known word at each place, and the traits of a word."""
    traits: dict[str, list[str]] = {}
    patterns: dict[str, str] = {}
    for trait, words in WORDS.items():
        for word in words.split():
            for end in ("", "s", "es") if word.isascii() else ("",):
                plain, pattern = word.replace("_", "") + end, word.replace("_", "[ -]?") + end
                traits.setdefault(plain, []).append(trait)
                # Letters and not \b at the ends: Chinese may stand next to English.
                patterns[plain] = rf"(?<![a-z]){pattern}(?![a-z])" if word.isascii() else pattern
    longest = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(patterns[word] for word in longest)), traits


def read_words(prompt: str) -> list[str]:
    """The traits that the words of `prompt` stand for, in their order."""
    pattern, traits = _lexicon()
    words = (re.sub("[ -]", "", match[0]) for match in pattern.finditer(prompt.casefold()))
    return list(dict.fromkeys(trait for word in words for trait in traits[word]))
