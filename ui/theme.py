"""The look: Gradio's theme variables set to our colours; `style.css` does the rest."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

CSS = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
SCRIPT = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
FONTS = ("system-ui", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans SC", "sans-serif")


_NO_DARK = ("input_radius",)
"""Variables that have one value for light and dark."""


def theme() -> gr.themes.Base:
    """Calm paper and ink, one green accent, no web fonts."""
    both = {
        "body_background_fill": "var(--paper)",
        "background_fill_primary": "var(--card)",
        "background_fill_secondary": "var(--paper)",
        "block_background_fill": "transparent",
        "block_border_width": "0px",
        "block_label_text_color": "var(--soft)",
        "block_title_text_color": "var(--soft)",
        "block_info_text_color": "var(--soft)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--soft)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "input_background_fill": "var(--paper)",
        "input_border_width": "1px",
        "input_radius": "10px",
        "input_border_color": "var(--line)",
        "input_border_color_focus": "var(--accent)",
        "input_placeholder_color": "var(--soft)",
        "button_primary_background_fill": "var(--accent)",
        "button_primary_background_fill_hover": "var(--accent)",
        "button_primary_border_color": "transparent",
        "button_primary_border_color_hover": "transparent",
        "button_primary_text_color": "var(--accent-ink)",
        "button_secondary_background_fill": "transparent",
        "button_secondary_background_fill_hover": "var(--tint)",
        "button_secondary_text_color": "var(--soft)",
        "button_secondary_border_color": "var(--line)",
        "button_cancel_background_fill": "transparent",
        "button_cancel_background_fill_hover": "var(--bad-tint)",
        "button_cancel_text_color": "var(--bad)",
        "color_accent_soft": "var(--tint)",
        "link_text_color": "var(--accent)",
    }
    chosen: dict[str, str] = dict(both)
    chosen |= {f"{name}_dark": value for name, value in both.items() if name not in _NO_DARK}
    base = gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=FONTS, font_mono=FONTS)
    return base.set(**chosen)
