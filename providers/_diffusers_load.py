"""Loads a pipeline of diffusers onto the device that it shall run on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from providers import _diffusers_disk as disk
from providers._answer import words
from providers.errors import NotConfigured, ProviderError, Unavailable

_DTYPES = ("float32", "float16", "bfloat16")


def load(model: str, options: Mapping[str, Any], say: Callable[[str], None]) -> Any:
    """The pipeline of `model`: an id of the hub's, or a folder. Raises a ProviderError.

    The network is asked only with `download`, and only for what is not on this disk.
    """
    say("loading the model")
    torch, diffusers = _imported("torch"), _imported("diffusers")
    device, place = device_of(options), model
    how = {"dtype": _dtype_of(torch, options, device), "variant": options.get("variant")}
    if disk.is_folder(model):
        place = str(Path(model).expanduser())
    read = diffusers.DiffusionPipeline.from_pretrained
    try:
        try:
            pipe = read(place, local_files_only=True, **how)
        except OSError as error:
            if place != model or not options.get("download"):
                raise disk.absent(model) from error
            say(f"downloading {model}")
            pipe = read(place, **how)
        pipe = pipe.to(device)
    except ProviderError:
        raise
    except Exception as error:
        raise _failure(model, place, error) from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def device_of(options: Mapping[str, Any]) -> str:
    """Where the model shall run. Imports torch. Raises NotConfigured."""
    torch, wanted = _imported("torch"), str(options.get("device", "auto"))
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if wanted == "auto":
        return next((name for name, is_there in there.items() if is_there()), "cpu")
    kind = wanted.partition(":")[0]
    if kind != "cpu" and kind not in there:
        raise NotConfigured(f"device is {wanted}; known are auto, cpu, cuda and mps")
    if kind != "cpu" and not there[kind]():
        raise NotConfigured(f"device is {wanted}, and torch finds none here")
    return wanted


def _dtype_of(torch: Any, options: Mapping[str, Any], device: str) -> Any:
    """Half the memory where a GPU is made for it: bfloat16, which unlike float16 overflows in no
    model that we know of.
    """
    wanted = str(options.get("dtype", "auto"))
    if wanted == "auto":
        wanted = "float32"
        if device.startswith("cuda"):
            wanted = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if wanted not in _DTYPES:
        raise NotConfigured(f"dtype is {wanted}; known are auto, {', '.join(_DTYPES)}")
    return getattr(torch, wanted)


def _imported(name: str) -> Any:
    """The package, imported. Takes seconds the first time."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:
        said = words(str(error))
        raise NotConfigured(f"{name} is installed but does not start: {said}") from error


def _failure(model: str, place: str, error: Exception) -> ProviderError:
    """The error for a model that did not load."""
    from huggingface_hub.errors import RepositoryNotFoundError

    if isinstance(error.__cause__ or error, RepositoryNotFoundError):  # a closed one included
        return NotConfigured(
            f"Hugging Face has no model {model} for us; if it asks for consent, give it on its "
            "page and set HF_TOKEN"
        )
    if is_out_of_memory(error):
        return Unavailable(f"{model} does not fit into the memory")
    said = words(str(error).replace(place, model)) or type(error).__name__
    return Unavailable(f"{model} could not be loaded: {said}")


def is_out_of_memory(error: Exception) -> bool:
    """A GPU's has a class; an ordinary memory's and Apple's are known by torch's words alone."""
    known = (MemoryError, getattr(_imported("torch"), "OutOfMemoryError", MemoryError))
    return isinstance(error, known) or any(
        said in str(error)
        for said in ("can't allocate memory", "not enough memory", "out of memory")
    )
