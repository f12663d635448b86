"""Maps of images: whole processes, beside RELION's."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from project import FLAT_IN_MEBIBYTES, run_quietly
from rows import Limit, Row
from startup import NUMBAVOL

from numbavol.data import enterotoxin

SIDE, N_IMAGES, FEW = 128, 10_000, 1_000
N_THREADS = 2
N_RUNS = 3


def measure() -> list[Row | Limit]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_quietly(
            NUMBAVOL, "render", enterotoxin(), "-o", folder / "map.mrc", "--box", SIDE,
            "--b-factors", 60,
        )  # fmt: skip
        for n in (N_IMAGES, FEW):
            run_quietly(
                NUMBAVOL, "project", folder / "map.mrc", "-o", folder / f"{n}.mrcs",
                "--poses", f"random:{n}", "--offsets", 2,
            )  # fmt: skip

        def backproject(n: int, *options: object) -> tuple[float, float]:
            return run_quietly(
                NUMBAVOL, "backproject", folder / f"{n}.star", "-o", folder / "back.mrc",
                "--threads", N_THREADS, "--overwrite", *options,
            )  # fmt: skip

        few = min(backproject(FEW)[1] for _ in range(2))
        runs = [backproject(N_IMAGES) for _ in range(N_RUNS)]
        symmetric = [backproject(N_IMAGES, "--symmetry", "D7")[0] for _ in range(N_RUNS)]
        seconds = statistics.median(seconds for seconds, _ in runs)
        work = f"numbavol backproject, {N_IMAGES:,} images of {SIDE}^2, {N_THREADS} threads"
        growth = min(peak for _, peak in runs) - few
        rows: list[Row | Limit] = [
            Limit(work, seconds, 6.0),
            Limit(f"{work}, D7", statistics.median(symmetric), 30.0),
            Limit(f"its memory beyond that of {FEW:,} images", growth, FLAT_IN_MEBIBYTES, "MiB"),
        ]
        if shutil.which("relion_reconstruct"):
            # This program has one thread.
            command = ("relion_reconstruct", "--i", f"{N_IMAGES}.star", "--o", "relion.mrc")
            for name_of, options in (("", ()), (" --skip_gridding", ("--skip_gridding",))):
                theirs = statistics.median(
                    run_quietly(*command, *options, folder=folder)[0] for _ in range(N_RUNS)
                )
                rows.append(Row(work, seconds, f"relion_reconstruct{name_of}", theirs, 1.0))
        return rows
