"""Draws a landscape poster from the words of the prompt: no key, no network, no model.

A prompt is read into traits ("dusk", "sea", "fox"), first come first. Tables say what a trait
looks like; what the prompt leaves open is chosen by a hash of its words, and where things stand
by that hash and the seed. So the same words keep their meaning and a new seed moves the camera.
"""

from __future__ import annotations

import asyncio
import colorsys
import functools
import hashlib
import io
import math
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from random import Random
from typing import NamedTuple

from PIL import Image, ImageChops, ImageColor, ImageDraw

from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    Provider,
    SendsPromptTo,
    Traits,
)  # fmt: skip

TRAITS = Traits(
    needs_key=False,
    sample=True,
    models=(Model("sketch", Decimal(0)),),
    sends_prompt_to=SendsPromptTo("nowhere"),
)

Colour = tuple[int, int, int]
Outline = list[tuple[float, float]]

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

# Light: the sky from top to horizon, what daylight does to a colour, and the sun or moon.
LIGHTS = {
    "dawn": "#6c7db6 #d9a8c0 #ffdcb6 #d3bccd #fff1d2",
    "morning": "#6cb0d4 #b6dee4 #fff1d4 #eef0e6 #fffbe8",
    "noon": "#2b88cf #74bfea #d9f2f3 #ffffff #fffdf0",
    "sunset": "#51397d #e0607a #ffc06a #d98f8a #ffe6a8",
    "dusk": "#1d2a5c #5f4a8c #ec8f7e #7a6da3 #ffd08c",
    "night": "#0b1433 #1b2f60 #3f6090 #4a5b92 #fff2cc",
    "ink": "#efe8da #f5f0e6 #f1eadc #8d8b86 #c8412f",
    "neon": "#0c0a2a #35195c #c43a86 #5f4fa6 #5ff0f5",
    "space": "#0b0a24 #20174a #472c6c #9c90d0 #ffdca8",
    "underwater": "#a5e6df #2f9fbd #0d3d6c #86bccb #f0fff6",
}
HOURS = ("dawn", "morning", "noon", "sunset", "dusk", "night")
TINTS = ("red", "orange", "gold", "green", "teal", "blue", "purple", "pink")

# Grading: hue to pull towards, how strongly, then saturation ×, contrast × and lift.
GRADES: dict[str, tuple[float, float, float, float, float]] = {
    "red": (0.99, 0.8, 1.0, 1.0, 0.0),
    "orange": (0.07, 0.7, 1.05, 1.0, 0.0),
    "gold": (0.125, 0.75, 1.0, 1.0, 0.02),
    "green": (0.39, 0.75, 0.9, 1.0, 0.0),
    "teal": (0.49, 0.75, 1.0, 1.0, 0.0),
    "blue": (0.6, 0.8, 1.0, 1.0, 0.0),
    "purple": (0.76, 0.75, 0.95, 1.0, 0.0),
    "pink": (0.93, 0.75, 1.0, 0.9, 0.05),
    "sepia": (0.09, 1.0, 0.5, 0.9, 0.03),
    "mono": (0.6, 0.0, 0.0, 1.15, 0.0),
    "ink": (0.1, 0.0, 0.35, 1.0, 0.0),
    "neon": (0.8, 0.15, 1.25, 1.1, 0.0),
    "pastel": (0.0, 0.0, 0.85, 0.72, 0.09),
    "warm": (0.07, 0.18, 1.1, 1.0, 0.0),
    "cozy": (0.06, 0.28, 1.05, 0.95, 0.0),
    "calm": (0.0, 0.0, 0.92, 0.92, 0.015),
    "dramatic": (0.0, 0.0, 1.15, 1.22, -0.03),
    "gloomy": (0.62, 0.3, 0.5, 0.95, -0.08),
    "joyful": (0.0, 0.0, 1.25, 1.03, 0.04),
    "mysterious": (0.74, 0.35, 1.0, 1.0, -0.04),
    "storm": (0.6, 0.35, 0.6, 1.0, -0.07),
    "rain": (0.6, 0.2, 0.8, 0.95, -0.02),
}

# Place: the colour of its land, what stands at the back, what grows in front.
PLACES = {
    "mountain": ("#56747c", "peaks", "pine"),
    "forest": ("#3f7560", "woods", "pine"),
    "desert": ("#e3a662", "dunes", "cactus"),
    "canyon": ("#cd7049", "mesas", "cactus"),
    "city": ("#5c6688", "skyline", ""),
    "field": ("#86b05e", "hills", "tree"),
    "village": ("#8aa862", "hills", "house"),
    "garden": ("#7cb063", "hills", "flower"),
}
WATERS = ("sea", "lake", "beach", "island", "cliff")
WORLDS = ("space", "underwater", "isometric")
SEASONS = {
    "spring": ("#9cc46c", 0.5, "#f3b4c6"),
    "summer": ("#6fae4f", 0.3, "#4f9a58"),
    "autumn": ("#c98744", 0.6, "#db7a32"),
    "winter": ("#eef3f8", 0.85, "#c9dadf"),
    "snow": ("#eef3f8", 0.85, "#c9dadf"),
}

# Drawings: where it belongs, the place it brings along, its height, and its parts: a colour of
# INKS (`~` bends the outline, `o` is an oval: centre, radii) and points, y up from the ground.
# The last five are scenery, which no word asks for. Capitals are colours that the scene decides.
INKS = {
    "w": "#f6f0e4", "r": "#c9452f", "o": "#ea8540", "d": "#c8622c", "y": "#f2bb4f",
    "b": "#7a543c", "k": "#2c2c3e", "s": "#66788e", "g": "#4d8a5c", "t": "#4aa3a8",
    "p": "#ee9fb5", "c": "#d9a972", "v": "#9a78c8", "e": "#92705d", "m": "#5d4850",
}  # fmt: skip
_DRAWINGS = """
lighthouse ground cliff .42: w -13,0 13,0 8,72 -8,72; r -12,10 12,10 11,24 -11,24; r -10.5,38
    10.5,38 9.6,52 -9.6,52; k -12,72 12,72 12,75 -12,75; L -7,75 7,75 7,86 -7,86; k -1,75 1,75
    1,86 -1,86; r -10,86 10,86 0,98; k -3,0 3,0 3,8 -3,8
boat water lake .13: b~ -95,34 -60,12 0,6 60,12 95,34 60,2 0,-6 -60,2; k~ -14,8 -10,50 4,62
    18,50 22,8; y -30,62 4,92 38,62; k 34,96 37,96 48,-6 45,-6
sailboat water sea .28: r -44,16 46,16 32,0 -30,0; w 2,20 2,98 42,22; p -3,24 -3,84 -34,22; b
    -1,14 2,14 2,100 -1,100
tree ground field .36: b -4,0 5,0 3,44 -2,44; Fo 0,66 26,30; Fo -18,54 18,18; Fo 19,52 18,18
blossom ground field .4: b -7,0 8,0 3,22 16,46 12,48 1,32 -10,50 -14,48 -3,22; Fo -20,62 24,17;
    Fo 22,58 24,16; Fo 0,76 25,18; wo -12,72 10,6; wo 20,66 9,5
pine ground forest .36: b -4,0 4,0 3,16 -3,16; P -26,12 26,12 11,40 20,40 8,64 14,64 0,100
    -14,64 -8,64 -20,40 -11,40
palm ground beach .42: b~ -6,0 4,0 8,40 18,76 13,78 1,42; g~ 15,78 -10,92 -34,76 -8,84; g~ 15,78
    0,102 -22,102 0,94; g~ 15,78 34,104 56,96 32,94; g~ 15,78 46,86 58,62 38,78; g~ 15,78 -4,74
    -18,54 4,68; g~ 15,78 30,68 34,48 24,66
bamboo ground forest .6: g -14,0 -11,0 -9,100 -12,100; g 0,0 3,0 1,96 -2,96; g 14,0 17,0 20,92
    17,92; g -10,70 -34,58 -14,74; g 0,80 24,70 2,85; g 18,60 42,52 18,66; g -12,44 -30,36
    -12,48; g 18,84 40,84 18,88
cactus ground desert .24: g~ -9,0 -9,80 0,98 9,80 9,0; g~ -9,34 -26,36 -32,50 -32,66 -24,66
    -22,48 -9,46; g~ 9,44 26,46 32,58 32,76 24,76 22,60 9,56
house ground field .25: w -40,0 40,0 40,42 -40,42; r -50,40 50,40 32,84 -32,84; b 16,70 26,70
    26,98 16,98; L -28,14 -12,14 -12,30 -28,30; b -4,0 10,0 10,28 -4,28; L 18,14 32,14 32,30
    18,30
teahouse ground mountain .32: s 0,-22 62,4 62,10 0,-14; k 0,-22 -62,4 -62,10 0,-14; w 0,-14
    62,10 0,34 -62,10; c 0,-6 0,34 -42,50 -42,10; b 0,-6 0,34 42,50 42,10; L -6,2 -6,26 -20,31
    -20,7; L -24,9 -24,33 -37,38 -37,14; L 8,2 8,26 20,31 20,7; L 24,9 24,33 36,38 36,14; t 0,26
    -66,48 -58,54 -20,78 0,66; k 0,26 66,48 58,54 20,78 0,66; s 0,66 -20,78 0,82 20,78; r -2,78
    2,78 1,94 -1,94
pagoda ground mountain .46: c -22,0 22,0 22,20 -22,20; L -5,0 5,0 5,14 -5,14; r -40,20 40,20
    44,25 22,30 -22,30 -44,25; c -17,30 17,30 17,44 -17,44; r -32,44 32,44 36,49 17,54 -17,54
    -36,49; c -13,54 13,54 13,66 -13,66; r -25,66 25,66 29,71 4,84 -4,84 -29,71; y -1,84 1,84
    0,100; L -10,34 -4,34 -4,41 -10,41; L 4,34 10,34 10,41 4,41; L -3,57 3,57 3,63 -3,63
castle ground mountain .38: s -40,0 40,0 40,34 -40,34; w -44,0 -24,0 -24,56 -44,56; w 24,0 44,0
    44,56 24,56; w -12,0 12,0 12,72 -12,72; r -47,56 -21,56 -34,80; r 21,56 47,56 34,80; r
    -15,72 15,72 0,100; Lo 0,58 3,5; Lo -34,44 3,5; Lo 34,44 3,5; k -7,0 7,0 7,14 0,20 -7,14
bridge water lake .2: r~ -120,-8 -60,30 0,44 60,30 120,-8 120,10 60,50 0,64 -60,50 -120,10; b
    -62,-12 -56,-12 -56,66 -62,66; b 56,-12 62,-12 62,66 56,66; b -3,-4 3,-4 3,78 -3,78
windmill ground field .38: w -16,0 16,0 9,58 -9,58; r -12,58 12,58 0,74; b -4,0 4,0 4,14 -4,14;
    k -1,60 1,60 30,92 23,98; k -1,62 1,60 34,28 27,22; k 1,60 -1,62 -30,92 -23,98; k 1,62 -1,60
    -34,28 -27,22; Lo 0,40 3,4
balloon air field .26: r~ -34,70 -24,94 0,102 24,94 34,70 20,42 8,28 -8,28 -20,42; y~ -13,70
    -9,92 0,102 9,92 13,70 8,44 3,28 -3,28 -8,44; k -6,28 -5,28 -4,14 -5,14; k 5,28 6,28 5,14
    4,14; b -7,2 7,2 8,14 -8,14
bird air sea .09: Z -60,58 -26,80 0,54 26,80 60,58 28,70 5,40 0,32 -5,40 -28,70
fox ground forest .36: d 14,2 38,0 56,16 60,40 50,62 40,40 24,24; w 60,40 50,62 42,44 52,34; o
    -26,64 6,64 22,38 28,0 -24,0; d 6,64 22,38 28,0 4,0; w -28,64 6,64 -11,24; o -24,34 -12,22
    -13,0 -24,0; d 1,34 -11,22 -9,0 2,0; k -25,0 -12,0 -13,7 -24,7; k -10,0 4,0 2,7 -9,7; d
    -40,80 -36,104 -20,90; d 18,80 14,104 -2,90; k -35,86 -34,98 -25,90; k 13,86 12,98 3,90; o
    -40,80 -22,90 0,90 18,80 -11,50; w -40,80 -20,71 -11,50; w 18,80 -2,71 -11,50; k -15,57
    -7,57 -11,49; ko -22,76 2.6,3.2; ko 0,76 2.6,3.2
cat ground village .28: k~ 16,4 44,4 54,22 50,44 44,40 46,24 38,14 16,14; k~ -24,0 -26,20 -15,48
    -12,66 12,66 15,48 26,20 24,0; ko 0,74 19,16; k -18,76 -17,102 -4,88; k 18,76 17,102 4,88; p
    -15,84 -14.5,95 -8,88; p 15,84 14.5,95 8,88; Lo -7,75 3.6,4.2; Lo 7,75 3.6,4.2; ko -7,75
    1.2,4; ko 7,75 1.2,4; p -2,68 2,68 0,65
camel ground desert .34: c~ -36,44 -22,66 -12,86 0,66 8,66 20,84 32,64 38,46 20,38 -20,38; c~
    -24,60 -38,50 -52,52 -62,66 -64,84 -80,86 -80,94 -66,99 -54,94 -52,76 -46,68 -34,72; c -34,0
    -28,0 -22,48 -34,48; d -18,0 -13,0 -12,46 -20,46; c 28,0 34,0 36,48 24,48; d 14,0 19,0 22,46
    12,46; r -20,52 28,50 26,68 6,64 -14,72; ko -68,92 1.6,1.8
whale water sea .26: s~ -84,26 -70,62 -20,76 30,56 66,30 78,50 100,68 104,58 92,36 78,14 40,-10
    -60,-10; w~ -84,22 -60,20 0,8 30,-10 -60,-14 -80,4; ko -54,36 3,3; w~ -24,84 -40,112 -54,108
    -36,98; w~ -20,84 -8,114 6,112 -10,100; k~ -20,14 -2,-12 12,-10 2,14
fish water underwater .14: o~ -60,40 -30,68 10,64 42,40 10,16 -30,12; o 34,40 70,70 60,40 70,10;
    d~ -22,64 0,88 14,60; w~ -12,64 -4,40 -12,16 0,18 6,40 0,62; wo -38,46 6,7; ko -39,46 3,4
person ground field .2: k -12,0 -3,0 -1,40 -10,40; k 4,0 13,0 11,40 1,40; r -18,28 18,28 10,74
    -10,74; co 0,84 9,11; k~ -12,84 -8,98 8,98 12,84 0,92; r -10,70 -24,40 -18,38 -6,60; r 10,70
    24,40 18,38 6,60
robot ground field .38: s -16,0 -5,0 -5,24 -16,24; s 5,0 16,0 16,24 5,24; k -20,0 -3,0 -3,6
    -20,6; k 3,0 20,0 20,6 3,6; t -25,20 25,20 25,60 -25,60; w -16,32 16,32 16,52 -16,52; ro
    -8,42 3.6,3.6; yo 2,42 3.6,3.6; s 33,26 26,26 26,57 33,57; s -26,40 -50,32 -52,39 -26,57; s
    -6,60 6,60 6,65 -6,65; t -22,65 22,65 22,92 -22,92; k -17,71 17,71 17,86 -17,86; Lo -8,78
    4.4,4.4; Lo 8,78 4.4,4.4; s -1,92 1,92 1,101 -1,101; ro 0,103 3.4,3.4
watering held garden .17: r -22,0 22,0 26,52 -26,52; r -24,30 -62,74 -56,80 -20,52; k -72,72
    -50,88 -48,82 -68,68; k 22,46 46,44 46,12 22,8 22,16 38,18 38,37 22,38; to -74,50 3,6; to
    -66,30 3,6; to -82,24 3,6; to -74,2 3,6; to -62,52 3,6
tent ground mountain .23: o -60,0 0,80 60,0; d 0,80 60,0 76,14 18,86; L -16,0 0,58 16,0; k -2,0
    0,58 2,0
campfire ground mountain .16: b -40,0 36,14 40,6 -36,-6; b 40,0 -36,14 -40,6 36,-6; r~ -24,10
    -26,40 -8,70 0,104 14,66 26,38 22,10; L~ -12,10 -12,34 2,66 14,32 10,10
flower ground garden .32: g -2,0 2,0 1,64 -1,64; g~ 0,8 -26,34 -8,14; g~ 0,8 26,40 8,14; A~
    -22,88 -18,62 0,54 18,62 22,88 10,76 0,92 -10,76
mushroom ground forest .24: w~ -14,0 -10,30 -12,54 12,54 10,30 14,0; r~ -50,48 -42,80 0,98 42,80
    50,48 0,42; wo -20,72 8,6; wo 14,82 9,6; wo 28,60 7,5; wo -4,58 5,3.4
rocket air space .36: L~ -8,8 -10,-8 0,-34 10,-8 8,8; r -14,36 -30,8 -26,0 -10,14; r 14,36 30,8
    26,0 10,14; w~ -13,10 -17,50 0,100 17,50 13,10; r~ -11.5,72 0,102 11.5,72 0,76; ko 0,56 8,8;
    to 0,56 5.6,5.6; r -3,4 3,4 3,32 -3,32
bluff prop - 1: R 9,5 -18,4 -38,1 -47,-3 -50,-10 -52,-26 -60,-40 -66,-66 -76,-110 -80,-400
    9,-400; N -50,-10 -52,-26 -40,-30 -43,-8; N -52,-26 -60,-40 -46,-46 -40,-30; N -60,-40
    -66,-66 -54,-62 -46,-46; M -20,-14 -2,-10 9,-30 -6,-36; M -34,-40 -14,-30 -20,-56 -38,-62; M
    -4,-52 9,-44 9,-84 -12,-78; G 9,5 -18,4 -38,1 -47,-3 -40,-5 -32,-3 -20,-9 -6,-4 9,-10
bank prop - 1: R~ 40,4 0,5 -30,1 -52,-6 -76,-14 -110,-24 -60,-90 40,-90
block prop - .88: e -50,0 0,-25 0,-39 -50,-14; m 50,0 0,-25 0,-39 50,-14; G 0,25 50,0 0,-25
    -50,0
bolt prop - .3: L 10,100 -18,52 -2,56 -22,0 20,64 6,62 26,100
craters prop - .1: Vo -16,62 11,11; Vo 15,36 8,8; Vo -6,26 6,6; Vo 18,70 5,5
planet air space .24: vo 0,50 50,50; A~ -88,62 -60,42 0,31 60,42 88,62 58,36 0,24 -58,36
seal prop - .045: r -50,0 50,0 50,100 -50,100; w -32,20 -18,20 -18,80 -32,80; w -7,20 7,20 7,80
    -7,80; w 18,20 32,20 32,80 18,80
"""


class _Drawing(NamedTuple):
    """A drawing 100 units high: where it belongs, the place it brings, its share of the picture."""

    home: str
    place: str
    size: float
    parts: list[tuple[str, Outline]]


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


def _rgb(text: str) -> Colour:
    return ImageColor.getrgb(text)[:3]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    a, b, c = (round(x + (y - x) * share) for x, y in zip(one, other, strict=True))
    return a, b, c


def _grading(steps: Collection[tuple[float, ...]], nudge: float) -> Callable[[Colour], Colour]:
    """What colour words and moods do to every colour of the picture; `nudge` turns its hue."""

    @functools.cache
    def grade(colour: Colour) -> Colour:
        hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
        colour = _from_hls(hue + nudge, light, saturation)
        for target, pull, richness, contrast, lift in steps:
            hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
            light = 0.5 + (light - 0.5) * contrast + lift
            pure = _from_hls(target, light, max(saturation, 0.5) * richness)
            colour = _mix(_from_hls(hue, light, saturation * richness), pure, pull)
        return colour

    return grade


def _from_hls(hue: float, light: float, saturation: float) -> Colour:
    light, saturation = min(max(light, 0.0), 1.0), min(max(saturation, 0.0), 1.0)
    red, green, blue = colorsys.hls_to_rgb(hue % 1.0, light, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _curve(points: Outline) -> Outline:
    """A closed Catmull-Rom curve through `points`."""
    curve: Outline = []
    for i, (x1, y1) in enumerate(points):
        (x0, y0), (x2, y2), (x3, y3) = (points[(i + n) % len(points)] for n in (-1, 1, 2))
        for t in (0.0, 0.17, 0.34, 0.5, 0.67, 0.84):
            a, b = 2 * x1 + (x2 - x0) * t, 2 * y1 + (y2 - y0) * t
            a += (2 * x0 - 5 * x1 + 4 * x2 - x3) * t * t + (3 * x1 - x0 - 3 * x2 + x3) * t**3
            b += (2 * y0 - 5 * y1 + 4 * y2 - y3) * t * t + (3 * y1 - y0 - 3 * y2 + y3) * t**3
            curve.append((a / 2, b / 2))
    return curve


def _oval(x: float, y: float, rx: float, ry: float) -> Outline:
    turns = [math.tau * i / 40 for i in range(40)]
    return [(x + rx * math.cos(turn), y + ry * math.sin(turn)) for turn in turns]


def _gradient(width: int, height: int, *stops: Colour) -> Image.Image:
    """`stops` from top to bottom."""
    strip = Image.new("RGB", (1, len(stops)))
    strip.putdata(stops)
    # Half a stop of each end is flat in a resized strip; the box leaves it out.
    ends = (0, 0.5, 1, len(stops) - 0.5)
    return strip.resize((1, height), Image.Resampling.BICUBIC, ends).resize((width, height))


class _Canvas:
    """An image that shapes are filled on with smooth edges; every colour passes `grade`."""

    EDGE = 4  # Masks are drawn this much larger and then reduced.

    def __init__(self, width: int, height: int, grade: Callable[[Colour], Colour]) -> None:
        self.image = Image.new("RGB", (width, height))
        self.grade = grade

    def fill(
        self, outlines: Collection[Outline], top: Colour, bottom: Colour | None = None,
        opacity: float = 1.0, fade: str = "", keep: float = 0.0,
    ) -> None:  # fmt: skip
        """Fills the union of `outlines`. `fade` lets it vanish towards "up", "down", "left"."""
        xs = [x for outline in outlines for x, _ in outline] or [-1.0]
        ys = [y for outline in outlines for _, y in outline] or [-1.0]
        left, upper = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
        right = min(math.ceil(max(xs)) + 1, self.image.width)
        lower = min(math.ceil(max(ys)) + 1, self.image.height)
        if left >= right or upper >= lower:
            return
        size, n = (right - left, lower - upper), self.EDGE
        mask = Image.new("L", (size[0] * n, size[1] * n))
        pen = ImageDraw.Draw(mask)
        for outline in outlines:
            points = [((x - left) * n, (y - upper) * n) for x, y in outline]
            pen.polygon(points, round(255 * opacity))
        mask = mask.reduce(n)
        if fade:
            turn = {"up": 0, "left": 90, "down": 180, "right": 270}[fade]
            ramp = Image.linear_gradient("L").rotate(turn)
            mask = ImageChops.multiply(mask, ramp.resize(size))
        paint: Colour | Image.Image = _mix(self.grade(top), top, keep)
        if bottom is not None:
            paint = _gradient(*size, self.grade(top), self.grade(bottom))
        self.image.paste(paint, (left, upper, right, lower), mask)

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float) -> None:
        edge = max(round(radius), 2)
        falloff = [round(max(1 - i / 180, 0) ** 2 * 255 * opacity) for i in range(256)]
        halo = Image.radial_gradient("L").point(falloff)
        left, upper = round(x) - edge, round(y) - edge
        box = (left, upper, left + 2 * edge, upper + 2 * edge)
        self.image.paste(self.grade(colour), box, halo.resize((2 * edge, 2 * edge)))


def _bar(x: float, y: float, half: float, thick: float) -> Outline:
    """A bar with round ends: an oval whose halves are moved apart."""
    return [(a + math.copysign(half, a - x), b) for a, b in _oval(x, y, thick, thick)]


def _box(left: float, upper: float, right: float, lower: float) -> Outline:
    return [(left, upper), (right, upper), (right, lower), (left, lower)]


@functools.cache
def _drawings() -> dict[str, _Drawing]:
    found: dict[str, _Drawing] = {}
    for line in re.sub(r"\n +", " ", _DRAWINGS).strip().splitlines():
        about, outlines = line.split(": ")
        name, home, place, size = about.split()
        found[name] = _Drawing(home, place, float(size), [])
        for part in outlines.split("; "):
            style, *pairs = part.split()
            points = [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]
            if style[1:] == "o":
                points = _oval(*points[0], *points[1])
            found[name].parts.append((style[0], _curve(points) if style[1:] == "~" else points))
    return found


def _shape(name: str, x: float, y: float, size: float) -> list[Outline]:
    """The outlines of a drawing whose foot is at (x, y) and whose height is `size` pixels."""
    parts = _drawings()[name].parts
    return [[(x + a * size / 100, y - b * size / 100) for a, b in part] for _, part in parts]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class _Painter:
    """One poster. All is lit from the left and the subject stands right; seeds may mirror it."""

    def __init__(self, prompt: str, width: int, height: int, seed: int) -> None:
        words = " ".join(prompt.casefold().split())
        pick, self.rng = Random(_hash(words)), Random(_hash(f"{seed} {words}"))
        self.traits = read_words(prompt)
        self.w, self.h, self.u = float(width), float(height), float(min(width, height))
        self.subjects = [trait for trait in self.traits if trait in _drawings()][:5]
        places = [t for t in self.traits if t in (*PLACES, *WATERS, *WORLDS)]
        if not places or places == ["isometric"]:
            brought = [_drawings()[subject].place for subject in self.subjects[:1]]
            places += brought or [pick.choice([*PLACES, "sea", "lake"])]
        self.places = places
        self.place = next((place for place in places if place in PLACES), "")
        self.water = any(place in WATERS for place in places)
        self.world = next((p for p in places if p in WORLDS and (p == "isometric" or not
                           (self.place or self.water))), "")  # fmt: skip
        self.hour = self._hour(pick)
        self.dim = self.hour in ("dusk", "night", "neon", "space")
        top, middle, low, self.ambient, self.light = map(_rgb, LIGHTS[self.hour].split())
        if self.has("storm", "rain", "fog", "cloud", "snow"):
            veil = _mix(low, middle, 0.5 if self.has("storm", "rain") else 0.25)
            top, middle, low = (_mix(colour, veil, 0.45) for colour in (top, middle, low))
        self.sky, self.haze = (top, middle, low), low
        steps = [GRADES[trait] for trait in self.traits if trait in GRADES]
        if not self.traits:  # Nothing is known: the words still choose a hue, though not lime.
            steps = [(pick.uniform(0.45, 1.1), pick.uniform(0.3, 0.6), 1.0, 1.0, 0.0)]
            if not self.world:
                afloat, ashore = ("sailboat", "boat", "bird"), ("bird", "balloon", "tree", "house")
                self.subjects = [pick.choice(afloat if self.water else ashore)]
        self.canvas = _Canvas(width, height, _grading(steps, pick.uniform(-0.02, 0.02)))
        self.keep = 0.55 if self.has(*TINTS) else 0.0
        self.jag = 1.6 if self.has("dramatic", "storm") else 0.5 if self.has("calm", "fog") else 1.0
        self.horizon = self.h * self.rng.uniform(0.53, 0.67)
        self.slots = [x + self.rng.uniform(-0.06, 0.06) for x in (0.64, 0.3, 0.84, 0.47, 0.14)]
        high = {"noon": 0.3, "morning": 0.45, "night": 0.4, "neon": 0.3, "ink": 0.4}
        sun = self.horizon * high.get(self.hour, 0.86) + self.u * self.rng.uniform(-0.07, 0.03)
        self.sun = self.w * self.rng.uniform(0.2, 0.42), sun

    def has(self, *traits: str) -> bool:
        return any(trait in self.traits for trait in traits)

    def _hour(self, pick: Random) -> str:
        """The light: as named, or else as fits what is named, or else as the words fall."""
        named = [trait for trait in self.traits if trait in HOURS]
        for light in ("ink", "neon"):
            if self.has(light):
                return light
        if named or self.world in ("underwater", "space"):
            return self.world if self.world in ("underwater", "space") else named[0]
        if self.has("moon", "star", "aurora"):
            return "night"
        if self.has("sun", "rainbow", "summer"):
            return "noon"
        if self.has("storm", "gloomy"):
            return "dusk"
        if self.has("snow", "winter", "spring", "joyful", "fog"):
            return pick.choice(HOURS[:2])
        return pick.choice(HOURS[:4] if self.traits else HOURS)

    def paint(self) -> Image.Image:
        self.draw_sky()
        if self.world:
            worlds = {"space": self.draw_space, "underwater": self.draw_seabed}
            worlds.get(self.world, self.draw_block)()
        elif self.water:
            self.draw_shore()
        else:
            self.draw_land()
        self.draw_weather()
        if self.rng.random() < 0.5:
            self.canvas.image = self.canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return self.canvas.image

    def lit(self, colour: Colour, away: float = 0.0) -> Colour:
        """`colour` in the light of the hour, and behind that much haze."""
        r, g, b = (part * shade // 255 for part, shade in zip(colour, self.ambient, strict=True))
        return _mix((r, g, b), self.haze, away)

    def shown(self, colour: Colour) -> Colour:
        """`colour` where the hour may tint it but it must stay what it is."""
        return _mix(self.lit(colour), colour, 0.1 if self.hour == "ink" else 0.4)

    def land(self, away: float) -> Colour:
        colour = _rgb(PLACES[self.place][0] if self.place else "#7c9a7c")
        for season in filter(self.has, SEASONS):
            colour = _mix(colour, _rgb(SEASONS[season][0]), SEASONS[season][1])
        if self.has("snow", "winter"):
            lit = self.shown(colour)
        else:
            lit = self.lit(_mix(colour, (20, 30, 60), (0.28 if self.dim else 0.12) * (1 - away)))
        return _mix(lit, self.haze, min(away * 1.1, 0.9))

    def leaf(self, kind: str) -> Colour:
        """What the leaves of a tree look like in this season."""
        season = next(filter(self.has, SEASONS), "")
        green = _rgb(SEASONS[season][2]) if season else _rgb("#5b9a62")
        if kind == "pine":
            green = _mix(_rgb("#2c5f54"), green, 0.5 if self.has("winter", "snow") else 0.0)
        return self.shown(_rgb("#f3b4c6") if kind == "blossom" else green)

    def tone(self, letter: str, name: str, accent: str) -> Colour:
        """The colour that a letter stands for in a drawing."""
        if name == "seal":
            return _rgb(INKS[letter])
        if letter in "FP":
            return self.leaf(name)
        if letter in "RNM":
            rock = self.lit(_rgb("#74697c" if name == "bluff" else "#5a7a62"), 0.05)
            return {"R": rock, "N": _mix(rock, self.light, 0.2)}.get(letter, self.lit(rock, 0.04))
        dark_sky = sum(self.sky[1]) < 330
        special = {
            "L": self.light if self.hour != "ink" else _rgb("#f7d9a0"),
            "V": _mix(self.light, self.sky[1], 0.25),
            "G": self.land(0.05),
            "Z": self.shown(_rgb("#f4efe6" if dark_sky else "#39415c")),
        }
        return special.get(letter) or self.shown(_rgb(INKS[accent if letter == "A" else letter]))

    def draw_sky(self) -> None:
        c, u, rng = self.canvas, self.u, self.rng
        low = round(self.h if self.world else self.horizon + 0.04 * self.h)
        graded = [c.grade(colour) for colour in self.sky]
        c.image.paste(graded[2], (0, 0, *c.image.size))
        c.image.paste(_gradient(c.image.width, low, *graded), (0, 0))
        if self.world == "underwater":
            return
        if self.has("star") or self.hour in ("night", "space"):
            stars = []
            for _ in range(110):
                r = u * (0.0012 + 0.003 * rng.random() ** 4)
                stars.append(_oval(rng.random() * self.w, rng.random() ** 1.3 * low, r, r)[::5])
            c.fill(stars, (255, 248, 226), opacity=0.85)
        if self.has("aurora"):
            self.draw_aurora()
        if self.has("sun", "moon") or not (self.world == "space" or self.has("storm", "rain")):
            self.draw_sun()
        if self.has("rainbow"):
            x, y = self.w * 0.6, self.horizon + 0.1 * u
            for i, band in enumerate("roygtv"):
                outer, inner = (
                    _oval(x, y, k, k) for k in (u * (0.62 - 0.03 * i), u * (0.59 - 0.03 * i))
                )
                ring = [*outer, outer[0], inner[0], *inner[::-1]]
                c.fill([ring], _rgb(INKS[band]), opacity=0.5)
        heavy = self.has("cloud", "storm", "rain")
        if self.hour not in ("space", "ink") and (heavy or rng.random() < 0.75):
            self.draw_clouds(6 if heavy else rng.randint(1, 3))
        if not heavy and not self.has("bird") and self.hour not in ("night", "space", "neon"):
            x, y = self.sun[0] + u * rng.uniform(-0.2, 0.3), self.sun[1] - u * rng.uniform(0.1, 0.3)
            for k in range(rng.choice((0, 0, 3, 4))):
                a, b = rng.uniform(-0.14, 0.14), rng.uniform(-0.05, 0.05)
                self.stand("bird", x + a * u, max(y, 0.12 * u) + b * u, u * (0.045 - 0.006 * k))
        if self.has("sunbeam"):
            self.draw_beams(*self.sun)
        if self.has("storm"):
            x, y = self.w * rng.uniform(0.2, 0.4), self.horizon * 0.75
            c.glow(x, y - 0.15 * u, 0.32 * u, self.light, 0.6)
            self.stand("bolt", x, y, 0.3 * u)

    def draw_sun(self) -> None:
        (x, y), c = self.sun, self.canvas
        moon = self.hour in ("night", "neon", "space") or (self.has("moon") and self.hour != "ink")
        radius = self.u * {"sunset": 0.12, "dusk": 0.085, "dawn": 0.09}.get(self.hour, 0.07)
        radius *= 1.4 if self.has("sun", "moon") else 1.0
        colour = _rgb("#fbf3da") if moon else self.light
        c.glow(x, y, radius * (4.5 if moon else 6), colour, 0.4 if moon else 0.55)
        for ring in () if self.hour == "ink" else (2.1, 1.5):
            c.fill([_oval(x, y, radius * ring, radius * ring)], colour, opacity=0.13)
        c.fill([_oval(x, y, radius, radius)], colour, keep=0.7 if self.hour == "ink" else 0.0)
        if moon:
            self.stand("craters", x, y + radius, 2 * radius)

    def draw_aurora(self) -> None:
        waves = [(k, self.rng.uniform(0, 6), self.rng.uniform(0.05, 0.09)) for k in range(3)]
        for (k, phase, speed), colour in zip(waves, ("#4fe3a4", "#38c8b8", "#9a6cf0"), strict=True):
            veil = Image.new("L", (96, 96))
            for x in range(96):
                foot = round(76 - 11 * k + 9 * math.sin(x * speed + phase) + 3 * math.sin(x * 0.21))
                glow = 0.62 + 0.38 * math.sin(x * 0.33 + phase * 2 + math.sin(x * 0.12) * 3)
                for up in range(min(46, foot + 1)):
                    share = (1 - up / 46) ** 1.6 * min(1.0, up / 5)
                    veil.putpixel((x, foot - up), round(215 * glow * share))
            size = self.canvas.image.width, round(self.horizon)
            self.canvas.image.paste(
                self.canvas.grade(_rgb(colour)), (0, 0), veil.resize(size, Image.Resampling.BICUBIC)
            )

    def draw_clouds(self, count: int) -> None:
        rng, u = self.rng, self.u
        colour = _mix(self.sky[2], (255, 255, 255), 0.0 if self.dim else 0.55)
        if self.has("storm", "rain"):
            colour = _mix(self.sky[0], (40, 46, 70), 0.35)
        for i in range(count):
            x, size = rng.uniform(-0.05, 1.05) * self.w, u * rng.uniform(0.1, 0.17)
            y = self.horizon * (0.16 + (i + rng.random()) * 0.46 / count)
            if abs(x - self.sun[0]) < 0.3 * u and abs(y - self.sun[1]) < 0.24 * u:
                x += math.copysign(0.42 * u, x - self.sun[0])  # A cloud must not cut the sun.
            bars = [
                _bar(x + size * rng.uniform(-0.3, 0.3), y - k * 0.17 * size,
                     size * (1.3 - 0.3 * k) * rng.uniform(0.8, 1.1), 0.115 * size)
                for k in range(4)
            ]  # fmt: skip
            self.canvas.fill(bars, colour, _mix(colour, self.sky[1], 0.5), 0.6 + 0.2 * (i % 2))

    def draw_beams(self, x: float, y: float) -> None:
        reach = self.w + self.h
        for i in range(8):
            turn = 0.25 + 0.16 * i + self.rng.uniform(0, 0.06)
            ends = [(x + reach * math.cos(t), y + reach * math.sin(t)) for t in (turn, turn + 0.09)]
            self.canvas.fill([[(x, y), *ends]], self.light, opacity=0.16)

    def wave(self, y: float, swing: float, kind: str = "") -> Callable[[float], float]:
        """A line about the height `y`: rolling, or the back of a dune, or table mountains."""
        rng, span = self.rng, max(self.u, self.w * 0.55)
        turns = [(k * rng.uniform(1.8, 3.0) / span, rng.uniform(0, 6.3), 1 / k) for k in (1, 2, 4)]
        (speed, phase, _), rough = turns[0], 0.6 * self.jag

        def rise(x: float) -> float:
            turn = x * speed + phase
            if kind == "dunes":
                return math.sin(1.5 * turn + 0.55 * math.sin(1.5 * turn)) + 0.3 * math.sin(turn)
            first, second, third = (size * math.sin(x * s + p) for s, p, size in turns)
            rolling = first + second + third * rough
            if kind == "mesas":
                return min(max(4 * rolling, 0), 1.6) + min(max(9 * rolling - 7, 0), 1.4)
            return rolling

        return lambda x: y - swing * rise(x)

    def slope(self, line: Callable[[float], float]) -> Outline:
        """The ground below `line`."""
        xs = [self.w * i / 160 for i in range(161)]
        return [*((x, line(x)) for x in xs), (self.w + 1, self.h + 1), (0, self.h + 1)]

    def woods(self) -> str:
        """The tree that grows here now."""
        if self.has("bamboo"):
            return "bamboo"
        if self.has("spring"):
            return "blossom"
        return "tree" if self.has("autumn", "summer") else "pine"

    def draw_backdrop(self, kind: str, low: float) -> Callable[[float], float]:
        """Layers from far to near; returns the line of the last, which lies at `low`."""
        u, c = self.u, self.canvas
        top, reach = min(self.horizon - 0.03 * self.h, low - 0.1 * u), min(self.h * 0.4, u * 0.5)
        if kind == "peaks":
            self.draw_peaks(top + 0.08 * u, reach * (1.15 if self.has("dramatic") else 0.95))
        line, count = self.wave(low, 0), 2 if kind == "isles" else 3 if self.has("calm") else 4
        for i in range(count):
            near = i / (count - 1)
            away, y = 0.78 - 0.68 * near, top + (low - top) * near**1.2
            if kind == "skyline":
                self.draw_blocks(y, reach * (1.05 - 0.25 * near), away)
                continue
            swing = u * (0.055 - 0.035 * near) * min(self.jag, 1.2)
            if kind == "isles":
                away, y = 0.75 - 0.3 * near, self.horizon + 0.005 * u
            line = self.wave(y, swing, kind)
            outlines, colour = [self.slope(line)], self.land(away)
            if kind == "woods" and near < 1:
                red = _mix(self.leaf("tree"), _rgb("#c9452f" if i % 2 else "#f2bb4f"), 0.35)
                colour = red if self.has("autumn") else self.leaf(self.woods())
                colour = _mix(colour, self.haze, away)
            if near < 1 and kind != "isles":
                size = u * (0.16 + 0.24 * near) if kind == "woods" else u * 0.07 * (0.7 + near)
                outlines += self.grove(line, size, crowded=kind == "woods")
            foot = _mix(colour, self.haze, 0.5 if self.has("fog", "ink") else 0.22)
            c.fill(outlines, colour, foot)
            if self.has("fog") or (self.hour == "ink" and near < 1):
                self.mist(y + 0.1 * u, 0.22 * u, 0.75 if near < 1 else 0.3)
        return line

    def grove(self, line: Callable[[float], float], size: float, crowded: bool) -> list[Outline]:
        """Trees on a far slope: all along it, or in one cluster."""
        rng, kind = self.rng, self.woods()
        if crowded:
            count = round(3.2 * self.w / size)
            xs = [(k + rng.random()) * self.w / count for k in range(count)]
        elif self.place in ("desert", "canyon", "city"):
            return []
        else:
            centre, kind = rng.random(), "tree" if self.place == "field" else kind
            xs = [self.w * centre + self.u * rng.uniform(-0.25, 0.25) for _ in range(7)]
        trees: list[Outline] = []
        for x in xs:
            tall = size * rng.uniform(0.7, 1.15)
            trees += _shape(kind, x, line(x) + (0.17 if crowded else 0.04) * tall, tall)
        return trees

    def draw_peaks(self, base: float, reach: float) -> None:
        count = max(3, round(1.6 * self.w / reach))
        for i in sorted(range(count), key=lambda i: i % 2):  # Every other one stands in front.
            x = self.w * (i + self.rng.uniform(0.15, 0.85)) / count
            tall = reach * self.rng.uniform(0.72, 1.0) * (0.68 if i % 2 else 1.0)
            self.draw_peak(x, base, tall, 0.42 if i % 2 else 0.62)

    def draw_peak(self, x: float, base: float, tall: float, away: float) -> None:
        rng, c = self.rng, self.canvas
        wide = tall * rng.uniform(0.75, 1.0) / (0.8 + 0.2 * self.jag)

        def edge(lean: float, rough: float) -> Outline:
            """From below the summit to the foot."""
            bends = [(t, lean * t + rng.uniform(-rough, rough) * self.jag) for t in steps]
            return [(x + wide * bend, base - tall * (1 - t)) for t, bend in bends]

        steps = (0.14, 0.3, 0.48, 0.7, 1.0)
        left, right, spine = edge(-1, 0.05), edge(1, 0.05), edge(0.16, 0.09)
        summit, colour = (x, base - tall), self.land(away)
        c.fill([[summit, *right, *left[::-1]]], colour, _mix(colour, self.haze, 0.6))
        if self.hour != "ink" and not self.has("summer", "autumn"):
            rim = [
                (x + wide * a, base - tall * b) for a, b in ((0.12, 0.8), (0, 0.66), (-0.1, 0.78))
            ]
            snow = _mix(self.shown((250, 250, 252)), self.haze, 0.2)
            c.fill([[summit, *right[:2], *rim, *left[1::-1]]], snow)
        dark = _mix(colour, self.lit((30, 36, 70)), 0.4)
        c.fill([[summit, *right, *spine[::-1]]], dark, _mix(dark, self.haze, 0.7), 0.55)

    def draw_blocks(self, y: float, reach: float, away: float) -> None:
        """A row of houses up to the sky, with windows and at night with signs."""
        rng, c, x = self.rng, self.canvas, -0.02 * self.w
        walls, panes, signs = [], [], []
        while x < self.w:
            wide = self.u * rng.uniform(0.09, 0.18) * (1 - 0.6 * away)
            tall = reach * rng.uniform(0.45, 1.1)
            roof, pane = y - tall, wide / 9
            walls.append(_box(x, roof, x + wide, self.h))
            if rng.random() < 0.5:
                top = roof - wide * rng.uniform(0.2, 0.5)
                walls.append(_box(x + 0.25 * wide, top, x + 0.75 * wide, y))
                walls.append(_box(x + 0.48 * wide, top - 0.5 * wide, x + 0.52 * wide, y))
            for k in range(int(tall / pane / 2.2) - 1):
                for a in (x + pane * (1 + 2 * n) for n in range(4)):
                    if rng.random() < 0.55:
                        b = roof + pane * (1 + 2.2 * k)
                        panes.append(_box(a, b, a + pane, b + 1.3 * pane))
            if away < 0.5 and rng.random() < 0.6 and self.dim:
                signs.append((x + wide * 0.8, y - tall * rng.uniform(0.45, 0.8), wide * 0.22))
            x += wide * rng.uniform(1.02, 1.25)
        colour = self.land(away)
        c.fill(walls, colour, _mix(colour, self.haze, 0.45))
        glass = _rgb("#ffd88a") if self.dim else _mix(colour, self.sky[0], 0.6)
        c.fill(panes, glass, opacity=0.9 - 0.75 * away)
        for a, b, size in signs:
            tint = _rgb(rng.choice(("#ff4fa3", "#37e6f2", "#ffd24a", "#b06bff")))
            c.glow(a + size / 2, b + 1.7 * size, size * 4.5, tint, 0.6)
            c.fill([_box(a, b, a + size, b + 3.4 * size)], tint, keep=1)

    def mist(self, y: float, thick: float, opacity: float) -> None:
        colour = _mix(self.haze, self.sky[1], 0.1)
        for upper, fade in ((y - thick, "up"), (y, "down")):
            self.canvas.fill([_box(0, upper, self.w, upper + thick)], colour, None, opacity, fade)

    def draw_land(self) -> None:
        kind, street = PLACES[self.place][1], self.place == "city"
        low = self.h * (0.8 if street else self.rng.uniform(0.76, 0.82))
        self.horizon = low if street else self.horizon
        line = self.draw_backdrop(kind, low)
        if street:
            self.draw_water(low, wet=self.dim or self.has("rain"))
            line = self.wave(self.h * 0.9, 0)
        self.stand_all(line)
        if not street and self.hour != "ink":
            self.draw_front(line)

    def draw_front(self, line: Callable[[float], float]) -> None:
        """What grows at the lower edge and at the sides."""
        rng, kind = self.rng, PLACES[self.place][2]
        flowery = kind == "flower" or (kind == "tree" and self.has("spring"))
        if flowery or self.has("flower", "joyful"):
            for i in range(16):
                x, y = self.w * (i + rng.random()) / 16, self.h * rng.uniform(0.93, 1.03)
                self.stand("flower", x, y, self.u * rng.uniform(0.09, 0.15), rng.choice("rypw"))
            return
        kind = self.woods() if kind == "pine" else kind
        for side in (0.03, 0.95, *(() if self.subjects else (0.15,))):
            x = self.w * (side + rng.uniform(-0.03, 0.03))
            tall = self.u * _drawings()[kind].size * rng.uniform(0.75, 1.1)
            self.stand(kind, x, max(line(x), self.h * 0.8) + 0.04 * self.h, tall)

    def draw_shore(self) -> None:
        u, deep = self.u, self.h - self.horizon
        self.draw_backdrop(PLACES[self.place][1] if self.place else "isles", self.horizon)
        self.draw_water(self.horizon, wet=True)
        for k in range(4 if self.has("storm") else 0):
            if k == 2:
                self.stand_all(lambda x: self.horizon + deep * 0.5, "water")
            self.draw_swell(k)
        if not self.has("storm"):
            self.stand_all(lambda x: self.horizon + deep * 0.42, "water")
        if "beach" in self.places or "island" in self.places:
            line, sand = self.wave(self.h * 0.86, 0.015 * u), self.shown(_rgb("#edcd98"))
            self.canvas.fill(
                [self.slope(lambda x: line(x) - 0.012 * u)], (255, 255, 255), None, 0.7
            )
            self.canvas.fill([self.slope(line)], sand, self.lit(_rgb("#cfa873")))
            if "palm" not in self.subjects:
                self.stand("palm", self.w * 0.9, self.h * 0.93, 0.5 * u)
            self.stand_all(line, "ground held")
        elif "cliff" in self.places or any(
            _drawings()[name].home == "ground" for name in self.subjects
        ):
            bluff = "cliff" in self.places
            top = self.horizon + self.rng.uniform(-0.04, 0.06) * u + (0 if bluff else 0.35 * deep)
            self.slots = [
                1 - s * u / self.w for s in (self.rng.uniform(0.16, 0.32), 0.08, 0.4, 0.13, 0.36)
            ]
            size = u * self.rng.uniform(0.85, 1.2)
            self.stand("bluff" if bluff else "bank", self.w, top, size)
            self.stand_all(lambda x: top - 0.02 * size, "ground held")
        self.stand_all(lambda x: self.h, "air")

    def draw_water(self, y: float, wet: bool) -> None:
        """A plane from `y` down; if `wet`, what stands above is mirrored in it."""
        c, rng, u, (width, height) = self.canvas, self.rng, self.u, self.canvas.image.size
        level, deep = round(y), height - round(y)
        body = self.lit(_rgb("#57607c" if self.place == "city" else "#3f86a0"))
        body = self.sky[1] if self.hour == "ink" else body
        ends = _mix(body, self.haze, 0.5), _mix(body, self.sky[0], 0.45)
        plane = _gradient(width, deep, *map(c.grade, ends))
        if wet:
            seen = c.image.crop((0, max(level - deep, 0), width, level))
            small = max(width // 3, 1), max(deep // 12, 1)  # Blurs what is seen downwards.
            seen = seen.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
            seen = seen.resize(small, Image.Resampling.BOX)
            plane = Image.blend(seen.resize((width, deep), Image.Resampling.BICUBIC), plane, 0.5)
        c.image.paste(plane, (0, level))
        ripples: tuple[list[Outline], list[Outline]] = ([], [])
        for k in range(26 if self.has("calm", "ink") else 44):
            t, x = rng.random() ** 1.4, rng.random() * self.w
            if k % 2 and self.hour != "ink":  # Half of the ripples glitter below the sun.
                x = self.sun[0] + rng.uniform(-1, 1) * u * (0.06 + 0.16 * t)
            half, thick = u * rng.uniform(0.02, 0.07) * (0.4 + t), u * (0.0012 + 0.0045 * t)
            ripples[k % 4 == 2].append(_oval(x, y + deep * (0.02 + 0.95 * t), half, thick)[::2])
        gleam = (255, 255, 255) if self.hour == "ink" else _mix(self.haze, self.light, 0.6)
        c.fill(ripples[0], gleam, opacity=0.5)
        c.fill(ripples[1], _mix(body, (10, 20, 50), 0.4), opacity=0.3)

    def draw_swell(self, row: int) -> None:
        """A row of the waves of a storm, with foam on their crests."""
        u, y = self.u, self.horizon + (self.h - self.horizon) * (0.14 + 0.24 * row)
        speed, phase = self.rng.uniform(4.5, 6) / (u * (0.8 + 0.25 * row)), self.rng.uniform(0, 3)
        body = self.lit(_rgb("#3a7f9f"), 0.3 - 0.1 * row)
        xs = [self.w * i / 240 for i in range(241)]
        for foam, colour in ((0.012 * u, self.shown((235, 244, 250))), (0.0, body)):
            crest = [(x, abs(math.sin(x * speed + phase))) for x in xs]
            top = [
                (x, y + u * (0.014 + 0.012 * row) * (2 * v**0.8 - 1) - foam * (1 - v))
                for x, v in crest
            ]
            outline = [*top, (self.w, self.h + 1), (0.0, self.h + 1)]
            self.canvas.fill([outline], colour, _mix(colour, (8, 20, 45), 0.4))

    def draw_space(self) -> None:
        c, rng, u = self.canvas, self.rng, self.u
        for tint, x in (("#c2478f", 0.25), ("#3f7fd0", 0.8)):
            spread = 0.6 * max(self.w, self.h)
            c.glow(self.w * x, self.h * rng.uniform(0.2, 0.7), spread, _rgb(tint), 0.3)
        if self.has("planet") and len(self.subjects) > 1:  # Seen from near, below the others.
            colour, x = _rgb(INKS["v"]), self.w * rng.uniform(0.3, 0.5)
            radius = max(self.w * 0.75, 0.8 * u)
            y = self.h * rng.uniform(0.74, 0.8) + radius
            c.glow(x, y, radius * 1.25, _mix(colour, (255, 255, 255), 0.3), 0.9)
            c.fill([_oval(x, y, radius, radius)], _mix(colour, (255, 230, 240), 0.25), self.sky[0])
            self.subjects.remove("planet")
        x, size = self.w * rng.uniform(0.18, 0.3), u * rng.uniform(0.1, 0.2)
        self.stand("planet", x, self.h * 0.34, size, rng.choice("oyt"))
        self.stand_all(lambda x: self.h * 0.8)

    def draw_seabed(self) -> None:
        u, rng = self.u, self.rng
        self.draw_beams(self.w * 0.3, -0.2 * self.h)
        for away in (0.5, 0.25, 0.0):
            line = self.wave(self.h * (0.92 - 0.22 * away), 0.04 * u)
            colour, weeds = _mix(self.lit(_rgb("#2a6f86")), self.sky[1], away), []
            for _ in range(9):
                x, tall = rng.random() * self.w, u * rng.uniform(0.1, 0.26)
                sway = [
                    (x + 0.02 * u * math.sin(k * 1.3), line(x) - tall * k / 6) for k in range(7)
                ]
                back = [(a + 0.022 * u * (1 - k / 7), b) for k, (a, b) in enumerate(sway)]
                weeds.append(_curve([*sway, *back[::-1]]))
            self.canvas.fill([self.slope(line), *weeds], colour, _mix(colour, self.sky[2], 0.5))
        self.scatter(24, 0.014, (235, 255, 252), 0.35)
        self.stand_all(lambda x: self.h * (0.52 + 0.1 * math.sin(x)))

    def draw_block(self) -> None:
        """A block of the land, seen from above, in the air or in the fog."""
        u, x, y, rng = self.u, self.w / 2, self.h * 0.56, self.rng
        a, b, kind = 0.44 * u, 0.22 * u, "pine" if self.has("fog") else self.woods()
        self.stand("block", x, y, 2 * a)
        if self.has("fog"):
            self.mist(y + 1.75 * b, 0.9 * b, 0.9)
        back = [(-0.72, -0.1), (-0.36, -0.46), (0.0, -0.8), (0.36, -0.46), (0.72, -0.1)]
        front = [(rng.uniform(-0.6, -0.4), 0.3), (rng.uniform(0.4, 0.6), 0.3), (0.14, 0.72)]
        for i, j in [*back, *front]:
            if (i, j) == front[0]:
                self.slots = [0.5, *(0.5 + s * u / self.w for s in (-0.2, 0.2, 0.1, -0.1))]
                self.stand_all(lambda _: y + 0.3 * b)
            if rng.random() < 0.85:
                size = u * (rng.uniform(0.15, 0.25) if j < 0 else rng.uniform(0.06, 0.1))
                self.stand(kind, x + (i + rng.uniform(-0.04, 0.04)) * a, y + j * b, size)

    def stand(self, name: str, x: float, y: float, size: float, accent: str = "r") -> None:
        """Draws what has its foot at (x, y) and is `size` pixels high."""
        c, drawing = self.canvas, _drawings()[name]
        afloat = drawing.home == "water" and self.world != "underwater"
        shapes = _shape(name, x, y, size)
        if afloat:  # What is below the water is not seen; what is above is mirrored.
            shapes = [[(a, min(b, y)) for a, b in shape] for shape in shapes]
            mirrored = [[(a, y + (y - b) * 0.55) for a, b in shape] for shape in shapes]
            c.fill(mirrored, self.lit((30, 40, 70)), None, 0.35, "down")
        elif drawing.home == "ground" and name != "flower":
            c.fill([_oval(x, y, size * 0.24, size * 0.025)], self.lit((20, 24, 50)), opacity=0.3)
        if name == "lighthouse" and (self.dim or self.hour == "sunset"):
            lamp = y - 0.8 * size
            for far, fade in ((x - 1.3 * size, "left"), (x + 1.3 * size, "right")):
                beam = [(x, lamp), (far, lamp - 0.22 * size), (far, lamp + 0.06 * size)]
                c.fill([beam], self.light, None, 0.5, fade)
        parts = [(letter, shape) for (letter, _), shape in zip(drawing.parts, shapes, strict=True)]
        lights = [shape for letter, shape in parts if letter == "L"]
        for letter, shape in parts:
            colour = self.tone(letter, name, accent)
            deep = _mix(colour, self.lit((24, 26, 56)), 0.6 if self.dim else 0.4)
            c.fill([shape], colour, deep if letter in "RM" else None, keep=self.keep)
        solid = [shape for letter, shape in parts if letter not in "LV"]
        c.fill(solid, self.lit((22, 24, 60)), None, 0.3, "left")
        for shape in lights if self.dim else ():
            a, b = (sum(axis) / len(shape) for axis in zip(*shape, strict=True))
            c.fill([shape], self.light)
            c.glow(a, b, 0.16 * size, self.light, 0.4)

    def stand_all(
        self, line: Callable[[float], float], homes: str = "ground water air held"
    ) -> None:
        """Every subject that belongs to one of `homes`, the first at the best place."""
        for i, name in enumerate(self.subjects):
            home, _, size, _ = _drawings()[name]
            if home not in homes or (name == "flower" and i > 0):
                continue
            x, size = self.w * self.slots[i], size * self.u * (1.0 if i == 0 else 0.8)
            size *= self.rng.uniform(0.9, 1.1)
            foot = max(line(x - size * 0.2), line(x + size * 0.2)) + 0.012 * self.u
            if home == "held":  # By the first subject, at the height of its hand.
                x, foot = self.w * self.slots[0] - 0.28 * self.u, foot - 0.08 * self.u
            if home == "air":
                foot = self.h * (0.62 if self.world == "space" else 0.42)
            self.stand(name, x, foot, size)
            for k in range({"bird": 6, "fish": 4, "bamboo": 2}.get(name, 0)):
                a, b = self.u * self.rng.uniform(-0.25, 0.25), self.u * self.rng.uniform(-0.14, 0.1)
                b = 0.0 if name == "bamboo" else b
                self.stand(name, x + a, foot + b, size * (0.9 - 0.1 * k))

    def scatter(self, count: int, size: float, colour: Colour, opacity: float) -> None:
        rng = self.rng
        spots = [(rng.random() * self.w, rng.random() * self.h, rng.uniform(0.5, 1) * size * self.u)
                 for _ in range(count)]  # fmt: skip
        self.canvas.fill([_oval(x, y, r, r)[::2] for x, y, r in spots], colour, opacity=opacity)

    def draw_weather(self) -> None:
        rng, u, c = self.rng, self.u, self.canvas
        if self.has("fog") and not self.world:
            self.mist(self.horizon + 0.05 * self.h, 0.2 * self.h, 0.35)
        if self.has("rain", "storm"):
            drops = []
            for _ in range(150):
                x, y, long = rng.uniform(0, 1.2) * self.w, rng.random() * self.h, rng.uniform(3, 8)
                lower, foot = y + 0.01 * u * long, x - 0.0025 * u * long
                drops.append([(x, y), (foot, lower), (foot - 0.002 * u, lower)])
            c.fill(drops, _mix(self.haze, (255, 255, 255), 0.6), opacity=0.5)
        if self.has("snow"):
            for count, size, opacity in ((90, 0.0035, 0.85), (45, 0.007, 0.9), (14, 0.014, 0.5)):
                self.scatter(count, size, (255, 253, 250), opacity)
        if self.has("spring", "autumn", "wind"):
            colour = self.shown(_rgb(SEASONS["spring" if self.has("spring") else "autumn"][2]))
            petals = []
            for _ in range(26):
                x, y, turn = rng.random() * self.w, rng.random() * self.h, rng.uniform(0, 3)
                cos, sin = math.cos(turn), math.sin(turn)
                petal = _oval(0, 0, u * rng.uniform(0.007, 0.015), u * rng.uniform(0.003, 0.007))
                petals.append(
                    [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in petal[::4]]
                )
            c.fill(petals, colour, opacity=0.9)
        if self.hour == "ink":  # The seal of the painter, without a name.
            self.keep = 0.8
            self.stand("seal", self.w - 0.07 * u, self.h - 0.05 * u, 0.05 * u)


def draw(prompt: str, width: int, height: int, seed: int) -> bytes:
    """The poster of `prompt` as PNG bytes; the same arguments give the same bytes."""
    png = io.BytesIO()
    _Painter(prompt, width, height, seed).paint().save(png, "PNG", compress_level=3)
    return png.getvalue()


class Sketch:
    """The built-in provider: free, at once, and without a network."""

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        size = request.width, request.height
        data = await asyncio.to_thread(draw, request.prompt, *size, request.seed)
        given = {
            "negative prompt": request.negative_prompt or None,
            "steps": request.steps,
            "guidance": request.guidance,
        }
        notes = tuple(f"{name} ignored by sketch" for name in given if given[name] is not None)
        return Picture(data, "image/png", *size, request.seed, Decimal(0), notes)

    async def check(self, *, key: str | None) -> Check:
        return Check(True, "built in, needs no network")

    async def aclose(self) -> None:
        pass


def create(entry: Entry) -> Provider:
    return Sketch()
