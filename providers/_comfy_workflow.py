"""Reads a workflow of the owner: what ComfyUI exports in its API format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from providers._comfy_graph import Graph, places_in
from providers.errors import NotConfigured


def load_graph(name: str) -> Graph:
    """The workflow in a file: its path, absolute or from the folder of config.yaml."""
    config = os.environ.get("FREEBRUSH_CONFIG")
    folder = Path(config).parent if config else Path(__file__).parent.parent
    try:
        graph = json.loads((folder / name).read_text("utf-8"))
    except OSError as error:
        raise NotConfigured(f"the workflow {name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise NotConfigured(f"the workflow {name} is not JSON") from error
    if not isinstance(graph, dict) or not all(map(_is_node, graph.values())):
        raise NotConfigured(f"the workflow {name} is not in API format; export it as such")
    if "prompt" not in places_in(graph):
        raise NotConfigured(f"the workflow {name} has no place for {{{{prompt}}}}")
    return graph


def _is_node(value: Any) -> bool:
    return (
        isinstance(value, dict) and "class_type" in value and isinstance(value.get("inputs"), dict)
    )
