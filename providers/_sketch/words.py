"""What words mean to the sketch: `dusk`, `sea`, `fox`; in English and Chinese."""

from __future__ import annotations

import functools
import re

# Trait: the words that mean it. `_` stands for a space, a hyphen or nothing.
WORDS = {
    "dawn": "dawn sunrise daybreak 黎明 日出 拂晓 破晓",
    "morning": "morning 早晨 清晨 早上 上午 晨",
    "noon": "noon midday day daytime daylight afternoon sunny 正午 中午 白天 下午 晴天 晴朗 阳光",
    "sunset": "sunset sundown golden_hour evening 日落 夕阳 傍晚 晚霞 落日",
    "dusk": "dusk twilight blue_hour gloaming 黄昏 暮色 薄暮",
    "night": "night midnight nighttime moonlight moonlit starry 夜 夜晚 夜色 午夜 深夜 月光 星空",
    "ink": "ink ink_wash sumi sumi_e 水墨 水墨画 墨 国画",
    "neon": "neon cyberpunk 霓虹 赛博朋克",
    "space": "space galaxy cosmos universe outer_space nebula 太空 宇宙 银河 星云",
    "underwater": "underwater undersea reef seabed aquarium 海底 水下",
    "sea": "sea ocean wave coast seaside bay harbour harbor 海 大海 海洋 海浪 海边 江 波浪",
    "lake": "lake pond river stream lagoon water 湖 河 溪 池塘 水 湖水 山水 江水",
    "beach": "beach shore sand seashore 沙滩 海滩",
    "island": "island isle 岛 小岛 岛屿",
    "cliff": "cliff headland 悬崖 崖 峭壁",
    "mountain": "mountain peak alp summit valley himalaya 山 山峰 远山 群山 雪山 山谷 峰 山水",
    "forest": "forest wood woods woodland jungle grove 森林 树林 林 丛林",
    "desert": "desert dune sahara 沙漠 沙丘 大漠",
    "canyon": "canyon mesa gorge badland 峡谷",
    "city": "city street town skyline downtown metropolis building 城市 街道 街 都市 高楼",
    "field": "field meadow hill prairie farm grassland countryside 田野 草原 草地 田 原野 山坡",
    "village": "village hamlet 村 村庄 小镇 乡村",
    "garden": "garden park backyard 花园 公园 园 庭院",
    "isometric": "isometric diorama miniature 等距 微缩",
    "rain": "rain rainy raining drizzle 雨 下雨 雨天",
    "snow": "snow snowy snowing snowfall snowflake blizzard 雪 下雪 雪花 飘雪 雪山",
    "fog": "fog foggy mist misty haze hazy 雾 薄雾 晨雾 烟 烟雨 迷雾",
    "storm": "storm stormy thunder thunderstorm lightning tempest 暴风雨 风暴 雷 闪电 暴雨",
    "cloud": "cloud cloudy overcast 云 多云 白云 云海",
    "aurora": "aurora northern_light 极光",
    "star": "star starry starlight 星 星星 星空 繁星",
    "rainbow": "rainbow 彩虹",
    "wind": "wind windy breeze 微风 大风 狂风 风中",
    "sunbeam": "sunbeam ray god_ray light_ray beam 光束 光线",
    "spring": "spring blossom cherry sakura 春 春天 春日 樱花 桃花 花瓣",
    "summer": "summer 夏 夏天 夏日",
    "autumn": "autumn fall maple 秋 秋天 秋日 枫叶 落叶",
    "winter": "winter wintry icy ice frost 冬 冬天 冬日 冰",
    "warm": "warm candlelight lamplight glow glowing 温暖 暖 暖光 灯光",
    "red": "red crimson scarlet 红 红色 赤",
    "orange": "orange amber 橙 橙色 橘",
    "gold": "gold golden yellow 金 金色 黄 黄色",
    "green": "green emerald jade 绿 绿色 翠 碧",
    "teal": "teal turquoise cyan aqua 青 青色",
    "blue": "blue azure navy indigo 蓝 蓝色",
    "purple": "purple violet lavender 紫 紫色",
    "pink": "pink rose magenta 粉 粉色 粉红",
    "mono": "black_and_white monochrome grayscale greyscale 黑白",
    "sepia": "sepia vintage retro 复古 怀旧",
    "pastel": "pastel soft gentle 柔和 粉彩 柔",
    "calm": "calm peaceful serene quiet tranquil still 平静 宁静 安静 静谧",
    "dramatic": "dramatic epic intense majestic 壮丽 戏剧 震撼 壮观",
    "gloomy": "gloomy dark sad melancholy bleak lonely 阴郁 忧郁 悲伤 孤独 阴暗",
    "joyful": "joyful happy cheerful bright vivid colorful colourful 快乐 欢乐 明亮 鲜艳 欢快",
    "mysterious": "mysterious magical dreamy mystic enchanted 神秘 梦幻 魔法",
    "cozy": "cozy cosy 温馨 舒适",
    "lighthouse": "lighthouse 灯塔",
    "boat": "boat canoe rowboat raft 舟 小舟 船 小船 扁舟 渔船",
    "sailboat": "sailboat sail yacht ship 帆船 帆",
    "tree": "tree oak maple 树 大树",
    "blossom": "blossom cherry sakura 樱花 桃花 樱",
    "pine": "pine fir spruce christmas_tree 松 松树",
    "palm": "palm coconut 棕榈 椰",
    "bamboo": "bamboo 竹 竹子 竹林",
    "cactus": "cactus cacti 仙人掌",
    "house": "house cottage cabin hut home barn 房子 小屋 木屋 屋",
    "teahouse": "tea_house tea_room temple shrine pavilion 茶屋 茶馆 茶室 寺 寺庙 亭 庙",
    "pagoda": "pagoda 塔 宝塔",
    "castle": "castle tower fortress palace 城堡 宫殿 塔楼",
    "bridge": "bridge 桥",
    "windmill": "windmill 风车",
    "balloon": "balloon hot_air_balloon 气球 热气球",
    "bird": "bird gull seagull crane swallow geese 鸟 飞鸟 海鸥 鹤 燕子 雁",
    "fox": "fox 狐狸 狐",
    "cat": "cat kitten kitty 猫 小猫",
    "camel": "camel 骆驼",
    "whale": "whale 鲸 鲸鱼",
    "fish": "fish goldfish koi 鱼 金鱼 锦鲤",
    "person": "person man woman girl boy child traveler traveller wanderer 人 女孩 男孩 旅人 老人",
    "robot": "robot android 机器人",
    "tent": "tent camping camp 帐篷 露营",
    "campfire": "campfire bonfire fire 篝火 火堆",
    "flower": "flower tulip poppy poppies sunflower daisy daisies 花 花朵 郁金香 向日葵",
    "watering": "watering watering_can 浇水 浇花",
    "mushroom": "mushroom toadstool 蘑菇",
    "rocket": "rocket spaceship spacecraft 火箭 飞船",
    "planet": "planet saturn 行星 星球",
    "sun": "sun 太阳 烈日",
    "moon": "moon moonlight moonlit 月 月亮 月光 明月",
}  # fmt: skip


@functools.cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """A pattern that finds the longest known word at each place, and the traits of a word."""
    traits: dict[str, tuple[str, ...]] = {}
    for trait, words in WORDS.items():
        for word in words.split():
            traits[word] = (*traits.get(word, ()), trait)
    longest = sorted(traits, key=len, reverse=True)
    # Letters and not \b at the ends: Chinese may stand next to English without a space.
    found = "|".join(
        rf"(?<![a-z]){word.replace('_', '[ -]?')}(?:e?s)?(?![a-z])" if word.isascii() else word
        for word in longest
    )
    known = {word.replace("_", ""): traits[word] for word in longest}
    return re.compile(found), known


def read_words(prompt: str) -> list[str]:
    """The traits that the words of `prompt` stand for, in their order."""
    pattern, traits = _lexicon()
    seen: list[str] = []
    for match in pattern.finditer(prompt.casefold()):
        word = re.sub("[ -]", "", match[0])
        stems = (word, word.removesuffix("s"), word.removesuffix("es"))
        stem = next(stem for stem in stems if stem in traits)
        seen += [trait for trait in traits[stem] if trait not in seen]
    return seen
