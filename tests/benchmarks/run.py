"""Benchmarks: each piece of work beside a peer, or beside the limit that is set for it.

python tests/benchmarks/run.py [NAME ...] [--device cuda] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arrays
import memory
import numpy as np
import on_cuda
import project
import render
import startup
import transforms
from rich.console import Console
from rich.table import Table

import numbavol
from numbavol.kernels.finding import find_cuda
from numbavol.kernels.threads import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Sequence

BENCHMARKS = {
    "render": render.measure,
    "transforms": transforms.measure,
    "project": project.measure,
    "arrays": arrays.measure,
    "memory": memory.measure,
    "startup": startup.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what is measured")
    options = parser.parse_args()
    unknown = set(options.benchmarks) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {unknown}, only {', '.join(BENCHMARKS)}")

    if options.device == "cuda":
        if options.benchmarks:
            parser.error("--device cuda has benchmarks of its own, all of which it runs")
        print_and_keep(on_cuda.measure(), options.json)
        return
    rows = [row for name in options.benchmarks or BENCHMARKS for row in BENCHMARKS[name]()]
    print_and_keep(rows, options.json)


def print_and_keep(rows: Sequence[Any], file: Path | None) -> None:
    table = Table(title=f"numbavol {numbavol.__version__}, {usable_cpus()} CPUs, medians")
    for column in ("work", "numbavol", "beside", "ratio", "target", "met"):
        table.add_column(column, justify="left" if column in ("work", "beside") else "right")
    for row in rows:
        table.add_row(*row.cells())
    Console(width=130).print(table)
    if file:
        machine: dict[str, Any] = {
            "processor": platform.processor() or platform.machine(),
            "cpus": usable_cpus(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numbavol": numbavol.__version__,
        }
        if cards := find_cuda().cards:
            machine["cards"] = list(cards)
        numbers = {"machine": machine, "rows": [row.numbers() for row in rows]}
        file.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
