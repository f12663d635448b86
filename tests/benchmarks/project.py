"""Images of volumes, an image; whole processes that make stacks, beside RELION's; their memory."""

from __future__ import annotations

import functools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import finufft
import numpy as np
import scipy.fft
import scipy.ndimage
from render import copies_of_the_sample
from rows import Limit, Row, medians_in_turn
from scipy.spatial.transform import Rotation
from startup import NUMBAVOL
from transforms import make_volume

import numbavol
from numbavol.data import enterotoxin

N_THREADS = 2
SIDE, N_POSES = 256, 500
BOX, N_ATOM_POSES = 320, 50
LIMITS = {
    "linear": 1e-3, "spline": 3e-3, "gaussians": 12e-3, "transforms": 8e-3,
    "gaussians, a pose a call": 30e-3, "voxels, a pose a call": 110e-3,
}  # fmt: skip
# The most memory that nine times as many images may take, beyond what their poses do.
FLAT_IN_MEBIBYTES = 32.0


def poses_of(n: int) -> numbavol.QuaternionPose:
    offsets = np.random.default_rng(0).normal(size=(n, 2))
    return numbavol.QuaternionPose.from_rotation_and_translation(Rotation.random(n, rng=0), offsets)


def measure() -> list[Row | Limit]:
    numbavol.set_num_threads(N_THREADS)
    rows = [*measure_slices(), *measure_atoms()]
    numbavol.set_num_threads(None)
    return [*rows, *measure_stacks()]


def measure_slices() -> list[Row | Limit]:
    values = np.random.default_rng(0).standard_normal((SIDE,) * 3, dtype=np.float32)
    config = numbavol.ImageConfig((SIDE, SIDE), 1.0)
    poses = poses_of(N_POSES)
    images = np.zeros((N_POSES, SIDE, SIDE), np.float32)
    rows: list[Row | Limit] = []
    for order, name, volume_class, target in (
        (1, "linear", numbavol.FourierVoxelGridVolume, 3.5),
        (3, "spline", numbavol.FourierVoxelSplineVolume, 2.5),
    ):
        volume = volume_class.from_real_voxel_grid(values)
        grid = volume.fourier_voxel_grid if order == 1 else volume.spline_coefficients
        few = 20
        ours, theirs = medians_in_turn(
            [
                functools.partial(numbavol.project, volume, poses, config, out=images),
                functools.partial(slices_with_scipy, grid, poses[:few], order),
            ],
            5,
        )
        work = f"an image of {SIDE}^2, {name} slice of {SIDE}^3, {N_POSES} poses, 2 threads"
        rows.append(Row(work, ours / N_POSES, "scipy, 2 threads", theirs / few, target))
        rows.append(Limit(work, ours / N_POSES, LIMITS[name]))
        # Who looks for a pose asks for one image after another.
        one = poses[:1]
        ours, theirs = medians_in_turn(
            [
                functools.partial(numbavol.project, volume, one, config, out=images[:1]),
                functools.partial(slices_with_scipy, grid, one, order),
            ],
            9,
        )
        work = f"an image of {SIDE}^2, {name} slice of {SIDE}^3, a pose a call"
        rows.append(Row(work, ours, "scipy", theirs, 3.0))
    return rows


def slices_with_scipy(grid: np.ndarray, poses: numbavol.QuaternionPose, order: int) -> None:
    """Half planes and images as one would make them with SciPy, a pose a task."""
    ky, kx = np.fft.fftfreq(SIDE, 1 / SIDE), np.arange(SIDE // 2 + 1)
    plane = np.stack(np.broadcast_arrays(kx, ky[:, None], 0.0), axis=-1)

    def image_of(rotation: np.ndarray) -> np.ndarray:
        at = np.moveaxis(plane @ rotation, -1, 0)[::-1] + SIDE // 2
        half = scipy.ndimage.map_coordinates(
            grid, at, order=order, mode="grid-wrap", prefilter=False
        )
        return np.fft.fftshift(scipy.fft.irfft2(half, (SIDE, SIDE)))

    with ThreadPoolExecutor(N_THREADS) as pool:
        list(pool.map(image_of, poses.rotation.as_matrix()))


def measure_atoms() -> list[Row | Limit]:
    positions, atomic_numbers, b_factors = copies_of_the_sample(24)
    mixture = numbavol.GaussianMixtureVolume.from_tabulated_parameters(
        positions, numbavol.PengScatteringFactorParameters(atomic_numbers), b_factors
    )
    groups = make_volume()
    config = numbavol.ImageConfig((BOX, BOX), 1.0)
    poses = poses_of(N_ATOM_POSES)
    images = np.zeros((N_ATOM_POSES, BOX, BOX), np.float32)
    few = 4
    gaussians, transforms, theirs = medians_in_turn(
        [
            functools.partial(numbavol.project, mixture, poses, config, out=images),
            functools.partial(numbavol.project, groups, poses, config, out=images),
            functools.partial(atoms_with_finufft, groups, poses[:few]),
        ],
        5,
    )
    # Who looks for a pose, or moves atoms, asks for one image after another.
    one, image = poses[:1], images[:1]
    density = np.random.default_rng(0).random((128,) * 3, np.float32)
    voxels = numbavol.RealVoxelGridVolume.from_real_voxel_grid(density, voxel_size=1.0)
    small = numbavol.ImageConfig((128, 128), 1.0)
    (voxels_alone,) = medians_in_turn([functools.partial(numbavol.project, voxels, one, small)], 9)
    gaussians_alone, transforms_alone, theirs_alone = medians_in_turn(
        [
            functools.partial(numbavol.project, mixture, one, config, out=image),
            functools.partial(numbavol.project, groups, one, config, out=image),
            functools.partial(atoms_with_finufft, groups, one),
        ],
        9,
    )
    alone = f"an image of {BOX}^2 of 131,256 atoms, a pose a call"
    work = f"an image of {BOX}^2 of 131,256 atoms, {N_ATOM_POSES} poses, 2 threads"
    return [
        Limit(
            "an image of 128^2 of 128^3 voxels by themselves, a pose a call", voxels_alone,
            LIMITS["voxels, a pose a call"],
        ),
        Limit(f"{alone}, Gaussians", gaussians_alone, LIMITS["gaussians, a pose a call"]),
        Row(f"{alone}, transforms", transforms_alone, "finufft and NumPy", theirs_alone, 1.2),
        Limit(f"{work}, Gaussians", gaussians / N_ATOM_POSES, LIMITS["gaussians"]),
        Limit(f"{work}, transforms", transforms / N_ATOM_POSES, LIMITS["transforms"]),
        Row(
            f"{work}, transforms", transforms / N_ATOM_POSES, "finufft and NumPy, 2 threads",
            theirs / few, 1.5,
        ),
    ]  # fmt: skip


def atoms_with_finufft(
    volume: numbavol.IndependentAtomVolume, poses: numbavol.QuaternionPose
) -> None:
    """The same images as one would make them with finufft and NumPy, a pose a task."""
    k = np.fft.fftshift(np.fft.fftfreq(BOX))
    factors = [factor.compute_radially(k[:, None] ** 2 + k**2) for _, factor in volume.groups()]
    sinc = np.sinc(k)[:, None] * np.sinc(k)

    def image_of(rotation: np.ndarray) -> np.ndarray:
        total = np.zeros((BOX, BOX), complex)
        for (positions, _), factor in zip(volume.groups(), factors, strict=True):
            y, x = np.ascontiguousarray((2 * np.pi / BOX) * (positions @ rotation[1::-1].T).T)
            ones = np.ones(len(x), complex)
            total += factor * finufft.nufft2d1(
                y, x, ones, (BOX, BOX), eps=1e-6, isign=-1, nthreads=1
            )
        return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(total * sinc)).real)

    with ThreadPoolExecutor(N_THREADS) as pool:
        list(pool.map(image_of, poses.rotation.as_matrix()))


def measure_stacks() -> list[Row | Limit]:
    rows: list[Row | Limit] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side in (128, 256):
            run_quietly(
                NUMBAVOL, "render", enterotoxin(), "-o", folder / f"{side}.mrc", "--box", side
            )

        def project(side: int, n: int, *options: object) -> tuple[float, float]:
            return run_quietly(
                NUMBAVOL, "project", folder / f"{side}.mrc", "-o", folder / "stack.mrcs",
                "--poses", f"random:{n}", "--offsets", 2, "--overwrite", *options,
            )  # fmt: skip

        few = min(project(128, 1_000)[1] for _ in range(3))
        runs = [project(128, 10_000) for _ in range(5)]
        rows.append(
            Limit(
                "numbavol project, 10,000 images of 128^2 from a map to disk",
                statistics.median(seconds for seconds, _ in runs),
                6.0,
            )
        )
        growth = min(peak for _, peak in runs) - few
        rows.append(
            Limit("its memory beyond that of 1,000 images", growth, FLAT_IN_MEBIBYTES, "MiB")
        )
        project(256, 2_000)
        star = (folder / "stack.star").rename(folder / "poses.star")
        if shutil.which("relion_project"):
            rows.extend(beside_relion(folder, star))
    return rows


def beside_relion(folder: Path, star: Path) -> list[Row]:
    # RELION interpolates linearly; its padding is 1 here, as ours is but for the command's default.
    ways = (("linear", 1, 2.0), ("spline", 1, 2.0), ("spline", 1.25, 1.0))
    ours: list[list[float]] = [[] for _ in ways]
    theirs = []
    for _ in range(3):
        for seconds, (method, pad, _) in zip(ours, ways, strict=True):
            command = (
                NUMBAVOL, "project", folder / "256.mrc", "-o", folder / "stack.mrcs", "--poses",
                star, "--method", method, "--pad-scale", pad, "--overwrite",
            )  # fmt: skip
            seconds.append(run_quietly(*command)[0])
        theirs.append(
            run_quietly(
                "relion_project", "--i", folder / "256.mrc", "--o", folder / "relion", "--ang",
                star, "--angpix", 1, "--pad", 1,
            )[0]
        )  # fmt: skip
    work = "numbavol project, 2,000 images of 256^2 from a map to disk"
    return [
        Row(
            f"{work}, {method}, padded {pad:g} times", statistics.median(seconds),
            "relion_project --pad 1", statistics.median(theirs), target,
        )
        for seconds, (method, pad, target) in zip(ours, ways, strict=True)
    ]  # fmt: skip


def run_quietly(*command: object, folder: Path | None = None) -> tuple[float, float]:
    """Run a process; return its seconds, and its peak memory in mebibytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        msg = f"{command} failed with status {status}"
        raise RuntimeError(msg)
    return seconds, usage.ru_maxrss / 1024
