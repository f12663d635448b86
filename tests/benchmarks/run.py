"""Benchmarks: each piece of work beside a peer, or beside the limit that is set for it.

python tests/benchmarks/run.py [NAME ...] [--device cuda] [--json FILE] [--compare FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arrays
import backproject
import imaging
import memory
import numpy as np
import on_cuda
import project
import render
import scaling
import startup
import transforms
from comparing import compare, describe_machines, read_earlier
from rich.console import Console
from rich.table import Table

import numbavol
from numbavol.kernels.finding import find_cuda
from numbavol.kernels.resources import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BENCHMARKS: dict[str, Callable[[], Sequence[Any]]] = {
    "render": render.measure,
    "transforms": transforms.measure,
    "project": project.measure,
    "imaging": imaging.measure,
    "backproject": backproject.measure,
    "arrays": arrays.measure,
    "memory": memory.measure,
    "startup": startup.measure,
    "scaling": scaling.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what is measured")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="figures of an earlier run")
    options = parser.parse_args()
    earlier = None
    if options.compare:
        try:
            earlier = read_earlier(options.compare)
        except ValueError as error:
            parser.error(str(error))
    unknown = set(options.benchmarks) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {unknown}, only {', '.join(BENCHMARKS)}")

    if options.device == "cuda":
        if options.benchmarks:
            parser.error("--device cuda has benchmarks of its own, all of which it runs")
        rows: list[Any] = on_cuda.measure()
    else:
        rows = [row for name in options.benchmarks or BENCHMARKS for row in BENCHMARKS[name]()]
    print_rows(rows)
    machine = describe_machine()
    numbers = [row.numbers() for row in rows]
    if earlier is not None:
        print_changes(earlier, machine, numbers)
    if options.json:
        text = json.dumps({"machine": machine, "rows": numbers}, indent=2)
        options.json.write_text(text + "\n")


def print_rows(rows: Sequence[Any]) -> None:
    table = Table(title=f"numbavol {numbavol.__version__}, {usable_cpus()} CPUs, medians")
    for column in ("work", "numbavol", "beside", "ratio", "target", "met"):
        table.add_column(column, justify="left" if column in ("work", "beside") else "right")
    for row in rows:
        table.add_row(*row.cells())
    Console(width=130).print(table)


def print_changes(
    earlier: dict[str, Any], machine: dict[str, Any], numbers: Sequence[dict[str, Any]]
) -> None:
    changes, new, left_out = compare(earlier, numbers)
    table = Table(title=f"beside numbavol {earlier['machine'].get('numbavol')}")
    for column in ("work", "before", "now", "change"):
        table.add_column(column, justify="left" if column == "work" else "right")
    for change in changes:
        table.add_row(*change.cells())
    console = Console(width=130)
    if difference := describe_machines(earlier, machine):
        console.print(f"{difference}: times do not compare")
    console.print(table)
    for work in new:
        console.print(f"new: {work}")
    if left_out:
        console.print(f"{len(left_out)} that stand in the earlier run were not measured now")


def describe_machine() -> dict[str, Any]:
    machine: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "name": find_processor(),
        "cpus": usable_cpus(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numbavol": numbavol.__version__,
    }
    if cards := find_cuda().cards:
        machine["cards"] = list(cards)
    return machine


def find_processor() -> str:
    """The processor's name, where the system says it (Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""


if __name__ == "__main__":
    main()
