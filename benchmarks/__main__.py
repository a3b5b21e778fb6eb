"""``python -m benchmarks``: measure, print, and write ``results/benchmarks/``.

`benchmarks.heart` has the speed of the main paths, `benchmarks.growth` how cost grows with size.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks import growth, heart

RESULTS = Path("results/benchmarks/heart.csv")


def main() -> int:
    """Exit code 1 when a target is missed, or a cost grows faster than documented."""
    return max(measure_heart(), growth.main())


def measure_heart() -> int:
    """Exit code 1 when a target is missed."""
    rows = heart.measure()
    table = Table("what", "measured", "spread", "target", title=heart.machine())
    for row in rows:
        form = (lambda v: f"{v:,.0f}x") if row.unit == "x" else (lambda v: f"{v:.3f} s")
        sign = ">=" if row.unit == "x" else "<="
        colour = "green" if row.met else "red"
        table.add_row(
            row.what,
            f"[{colour}]{form(row.value)}[/]",
            f"{form(row.low)} … {form(row.high)}",
            f"{sign} {form(row.target)}",
        )
    Console(width=120).print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame([{**vars(row), "met": row.met} for row in rows])
    frame["command"] = "python -m benchmarks"
    frame["versions"] = heart.machine()
    draft = RESULTS.with_suffix(".tmp")
    frame.to_csv(draft, index=False, float_format="%.4g")
    draft.replace(RESULTS)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
