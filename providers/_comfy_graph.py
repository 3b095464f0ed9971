"""A graph for ComfyUI: ours, or a workflow of the owner, with the request filled in. No I/O here.

A workflow is what ComfyUI exports in its API format. Text in it may hold `{{prompt}}`,
`{{negative_prompt}}`, `{{width}}`, `{{height}}`, `{{seed}}`, `{{steps}}`, `{{guidance}}` and
`{{model}}`; a text that is nothing but one of them becomes the number, where it is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from providers._sides import Sides
from providers.base import PictureRequest

SIDES = Sides(min=16, max=16_384, step=8)
"""What EmptyLatentImage takes; a side between two multiples of 8 would be cut down silently."""

STEPS, GUIDANCE = 20, 8.0
SAMPLER, SCHEDULER = "euler", "normal"
"""What ComfyUI's own first workflow has."""

Graph = dict[str, Any]
_PLACE = re.compile(
    r"\{\{(prompt|negative_prompt|width|height|seed|steps|guidance|model)\}\}"
)  # fmt: skip


def default_graph(options: Mapping[str, Any]) -> Graph:
    """Text to image with a checkpoint. PreviewImage and not SaveImage: the picture is kept by us,
    and the prompts of others have no business in the output folder of whoever lends the machine.
    """
    sampling = {
        "seed": "{{seed}}",
        "steps": "{{steps}}",
        "cfg": "{{guidance}}",
        "sampler_name": str(options.get("sampler_name") or SAMPLER),
        "scheduler": str(options.get("scheduler") or SCHEDULER),
        "denoise": 1.0,
    }
    size = {"width": "{{width}}", "height": "{{height}}", "batch_size": 1}
    links = {"positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    return {
        "4": _node("CheckpointLoaderSimple", ckpt_name="{{model}}"),
        "5": _node("EmptyLatentImage", **size),
        "6": _node("CLIPTextEncode", text="{{prompt}}", clip=["4", 1]),
        "7": _node("CLIPTextEncode", text="{{negative_prompt}}", clip=["4", 1]),
        "3": _node("KSampler", model=["4", 0], **sampling, **links),
        "8": _node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": _node("PreviewImage", images=["8", 0]),
    }


def places_in(graph: Graph) -> set[str]:
    """The names of the places to fill in."""
    return {name for text in _texts(graph) for name in _PLACE.findall(text)}


def loader_in(graph: Graph) -> tuple[str, str] | None:
    """The class of the node, and its input, that are given the model."""
    for node in graph.values():
        for name, value in node["inputs"].items():
            if value == "{{model}}":
                return str(node["class_type"]), str(name)
    return None


def size_of(request: PictureRequest, places: Collection[str]) -> tuple[int, int]:
    """The size to ask for, where the workflow can be asked for one."""
    if "width" in places or "height" in places:
        return SIDES.nearest(request.width, request.height)
    return request.width, request.height


def filled(
    graph: Graph, request: PictureRequest, size: tuple[int, int], model: str, options: Any
) -> Graph:
    guidance = request.guidance
    values = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "width": size[0],
        "height": size[1],
        "seed": request.seed,
        "steps": request.steps or int(options.get("steps", STEPS)),
        "guidance": float(options.get("guidance", GUIDANCE)) if guidance is None else guidance,
        "model": model,
    }
    result: Graph = _fill(graph, values)
    return result


def ignored(request: PictureRequest, places: Collection[str]) -> Iterator[str]:
    """A note for everything that was asked for and has no place in the workflow."""
    asked = {
        "negative_prompt": bool(request.negative_prompt),
        "seed": True,
        "steps": request.steps is not None,
        "guidance": request.guidance is not None,
    }
    for name, given in asked.items():
        if given and name not in places:
            yield f"{name.replace('_', ' ')} ignored by comfyui"


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, values) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value)
    if whole:
        return values[whole[1]]
    return _PLACE.sub(lambda place: str(values[place[1]]), value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _node(kind: str, **inputs: Any) -> Graph:
    return {"class_type": kind, "inputs": inputs}
