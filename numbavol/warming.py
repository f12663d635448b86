"""Compile ahead: what the command and the usual calls need, into the cache."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.data import enterotoxin
from numbavol.imaging import Detector
from numbavol.ndimage import (
    compute_fourier_shell_correlation,
    compute_power_spectrum,
    compute_radial_average,
    map_coordinates,
)
from numbavol.poses import draw_random_poses
from numbavol.projection import EwaldSphereExtraction, ImageConfig, project
from numbavol.reconstruction import backproject
from numbavol.rendering import FFTAtomRenderFn, GaussianMixtureRenderFn
from numbavol.rendering.gaussian_mixture import MOST_IN_SINGLE_PRECISION
from numbavol.simulation import NoiseConfig, SimulationConfig, SolventConfig, VolumeConfig
from numbavol.simulation.simulate import simulate
from numbavol.volumes import (
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureVolume,
    IndependentAtomVolume,
    RealVoxelGridVolume,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numbavol.poses import AbstractPose

N_VOXELS = 8
# So many of which hold the packaged structure.
ANGSTROMS_A_PIXEL = 20.0
# Of an atom: one of a user's own, and those of the tables.
NUMBERS_OF_GAUSSIANS = (1, 4, 5)


def warmup(report: Callable[[str], object] | None = None) -> None:
    """Compile what rendering, imaging, filtering and comparing need, and keep it on disk.

    That is everything that the command needs, and what Python needs besides for the surfaces of
    Ewald spheres, for points between voxels, and for mixtures of 1, 4 or 5 Gaussians. Of other
    mixtures, the first call compiles.

    A machine's first call of a kernel compiles it, which takes seconds; a cluster's jobs can have
    it done once, before they start, for a folder that they share (``NUMBAVOL_CACHE_DIR``).

    Parameters
    ----------
    report
        Called with what is compiled next.

    Examples
    --------
    >>> import numbavol
    >>> numbavol.warmup()
    """
    for name, work in _works().items():
        if report is not None:
            report(name)
        work()


def _works() -> dict[str, Callable[[], object]]:
    """Small works, by what they are for."""
    works: dict[str, Callable[[], object]] = {}
    for dtype in (np.float32, np.float64):
        of = f"in {np.dtype(dtype).name}"
        works[f"maps of Gaussians {of}"] = functools.partial(_render, dtype)
        works[f"maps of atoms by transforms {of}"] = functools.partial(_transform_atoms, dtype)
        works[f"images of maps {of}"] = functools.partial(_project_map, dtype)
        works[f"filters and correlations {of}"] = functools.partial(_filter, dtype)
        works[f"points between voxels {of}"] = functools.partial(_interpolate, dtype)
    works["maps of images"] = _backproject
    works["images of Gaussians and atoms"] = _project_atoms
    works["images of a microscope"] = _simulate
    return works


def _some_gaussians(n_gaussians: int, n_positions: int = 1) -> GaussianMixtureVolume:
    shape = (n_positions, n_gaussians)
    return GaussianMixtureVolume(np.zeros((n_positions, 3)), np.ones(shape), np.ones(shape))


def _some_atoms() -> IndependentAtomVolume:
    return IndependentAtomVolume.from_atoms(np.zeros((2, 3)), [6, 8], 20.0)


def _image_config() -> ImageConfig:
    return ImageConfig((N_VOXELS,) * 2, 1.0)


def _two_poses() -> AbstractPose:
    return draw_random_poses(2, rng=0, offset_deviation_in_angstroms=1.0)


def _render(dtype: type[np.floating[Any]]) -> None:
    render_fn = GaussianMixtureRenderFn((N_VOXELS,) * 3, 1.0, dtype=dtype)
    for n_gaussians in NUMBERS_OF_GAUSSIANS:
        render_fn(_some_gaussians(n_gaussians))
        # Where many overlap, the sums of a float32 map are float64.
        render_fn(_some_gaussians(n_gaussians, MOST_IN_SINGLE_PRECISION + 1))


def _transform_atoms(dtype: type[np.floating[Any]]) -> None:
    FFTAtomRenderFn((N_VOXELS,) * 3, 1.0, dtype=dtype)(_some_atoms())


def _project_atoms() -> None:
    for volume in (*map(_some_gaussians, NUMBERS_OF_GAUSSIANS), _some_atoms()):
        project(volume, _two_poses(), _image_config())


def _project_map(dtype: type[np.floating[Any]]) -> None:
    density = np.ones((N_VOXELS,) * 3, dtype)
    project(RealVoxelGridVolume.from_real_voxel_grid(density), _two_poses(), _image_config())
    for volume in (
        FourierVoxelGridVolume.from_real_voxel_grid(density),
        FourierVoxelSplineVolume.from_real_voxel_grid(density),
    ):
        for integrator in (None, EwaldSphereExtraction()):
            project(volume, _two_poses(), _image_config(), integrator=integrator)


def _backproject() -> None:
    images = np.ones((2, N_VOXELS, N_VOXELS), np.float32)
    backproject(images, _two_poses(), 1.0)


def _simulate() -> None:
    config = SimulationConfig(
        2, N_VOXELS, ANGSTROMS_A_PIXEL,
        # An oxygen: of carbons, solvent would miss the hydrogens.
        volume=(VolumeConfig(str(enterotoxin()), select="//A/10/O"),),
        noise=NoiseConfig(variance=1.0), solvent=SolventConfig("hydration"),
    )  # fmt: skip
    simulate(config)
    simulate(dataclasses.replace(config, method="linear"))
    simulate(dataclasses.replace(config, method="gaussian", solvent=SolventConfig()))
    Detector().expose(np.zeros((1, 2, 2)), 1.0, 1.0, seed=0, numbers=[0])


def _filter(dtype: type[np.floating[Any]]) -> None:
    density = np.random.default_rng(0).random((N_VOXELS,) * 3).astype(dtype)
    compute_fourier_shell_correlation(density, density)
    compute_power_spectrum(density[0])
    compute_radial_average(density)


def _interpolate(dtype: type[np.floating[Any]]) -> None:
    density = np.ones((N_VOXELS,) * 3, dtype)
    # Volumes hold arrays that cannot be written, which is a type of its own to the compiler.
    for values in (density, np.broadcast_to(density, density.shape)):
        map_coordinates(values, np.ones((3, 1)), order=1)
