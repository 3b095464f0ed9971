"""Whether what a picture takes is on this disk: the packages and the model. Quick: it imports and
loads nothing, so that a machine without them loses no time.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from providers.errors import NotConfigured

PIP = "pip install -r requirements-gpu.txt"
_PACKAGES = ("torch", "diffusers", "transformers")
_INDEX = "model_index.json"


def require_packages() -> None:
    """Raises NotConfigured with the pip command."""
    absent = [name for name in _PACKAGES if find_spec(name) is None]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        raise NotConfigured(f"{', '.join(absent)} {verb} not installed: {PIP}")


def is_folder(model: str) -> bool:
    return (Path(model).expanduser() / _INDEX).is_file()


def is_here(model: str) -> bool:
    """Whether `model` is a pipeline's folder, or in the cache of the hub, if only begun."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return is_folder(model) or isinstance(try_to_load_from_cache(model, _INDEX), str)
    except HFValidationError:  # a path, and nothing is there
        return False


def absent(model: str) -> NotConfigured:
    """The error for a model that is not here, or not all of it, and may not be fetched."""
    if model[:1] in "/.~" or is_folder(model):
        return NotConfigured(f"there is no whole pipeline of diffusers in {model}")
    return NotConfigured(
        f"{model} is not on this disk, and it is gigabytes: run hf download {model}, or set "
        "download: true in the entry's options"
    )
