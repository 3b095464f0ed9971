"""The provider contract, as one table (tests/cells.py): every adapter × success, a dead host, every
fault, and every answer on record.

A cell is one call of a real adapter, through its real SDK, of a real server on loopback. It ends as
it must and in time, leaves no thread and no open socket behind, and shows nobody the key.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import providers
from providers.base import Model, Picture, PictureRequest, ProviderError
from studio.loader import adapter_names
from tests.canned import picture, rows
from tests.cells import ADAPTERS, FORMS, GRPC, HERE, Cell, answered, cells
from tests.left_behind import SLACK, left_open, nothing_left
from tests.recorded import prompt_of, rig_of

TABLE = list(cells())
PROMPT = PictureRequest("a fox", width=1024, height=1024, seed=7)
SECONDS = 1.0
"""Until the deadline of a cell that nothing else ends."""

PATIENCE = 8.0
"""And of all others, which take milliseconds, or a few when the machine has other things to do."""

SERVICES = ("huggingface", "cogview", "replicate", "stability", "automatic1111", "comfyui")
KINDS = {
    "success (png)", "dead host", "hang before headers", "hang mid-body", "truncated picture",
    "HTML with 200", "empty 200", "wrong content type", "picture bomb", "oversized body",
    "a redirect to a private address", "slow drip",
}  # fmt: skip
GRPC_KINDS = KINDS - {"HTML with 200", "empty 200", "a redirect to a private address", "slow drip"}

OUTCOMES = {
    "huggingface": "not_configured quota_exhausted unsupported refused rate_limited unavailable",
    "cogview": "not_configured quota_exhausted unsupported refused rate_limited unavailable",
    "replicate": "not_configured quota_exhausted unsupported refused rate_limited unavailable",
    "stability": "not_configured quota_exhausted unsupported refused rate_limited unavailable",
    GRPC: "not_configured quota_exhausted unsupported refused rate_limited unavailable",
    "automatic1111": "not_configured unsupported unavailable",
    "comfyui": "not_configured unsupported unavailable",
}
"""What each can end as; none of the local ones counts requests, takes money or has a policy."""

ERRORS = {
    "huggingface": "401 402 403 404 400 410 422 429 500 502 503 504 depleted not-enabled-for-provider "
    "exceeded-your-monthly deprecated no-longer-supported content_policy_violation retry-after",
    "cogview": "1000 1001 1002 1003 1004 1110 1111 1112 1113 1120 1121 1210 1211 1212 1213 1214 "
    "1215 1220 1221 1222 1234 1261 1301 1302 1303 1304 1305 1308 1309 1310 1311 1312 1313 434 435 "
    "500 contentFilter",
    "replicate": "401 402 403 404 422 429 500 503 Insufficient-credit set-up-billing "
    "Invalid-version Input-validation-failed retry_after resets-in-~ NSFW-content-detected "
    "All-generated-images-contained-NSFW E005 canceled aborted",
    "stability": "400 401 402 403 404 413 422 429 500 CONTENT_FILTERED content_moderation "
    "unauthorized payment_required permission_denied bad_request not_found",
    GRPC: "UNAUTHENTICATED RESOURCE_EXHAUSTED PERMISSION_DENIED enough-balance INVALID_ARGUMENT "
    "UNAVAILABLE DEADLINE_EXCEEDED FILTER",
    "automatic1111": "401 404 422 500 Not-Found Incorrect-username Sampler-not-found "
    "OutOfMemoryError",
    "comfyui": "no_prompt invalid_prompt prompt_no_outputs prompt_outputs_failed_validation "
    "required_input_missing value_not_in_list execution_error OutOfMemoryError 400 403 404",
}
"""The errors that each is known for: statuses, codes, and words, with - for a space between them."""

KEYS = {
    "name", "status", "headers", "body", "picture", "half", "fault", "expect", "reason", "source", "at",
    "paid", "retry_in", "resets_at", "midnight", "endless", "raise", "grpc", "details", "finish", "key",
    "never", "picture_form",
}  # fmt: skip
"""What a row may have."""


@dataclass(frozen=True)
class Ended:
    """How a call ended: as a picture, or as an error."""

    outcome: str
    seconds: float
    made: Picture | None = None
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return f"{self.error!r} {self.error}" if self.error else "a picture"


@pytest.mark.parametrize("cell", [pytest.param(cell, id=str(cell)) for cell in TABLE])
async def test_a_cell_of_the_contract_ends_as_it_must(
    cell: Cell, caplog: Any, request: pytest.FixtureRequest
) -> None:
    rig, row = rig_of(cell.adapter), cell.row or {}
    real = request.getfixturevalue("space") if "raise" in row else None
    before = left_open()
    with answered(cell) as scene:
        ended = await _ask(cell, real or scene.address)
        assert real or scene.asked() == _times(cell), "nothing asks again by itself"
    assert ended.seconds < (3 if cell.group == "dead host" else SECONDS + SLACK)
    assert ended.outcome in _allowed(cell), ended.text
    if ended.made:
        assert ended.made.cost_usd == cell.usd
        assert ended.made.data in _sent(cell)
        assert (ended.made.width, ended.made.height) == (64, 64)
        assert ended.made.seed in (PROMPT.seed, None)
    if cell.group == "dead host":
        assert re.search(r"nobody answers at 127\.0\.0\.1:\d+", ended.text)
    if ended.outcome == "outcome_unknown":
        assert "may have been billed" in ended.text
    if ended.error and cell.row:
        _is_told_as_on_record(ended.error, cell.row)
    for secret in _secrets(rig.KEY, row.get("key")):
        assert secret not in ended.text + caplog.text
    await nothing_left(before)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_has_canned_answers(adapter: str) -> None:
    _has_all_that_the_table_needs(adapter, HERE)
    names = [row["name"] for row in rows(adapter)]
    assert not [name for name, count in Counter(names).items() if count > 1]
    for row in rows(adapter):
        assert set(row) <= KEYS, f"{row['name']}: quote what has a comma in it"
        assert row["source"], row["name"]


def _has_all_that_the_table_needs(adapter: str, folder: Path) -> None:
    answers = folder / "wire" / adapter / "answers.yaml"
    told = yaml.safe_load(answers.read_text("utf-8")) if answers.exists() else []
    outcomes = {row["expect"] for row in told}
    assert {"succeeded"} < outcomes, (
        f"providers/{adapter}.py has no canned answers: add tests/wire/{adapter}/answers.yaml with "
        "what the real server answers on success and for each error, each with its source"
    )
    assert (folder / "wire" / adapter / "rig.py").exists(), (
        f"providers/{adapter}.py cannot be driven by the contract table: add "
        f"tests/wire/{adapter}/rig.py as tests/wire/__init__.py describes it"
    )


def test_an_adapter_dropped_in_without_canned_answers_is_told_what_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text("def create(entry): ...")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    assert (
        "planted" in adapter_names()
    )  # and so it is one of those that the test above goes through
    with pytest.raises(AssertionError, match="no canned answers: add tests/wire/planted/answers"):
        test_every_adapter_has_canned_answers("planted")
    (tmp_path / "wire" / "planted").mkdir(parents=True)
    answers = tmp_path / "wire" / "planted" / "answers.yaml"
    answers.write_text("[{name: a picture, expect: succeeded}, {name: none, expect: unavailable}]")
    with pytest.raises(AssertionError, match=r"contract table: add tests/wire/planted/rig\.py as"):
        _has_all_that_the_table_needs("planted", tmp_path)


@pytest.mark.parametrize("label", [*SERVICES, GRPC])
def test_every_service_of_the_plan_meets_every_fault_and_every_error_it_is_known_for(
    label: str,
) -> None:
    mine = [cell for cell in TABLE if cell.label == label]
    if label == GRPC and not mine:
        return  # no SDK for this Python, so that nobody can be asked that way
    met = {cell.name.removeprefix("picture: ") for cell in mine}
    assert (GRPC_KINDS if label == GRPC else KINDS) - met == set()
    recorded = [cell.row for cell in mine if cell.row]
    assert set(OUTCOMES[label].split()) - {row["expect"] for row in recorded} == set()
    said = "\n".join(
        yaml.safe_dump({**row, "source": ""}, allow_unicode=True, width=10_000) for row in recorded
    )
    missing = [word for word in ERRORS[label].split() if word.replace("-", " ") not in said]
    assert [word for word in missing if word not in said] == []


def test_the_table_says_how_many_cells_it_has(capsys: Any) -> None:
    groups = ("success", "dead host", "fault", "on record")
    labels = sorted({cell.label for cell in TABLE})
    count = Counter((cell.label, cell.group) for cell in TABLE)
    lines = [f"{'contract':20}" + "".join(f"{group:>11}" for group in groups)]
    for label in labels:
        lines.append(f"{label:20}" + "".join(f"{count[label, group]:11}" for group in groups))
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\n{len(TABLE)} cells, none of them skipped")
    assert {cell.adapter for cell in TABLE} == set(ADAPTERS)
    assert all(count[label, group] for label in labels for group in groups)
    assert len({str(cell) for cell in TABLE}) == len(TABLE)


async def _ask(cell: Cell, address: str) -> Ended:
    rig, row = rig_of(cell.adapter), cell.row or {}
    model = rig.SDXL if cell.is_over_grpc else rig.MODEL
    settings = rig.entry(address, models=(Model(model, Decimal(cell.usd)),))
    provider = importlib.import_module(f"providers.{settings.adapter}").create(settings)
    loop = asyncio.get_running_loop()
    seconds = SECONDS if cell.is_endless else PATIENCE
    request = replace(PROMPT, prompt=prompt_of(row), model=model)
    began = loop.time()
    try:
        made = await provider.generate(
            request, key=row.get("key", rig.KEY), deadline=began + seconds, report=lambda _: None
        )
        return Ended("succeeded", loop.time() - began, made)
    except ProviderError as error:
        return Ended(error.outcome, loop.time() - began, error=error)
    finally:
        await provider.aclose()


def _allowed(cell: Cell) -> set[str]:
    """What may come of it. Paid and lost sight of is unknown; free and lost is unavailable; what
    was answered in full but is no picture is unavailable, unless it was fetched after the job.
    """
    if cell.row:
        return {cell.row["paid"] if cell.usd and "paid" in cell.row else cell.row["expect"]}
    if cell.group == "success":
        return {"succeeded"}
    if cell.usd == 0 or cell.group == "dead host":
        return {"unavailable"}
    if any(word in cell.name for word in ("hang", "broken", "drip")):
        return {"outcome_unknown"}
    if "closed" in cell.name and not cell.is_over_grpc:
        return {"outcome_unknown"}
    fetched = cell.picture or cell.is_over_grpc
    return {"unavailable", "outcome_unknown"} if fetched else {"unavailable"}


def _times(cell: Cell) -> int:
    """How often a picture must have been asked for: never again by itself, for that may cost."""
    unheard = cell.group == "dead host" or (cell.row or {}).get("at") in ("config", "models")
    return 0 if unheard else 1


def _sent(cell: Cell) -> list[bytes]:
    """The picture, to the byte; that of a row is one of ours."""
    if cell.row:
        return [picture(form) for form in FORMS]
    return [cell.picture.body if cell.picture else (cell.grpc or {})["data"]]


def _is_told_as_on_record(error: ProviderError, row: Any) -> None:
    """In one line, with the words of the row, and coming again when it says."""
    assert row.get("reason", "") in error.reason
    assert "\n" not in error.reason
    assert len(error.reason) < 300
    assert "/srv" not in error.reason, "no path of theirs"
    assert row.get("never", "\n") not in error.reason
    now = datetime.now(timezone.utc)
    if not {"resets_at", "retry_in", "midnight"} & set(row):
        assert error.retry_at is None
    if "resets_at" in row:
        assert error.retry_at == datetime.fromisoformat(row["resets_at"])
    if "retry_in" in row:
        assert error.retry_at is not None
        assert abs(error.retry_at - now - timedelta(seconds=row["retry_in"])).total_seconds() < 10
    if row.get("midnight"):
        assert error.retry_at is not None
        assert (error.retry_at.hour, error.retry_at.minute) == (0, 0)
        assert timedelta(0) < error.retry_at - now <= timedelta(days=1)


def _secrets(*keys: str | None) -> list[str]:
    return [key.rpartition(":")[2] for key in keys if key and len(key) > 12]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> Iterator[None]:
    """The SDKs, whose second or two must not count against a short deadline."""
    for name in (
        "gradio_client",
        "grpc",
        "huggingface_hub",
        "replicate",
        "stability_sdk",
        "websockets",
    ):
        with suppress(ImportError):
            importlib.import_module(name)
    yield
    gc.unfreeze()
