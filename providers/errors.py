"""What can go wrong at a provider: one class for each thing the router does next."""

from __future__ import annotations

from datetime import datetime


class ProviderError(Exception):
    """A provider could not give the picture. `str()` is a sentence fit to show, free of secrets."""

    outcome = "defect"
    retry_at: datetime | None = None

    @property
    def reason(self) -> str:
        return str(self)


class Unavailable(ProviderError):
    """No connection, 5xx, model loading, queue full, or the answer is not a picture.

    `again`: nothing was accepted, and the same may work in a moment.
    """

    outcome = "unavailable"

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


class Unreachable(Unavailable):
    """Nobody answers there, or not in time: the next request had better not wait for it either."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason, again=again)


class Spoilt(Unavailable):
    """What came where a picture was due is none, or is not whole. One that costs money may have
    been made, and billed, all the same: the router takes it for lost.
    """


class RateLimited(ProviderError):
    """Too many requests; a short wait cures it. `retry_at` (UTC) when the service said when."""

    outcome = "rate_limited"

    def __init__(self, reason: str, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.retry_at = retry_at


class QuotaExhausted(ProviderError):
    """Credit or allowance is gone until `resets_at` (UTC), where the service said when."""

    outcome = "quota_exhausted"

    def __init__(self, reason: str, resets_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.resets_at = self.retry_at = resets_at


class NotConfigured(ProviderError):
    """No key, a refused key, or an SDK that is not installed (then with the pip command)."""

    outcome = "not_configured"


class Unsupported(ProviderError):
    """This request, model or size is not for this provider."""

    outcome = "unsupported"


class Gone(Unsupported):
    """The model or the address is not there (404, 410), and will not be there in an hour either."""


class Refused(ProviderError):
    """The provider's content policy said no."""

    outcome = "refused"


class OutcomeUnknown(ProviderError):
    """A job that costs money was accepted and then lost sight of: it may have been billed."""

    outcome = "outcome_unknown"


class Defect(ProviderError):
    """Anything else that an adapter let through: a fault of ours."""

    outcome = "defect"
