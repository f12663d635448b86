"""What imaging costs beside projections, and whole simulations on disk: their time and memory."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from project import FLAT_IN_MEBIBYTES, N_THREADS
from rows import Limit, Row, medians_in_turn

import numbavol
from numbavol.data import enterotoxin
from numbavol.simulation import MicroscopeConfig, NoiseConfig, SimulationConfig, VolumeConfig
from numbavol.simulation.images import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDES, N_IMAGES = (128, 256), 1000
# Of the time of the projections themselves.
MOST_OF_IMAGING = 0.6
N_ON_DISK, N_FEW, SECONDS_ON_DISK = 100_000, 20_000, 90.0
# NumPy draws the same numbers one by one, and makes nothing of the images besides.
N_COUNTED, COUNTS_BY_PEER = 200, 2.0
SIMULATE = """
import resource, sys, time
import numbavol
from numbavol.simulation import NoiseConfig, SimulationConfig, VolumeConfig
number, model, spectrum, output = sys.argv[1:]
config = SimulationConfig(
    int(number), 128, 1.5, volume=(VolumeConfig(model),), seed=1,
    noise=NoiseConfig(snr=0.1, spectrum=spectrum),
)
numbavol.set_num_threads(2)
numbavol.simulate(config, output)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure() -> list[Limit | Row]:
    with tempfile.TemporaryDirectory() as folder:
        spectrum = Path(folder) / "noise.star"
        numbavol.NoiseSpectrum.pink(1.0, 0.02).write(spectrum)
        numbavol.set_num_threads(N_THREADS)
        rows: list[Limit | Row] = [measure_imaging(side, spectrum) for side in SIDES]
        numbavol.set_num_threads(None)
        rows += [measure_counts(expected) for expected in (2.0, 40.0)]
        return [*rows, *measure_disk(Path(folder), spectrum)]


def measure_imaging(side: int, spectrum: Path) -> Limit:
    """Time particles with and without a transfer function and noise: what both cost."""
    noisy = SimulationConfig(
        N_IMAGES, side, 192 / side, volume=(VolumeConfig(str(enterotoxin())),), seed=1,
        noise=NoiseConfig(snr=0.1, spectrum=str(spectrum)),
    )  # fmt: skip
    plain = dataclasses.replace(noisy, noise=NoiseConfig(), microscope=MicroscopeConfig(ctf=False))
    images = np.zeros((N_IMAGES, side, side), np.float32)
    works = []
    for config in (plain, noisy):
        simulator = Simulator.prepare(config)
        particles = simulator.source.take(np.arange(N_IMAGES))
        works.append(lambda s=simulator, p=particles: s.image(p, images))
    projection, all_of_it = medians_in_turn(works, 5)
    work = (
        f"transfer function and coloured noise of an image of {side}^2, beside its spline slice of "
        f"{1e3 * projection / N_IMAGES:.3g} ms, {N_THREADS} threads"
    )
    cost = (all_of_it - projection) / N_IMAGES
    return Limit(work, cost, MOST_OF_IMAGING * projection / N_IMAGES)


def measure_counts(expected: float) -> Row:
    """Time the electrons of images whose pixels expect about so many, one thread of each."""
    rng = np.random.default_rng(0)
    contrast = rng.normal(0.0, 0.1, (N_COUNTED, 128, 128)).clip(-1.0)
    pixels = expected * (1.0 + contrast)
    detector = numbavol.Detector()
    numbavol.set_num_threads(1)
    ours, theirs = medians_in_turn(
        [
            lambda: detector.expose(contrast, 1.0, expected, seed=0, numbers=range(N_COUNTED)),
            lambda: rng.poisson(pixels),
        ],
        5,
    )
    numbavol.set_num_threads(None)
    work = f"electrons of an image of 128^2, {expected:g} a pixel, 1 thread"
    return Row(work, ours / N_COUNTED, "NumPy's Poisson", theirs / N_COUNTED, COUNTS_BY_PEER)


def measure_disk(folder: Path, spectrum: Path) -> Sequence[Limit]:
    peaks, seconds = {}, {}
    for number in (N_FEW, N_ON_DISK):
        output = folder / f"{number}.mrcs"
        began = time.perf_counter()
        arguments = [str(number), str(enterotoxin()), str(spectrum), str(output)]
        ran = subprocess.run(
            [sys.executable, "-c", SIMULATE, *arguments], check=True, capture_output=True, text=True
        )
        seconds[number] = time.perf_counter() - began
        peaks[number] = float(ran.stdout)
        output.unlink()
    work = f"{N_ON_DISK:,} particles of 128^2, transfer function and noise, to disk, a process"
    growth = peaks[N_ON_DISK] - peaks[N_FEW]
    return [
        Limit(work, seconds[N_ON_DISK], SECONDS_ON_DISK),
        Limit(
            f"memory of {N_ON_DISK:,} particles beyond that of {N_FEW:,}", growth,
            FLAT_IN_MEBIBYTES, "MiB",
        ),
    ]  # fmt: skip
