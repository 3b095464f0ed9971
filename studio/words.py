"""Sentences that the studio says, by code, so that the page can say them in another language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

SENTENCES = {
    "no_key": "no key: set {variable}",
    "no_address": "no address: set {variable}",
    "over_budget": "over budget: it costs ${usd} and paid is off",
    "over_ceiling": "over budget: it costs ${usd} and ${left} is left today",
    "over_image": "over budget: it costs ${usd}, more than ${ceiling} a picture",
    "unknown_price": "over budget: its price is unknown and no ceiling is set for it",
    "spent": "included credit is spent until {until}",
    "not_installed": "not installed: {command}",
    "resting": "resting until {until} after a failure",
    "not_set_up": "not set up, until another start or another key: {reason}",
    "private": "left out: it sends the prompt to {where}, and the privacy switch says {privacy}",
    "other_model": "left out: it does not have the model {model}",
    "may_be_billed": "left out: another paid one may have been billed",
    "after_refusal": "left out: after a refusal only free ones are asked",
    "stopped": "stopped by you",
    "too_late": "unreachable: the time for this request was over",
    "deleted": "the picture was deleted since",
    "defect": "a fault in Freebrush ({kind}); the log says more",
    "no_answer": "no answer within {seconds} s",
    "empty": "{field} must not be empty; write up to {high} characters",
    "too_long": "{field} must be at most {high} characters long, not {given}",
    "not_text": "{field} must be text of at most {high} characters, not {given}",
    "not_plain": "{field} must be plain text of at most {high} characters, nothing broken or NUL",
    "not_whole": "{field} must be a whole number from {low} to {high}, not {given}",
    "not_number": "{field} must be a number from {low} to {high}, not {given}",
    "other_request": "{field} {given} was sent before, with another request; send a new one",
    "retired": "{field} {given} is no longer served; {new} replaces it",
    "unknown_name": "{field} {given} is not known; known are {known}",
}  # fmt: skip


class Said:
    """A sentence with its code and values. `str()` is the English one, `at` when that is over."""

    def __init__(self, code: str, at: datetime | None = None, **values: Any) -> None:
        self.code = code
        self.at = at
        self.values = values

    def __str__(self) -> str:
        return SENTENCES[self.code].format(**self.values)


class BadInput(ValueError):
    """A request that is refused before anything is sent or recorded. `str()` names the field."""

    def __init__(self, code: str, field: str, **values: Any) -> None:
        self.said = Said(code, field=field, **values)
        super().__init__(str(self.said))
        self.field = field
