"""Whole processes: imports, help, the first render of all and the second."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import Limit

from numbavol.data import enterotoxin

NUMBAVOL = Path(sys.executable).with_name("numbavol")


def seconds_of(*command: object, **environment: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [str(part) for part in command],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    return time.perf_counter() - began


def median_of(n_runs: int, *command: object, **environment: str) -> float:
    return statistics.median(seconds_of(*command, **environment) for _ in range(n_runs + 1))


def measure() -> list[Limit]:
    numpy_alone = median_of(9, sys.executable, "-c", "import numpy")
    with_numbavol = median_of(9, sys.executable, "-c", "import numpy, numbavol")
    rows = [
        Limit("import numbavol, beyond import numpy", with_numbavol - numpy_alone, 0.1),
        Limit("numbavol --help", median_of(9, NUMBAVOL, "--help"), 0.3),
    ]
    with tempfile.TemporaryDirectory() as folder:
        render = (NUMBAVOL, "render", enterotoxin(), "-o", Path(folder) / "map.mrc")
        options = ("--box", 128, "--overwrite")
        cache = str(Path(folder) / "cache")
        first = seconds_of(*render, *options, NUMBAVOL_CACHE_DIR=cache)
        second = median_of(5, *render, *options, NUMBAVOL_CACHE_DIR=cache)
    work = "numbavol render of the sample, 128^3"
    rows.append(Limit(f"{work}, the very first, compiling", first, 12.0))
    rows.append(Limit(f"{work}, the second process", second, 1.5))
    return rows
