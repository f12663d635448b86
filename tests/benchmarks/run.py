"""Benchmarks: each piece of work beside a peer, or beside the limit that is set for it.

python tests/benchmarks/run.py [NAME ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import arrays
import memory
import numpy as np
import project
import render
import startup
import transforms
from rich.console import Console
from rich.table import Table

import numbavol
from numbavol.kernels.threads import usable_cpus

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
    options = parser.parse_args()
    unknown = set(options.benchmarks) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {unknown}, only {', '.join(BENCHMARKS)}")

    rows = [row for name in options.benchmarks or BENCHMARKS for row in BENCHMARKS[name]()]
    table = Table(title=f"numbavol {numbavol.__version__}, {usable_cpus()} CPUs, medians")
    for column in ("work", "numbavol", "beside", "ratio", "target", "met"):
        table.add_column(column, justify="left" if column in ("work", "beside") else "right")
    for row in rows:
        table.add_row(*row.cells())
    Console(width=130).print(table)
    if options.json:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "cpus": usable_cpus(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numbavol": numbavol.__version__,
        }
        numbers = {"machine": machine, "rows": [row.numbers() for row in rows]}
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
