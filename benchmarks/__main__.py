"""Runs every benchmark, prints one table and writes `benchmarks/results/latest.json`."""

from __future__ import annotations

import json
import platform
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import a_million, added_per_picture, first_page

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    rows = [*added_per_picture.measure(), *first_page.measure(), *a_million.measure()]
    width = max(len(row.what) for row in rows)
    print(f"{'':{width}}  {'ours':>10}  {'floor':>10}  {'added':>10}  ratio")
    for row in rows:
        figures = f"{row.ours:8.1f} ms  {row.floor:8.1f} ms  {row.ours - row.floor:8.1f} ms"
        print(f"{row.what:{width}}  {figures}  {row.ours / row.floor:5.2f}")
    RESULTS.mkdir(exist_ok=True)
    measured = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "rows": [row._asdict() for row in rows],
    }
    (RESULTS / "latest.json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
