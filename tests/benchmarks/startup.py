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

# About as many atoms as the sample has, without the time that reading it takes.
PREPARE = """
import time
import numpy as np
import numbavol
volume = numbavol.GaussianMixtureVolume(
    np.random.default_rng(0).normal(scale=20, size=(5000, 3)), *np.full((2, 5000, 5), 0.5)
)
"""
CALLS = {
    "a map of 5,000 atoms, 128^3": "numbavol.GaussianMixtureRenderFn((128,) * 3, 1.0)(volume)",
    "an image of 5,000 atoms, 128^2": "numbavol.project("
    "volume, numbavol.EulerAnglePose(), numbavol.ImageConfig((128, 128), 1.0))",
}
REPORT = """
def call():
    began = time.perf_counter()
    {call}
    return time.perf_counter() - began
first = call()
print(first, sorted(call() for _ in range(11))[5])
"""


def first_and_warm(call: str, **environment: str) -> tuple[float, float]:
    """Seconds of the first call in a process of its own, and the median of later ones."""
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + REPORT.format(call=call)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    first, warm = map(float, done.stdout.split())
    return first, warm


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
        for name, code in CALLS.items():
            with_cache = {"NUMBAVOL_CACHE_DIR": str(Path(folder) / name)}
            compiling, _ = first_and_warm(code, **with_cache)
            loading, warm = first_and_warm(code, **with_cache)
            rows.append(Limit(f"{name}, the first call, compiling", compiling, 12.0))
            rows.append(Limit(f"{name}, the first call of a process", loading, 0.6))
            rows.append(Limit(f"{name}, a warm call", warm, 0.03))
    work = "numbavol render of the sample, 128^3"
    rows.append(Limit(f"{work}, the very first, compiling", first, 12.0))
    rows.append(Limit(f"{work}, the second process", second, 1.5))
    return rows
