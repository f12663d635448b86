"""How time grows with atoms, the box, poses and threads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from project import poses_of
from render import copies_of_the_sample
from series import Series, median_seconds

import numbavol
from numbavol.kernels.resources import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

N_ATOMS = (500, 1_500, 5_000, 15_000, 50_000, 131_256)
SIDES = (64, 96, 128, 192, 256, 384)
NUMBERS_OF_POSES = (1, 4, 16, 64, 256, 1024)
# Of what does not grow: atoms of a protein, and a box that holds 24 of them.
ATOMS_OF_ONE, SIDE_OF_MANY, SIDE_OF_A_MAP = 5_469, 320, 128


def measure() -> list[Series]:
    # In an order of its own, so that the first ones are anywhere.
    many = gaussians_of(24, np.random.default_rng(0).permutation(N_ATOMS[-1]))
    one = gaussians_of(1, np.arange(ATOMS_OF_ONE))
    return [
        *against_atoms(many),
        *against_box(one),
        *against_poses(one),
        *against_threads(many),
    ]


def gaussians_of(n_copies: int, order: np.ndarray) -> numbavol.GaussianMixtureVolume:
    positions, atomic_numbers, b_factors = copies_of_the_sample(n_copies)
    return numbavol.GaussianMixtureVolume.from_tabulated_parameters(
        positions[order],
        numbavol.PengScatteringFactorParameters(atomic_numbers[order]),
        b_factors[order],
    )


def against_atoms(many: numbavol.GaussianMixtureVolume) -> list[Series]:
    render_fn = numbavol.GaussianMixtureRenderFn((SIDE_OF_MANY,) * 3, 1.0)
    config = numbavol.ImageConfig((SIDE_OF_MANY,) * 2, 1.0)
    volumes = {
        n: numbavol.GaussianMixtureVolume(
            many.positions[:n], many.amplitudes[:n], many.variances[:n]
        )
        for n in N_ATOMS
    }
    poses = poses_of(8)
    return [
        make_series(
            f"a map of {SIDE_OF_MANY}^3",
            ("atoms", "atoms"),
            N_ATOMS,
            lambda n: lambda: render_fn(volumes[n]),
        ),
        make_series(
            f"an image of {SIDE_OF_MANY}^2, with {len(poses.rotation)} poses a call",
            ("atoms", "atoms"),
            N_ATOMS,
            lambda n: lambda: numbavol.project(volumes[n], poses, config),
            pieces_a_run=lambda _: len(poses.rotation),
        ),
    ]


def against_box(volume: numbavol.GaussianMixtureVolume) -> list[Series]:
    work = f"{ATOMS_OF_ONE:,} atoms"
    by_transforms = numbavol.FFTAtomRenderFn
    groups = numbavol.IndependentAtomVolume.from_atoms(volume.positions, np.full(ATOMS_OF_ONE, 6))

    def render(n: int) -> Callable[[], object]:
        return functools.partial(numbavol.GaussianMixtureRenderFn((n,) * 3, 96 / n), volume)

    def transform(n: int) -> Callable[[], object]:
        return functools.partial(by_transforms((n,) * 3, 96 / n, eps=1e-4), groups)

    return [
        make_series(f"{work} as Gaussians", ("box", "voxels a side"), SIDES, render),
        make_series(f"{work} by transforms", ("box", "voxels a side"), SIDES, transform),
    ]


def against_poses(volume: numbavol.GaussianMixtureVolume) -> list[Series]:
    config = numbavol.ImageConfig((SIDE_OF_A_MAP,) * 2, 1.0)
    density = numbavol.GaussianMixtureRenderFn((SIDE_OF_A_MAP,) * 3, 1.0)(volume)
    volumes = {
        "Gaussians": volume,
        "a linear slice": numbavol.FourierVoxelGridVolume.from_real_voxel_grid(density),
        "a spline slice": numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(density),
    }
    poses = {n: poses_of(n) for n in NUMBERS_OF_POSES}

    def images_of(volume: Any, n: int) -> Callable[[], object]:
        return lambda: numbavol.project(volume, poses[n], config)

    return [
        make_series(
            f"an image of {SIDE_OF_A_MAP}^2, {name}",
            ("poses", "poses a call"),
            NUMBERS_OF_POSES,
            functools.partial(images_of, each),
            pieces_a_run=lambda n: n,
        )
        for name, each in volumes.items()
    ]


def against_threads(volume: numbavol.GaussianMixtureVolume) -> list[Series]:
    numbers = numbers_of_threads(usable_cpus())
    render_fn = numbavol.GaussianMixtureRenderFn((SIDE_OF_MANY,) * 3, 1.0)
    density = np.random.default_rng(0).standard_normal((256,) * 3, dtype=np.float32)
    slices = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(density)
    config, poses = numbavol.ImageConfig((256, 256), 1.0), poses_of(64)
    works = {
        f"{len(volume.positions):,} atoms, {SIDE_OF_MANY}^3": lambda: render_fn(volume),
        "64 linear slices of 256^3": lambda: numbavol.project(slices, poses, config),
    }

    def with_threads(work: Callable[[], object], n: int) -> Callable[[], object]:
        def run() -> None:
            numbavol.set_num_threads(n)
            work()

        return run

    series = [
        make_series(name, ("threads", "threads"), numbers, functools.partial(with_threads, work))
        for name, work in works.items()
    ]
    numbavol.set_num_threads(None)
    return series


def numbers_of_threads(n_cpus: int) -> list[int]:
    """Powers of 2, and all CPUs."""
    return [*(2**n for n in range(n_cpus.bit_length()) if 2**n < n_cpus), n_cpus]


def make_series(
    work: str,
    figure_and_axis: tuple[str, str],
    sizes: Sequence[int],
    make: Callable[[int], Callable[[], object]],
    pieces_a_run: Callable[[int], int] = lambda _: 1,
) -> Series:
    seconds = tuple(median_seconds(make(n)) / pieces_a_run(n) for n in sizes)
    return Series(work, *figure_and_axis, tuple(map(float, sizes)), seconds)
