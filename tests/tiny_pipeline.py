"""Pipelines of diffusers that are real but for their size: a few thousand random weights."""

from __future__ import annotations

import json
import string
import warnings
from pathlib import Path
from typing import Any


def save_pipelines(folder: Path) -> None:
    """`fox` is Stable Diffusion, `strict` the same with a safety checker that lets nothing pass,
    `lcm` a latent consistency model, and `noise` one that makes pictures without a prompt.
    """
    import torch
    from diffusers import (
        DDPMPipeline,
        DDPMScheduler,
        EulerDiscreteScheduler,
        LatentConsistencyModelPipeline,
        LCMScheduler,
        StableDiffusionPipeline,
        UNet2DModel,
    )
    from transformers import CLIPImageProcessor

    torch.manual_seed(0)
    parts: dict[str, Any] = {
        "vae": _vae(),
        "tokenizer": _tokenizer(folder / "words"),
        "text_encoder": _text_encoder(),
        "unet": _unet(),
        "scheduler": EulerDiscreteScheduler(steps_offset=1),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    StableDiffusionPipeline(**parts).save_pretrained(folder / "fox")
    StableDiffusionPipeline(**parts).save_pretrained(folder / "half", variant="fp16")
    looks = {"size": {"shortest_edge": 8}, "crop_size": {"height": 8, "width": 8}}
    strict = {"safety_checker": _checker(), "feature_extractor": CLIPImageProcessor(**looks)}
    StableDiffusionPipeline(**parts | strict).save_pretrained(folder / "strict")
    lcm = {"unet": _unet(time_cond_proj_dim=8), "scheduler": LCMScheduler()}
    LatentConsistencyModelPipeline(**parts | lcm).save_pretrained(folder / "lcm")
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    unet = UNet2DModel(sample_size=8, block_out_channels=(8, 8), norm_num_groups=4, **blocks)
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder / "noise")


def _words() -> dict[str, int]:
    letters = list(string.ascii_lowercase)
    words = [*letters, *(f"{letter}</w>" for letter in letters), "fo", "fox</w>"]
    return {word: place for place, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(_words()))
    (folder / "merges.txt").write_text("#version: 0.2\nf o\nfo x</w>\n")
    files = (str(folder / name) for name in ("vocab.json", "merges.txt"))
    return CLIPTokenizer(*files, model_max_length=16)


def _text_encoder() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    words = _words()
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16,
        bos_token_id=words["<|startoftext|>"],
        eos_token_id=words["<|endoftext|>"],
    )
    return CLIPTextModel(config)


def _unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **more,
    )


def _vae() -> Any:
    """Four levels, so that a latent stands for 8 × 8 pixels; no attention, which takes its time."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8,) * 4,
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False,
    )


def _checker() -> Any:
    """Its thresholds are such that everything is too much for it."""
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision = {**small, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = CLIPConfig(text_config=small, vision_config=vision, projection_dim=8)
        checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights = torch.nn.Parameter(torch.full((17,), -2.0))
    return checker
