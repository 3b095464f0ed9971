"""The right-hand side of Create: the picture, or what is going on, or what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from providers.base import Progress
from studio.config import Config
from studio.offer import Planned
from studio.receipt import Attempt, NobodyCould
from studio.signing import Signer
from studio.studio import Made
from studio.words import BadInput
from ui.formats import cost, label, pill, short_model
from ui.words import Words


class ResultView:
    """Draws one request's outcome in one language."""

    def __init__(self, config: Config, signer: Signer, words: Words) -> None:
        self._config = config
        self._signer = signer
        self.words = self._words = words

    def empty(self) -> str:
        return f'<div class="empty"><span>{escape(self._words("result.empty"))}</span></div>'

    def running(self, row: Planned | None, progress: Progress | None, elapsed: float) -> str:
        """Who is being asked, for how long, and how far that is."""
        words = self._words
        says = words("result.starting")
        if row:
            says = words("result.asking", provider=self._label(row.entry.name))
        more = " · ".join(_progress_words(progress, words)) if progress else ""
        bar = ""
        if progress and progress.fraction is not None:
            bar = f'<progress max="1" value="{progress.fraction:.3f}"></progress>'
        return (
            f'<div class="empty"><span>'
            f'<strong role="timer" aria-live="off" data-elapsed="{elapsed:.2f}">'
            f"{escape(words('badge.seconds', seconds=f'{elapsed:.1f}'))}</strong>"
            f"{escape(says)}<br>{escape(more)}{bar}</span></div>"
        )

    def made(self, made: Made, prompt: str) -> str:
        """The picture, its badges, its notes and the way to it."""
        receipt, words = made.receipt, self._words
        source = escape(self._signer.link(receipt.sha256))
        wide = "wide" if 3 * receipt.width > 4 * receipt.height else ""
        seed = (
            words("badge.no_seed")
            if receipt.seed is None
            else words("badge.seed", seed=receipt.seed)
        )
        badges = [
            pill(self._label(receipt.provider), "paid" if receipt.sample else "free"),
            *([pill(words("sample.badge"), "paid")] if receipt.sample else []),
            *(
                [pill(short_model(receipt.model))]
                if receipt.model not in (receipt.provider, "default")
                else []
            ),
            pill(words("badge.seconds", seconds=f"{receipt.seconds:.1f}")),
            pill(cost(receipt.cost_usd, receipt.paid_by, words)),
            pill(seed),
            pill(f"{receipt.width}×{receipt.height}"),
        ]
        notes = f'<p class="notes">{escape(" · ".join(receipt.notes))}</p>' if receipt.notes else ""
        return (
            f'<div class="frame {wide}"><img src="{source}" alt="{escape(prompt)}" '
            f'width="{receipt.width}" height="{receipt.height}"></div>'
            f'{self._sample() if receipt.sample else ""}<div class="badges">{"".join(badges)}</div>'
            f"{notes}"
        )

    def download(self, made: Made) -> str:
        link = escape(self._signer.link(made.receipt.sha256, download="1"))
        return f'<a href="{link}" download>{escape(self._words("download"))}</a>'

    def bad(self, error: BadInput) -> str:
        return self._problem(self._words("result.bad"), [self._words.say(error.said)])

    def failed(self, error: NobodyCould) -> str:
        """What to do next for each offer."""
        steps = [step for attempt in error.attempts if (step := self._next(attempt))]
        words = self._words
        return self._problem(
            words("result.failed"), list(dict.fromkeys(steps)) or [words("next.again")]
        )

    def stopped(self, billed: bool) -> str:
        says = self._words("result.stopped.billed" if billed else "result.stopped")
        return self._problem(says, [], kind="")

    def fault(self) -> str:
        return self._problem(self._words("result.fault"), [])

    def _problem(self, title: str, steps: Sequence[str], kind: str = "bad") -> str:
        tag = "p" if len(steps) == 1 else "li"
        items = "".join(f"<{tag}>{escape(step)}</{tag}>" for step in steps)
        return (
            f'<div class="empty said {kind}" role="alert"><div><b>{escape(title)}</b>'
            f"{f'<ul>{items}</ul>' if len(steps) > 1 else items}"
            f'<div class="kept">{escape(self._words("result.kept"))}</div></div></div>'
        )

    def _sample(self) -> str:
        words = self._words
        link = f'<button class="link" data-go-costs type="button">{words("sample.next")}</button>'
        return f'<p class="sample">{words("sample.words")} {link}</p>'

    def _next(self, attempt: Attempt) -> str | None:
        key = f"next.{attempt.said.code if attempt.said else attempt.outcome}"
        if key not in self._words.table:
            return None
        values = dict(attempt.said.values) if attempt.said else {}
        if attempt.retry_at and f"{key}.at" in self._words.table:
            key, values["time"] = f"{key}.at", _minute(attempt.retry_at)
        return self._words(key, provider=self._label(attempt.provider), **values)

    def trail(self, attempts: Sequence[Attempt], paid_by: str = "") -> str:
        """Every offer that was tried or left out, with its reason, seconds and cost."""
        if not attempts:
            return ""
        rows = "".join(self._trail_row(attempt, paid_by) for attempt in attempts)
        return f'<ol class="trail" aria-label="{escape(self._words("trail"))}">{rows}</ol>'

    def _trail_row(self, attempt: Attempt, paid_by: str) -> str:
        words, made = self._words, attempt.outcome == "succeeded"
        left_out = attempt.outcome == "skipped"
        dot = "ok" if made else "" if left_out else "no"
        if made:
            says = words("trail.made")
        elif left_out:
            says = words.say(attempt.said) if attempt.said else attempt.reason
        else:
            says = words(f"outcome.{attempt.outcome}")
            repeats = attempt.reason.startswith(says)
            says = attempt.reason if repeats else f"{says} · {attempt.reason}"
        if attempt.retry_at and not left_out:  # a rest says so itself
            says += " · " + words("trail.retry", time=_minute(attempt.retry_at))
        facts = [] if left_out else [words("badge.seconds", seconds=f"{attempt.seconds:.1f}")]
        if made:
            facts.append(cost(attempt.cost_usd, paid_by, words))
        if attempt.billed == "maybe":
            facts.append(words("trail.billed"))
        return (
            f'<li><span class="dot {dot}"></span><b>{escape(self._label(attempt.provider))}</b>'
            f'<span class="{"soft" if left_out else ""}">{escape(says)}</span>'
            f'<span class="soft">{escape(" · ".join(facts))}</span></li>'
        )

    def _label(self, name: str) -> str:
        return label(self._config, name, self._words)


def _minute(instant: datetime) -> str:
    """The first full minute that is not before it."""
    return f"{instant + timedelta(seconds=59):%Y-%m-%d %H:%M} UTC"


def _progress_words(progress: Progress, words: Words) -> list[str]:
    said = [progress.words] if progress.words else []
    if progress.queue_place is not None:
        said.append(words("result.queue", place=progress.queue_place))
    if progress.eta_seconds is not None:
        said.append(words("result.eta", seconds=round(progress.eta_seconds)))
    return said
