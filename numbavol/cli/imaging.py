"""What ``numbavol project`` images, how, and in which poses."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import scipy.fft

import numbavol
from numbavol.cli.models import read_model
from numbavol.cli.options import LARGEST_SIDE, MAP_METHODS, MODEL_METHODS
from numbavol.cli.output import Report, plural
from numbavol.rendering.gaussian_mixture import reach_in_deviations

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.cli.options import PoseSource
    from numbavol.projection import AbstractVolumeIntegrator
    from numbavol.volumes import AbstractVolumeRepresentation

# Interpolation by splines of a map padded so errs by less than the map's own corners do; a linear
# one needs more (docs/performance.md).
SPLINE_PAD_SCALE, LINEAR_PAD_SCALE = 1.25, 2.0
DEFAULT_PIXEL_SIZE = 1.0
BYTES_AT_A_TIME = 2**24


@dataclasses.dataclass(frozen=True)
class GivenPoses:
    """Poses, and what the file that they are from says of images."""

    poses: numbavol.EulerAnglePose
    pixel_size: float | None
    box: int | None


def read_poses(source: PoseSource, offsets: float, seed: int, report: Report) -> GivenPoses:
    """Make or read poses, and say which.

    Parameters
    ----------
    source
        What ``--poses`` says.
    offsets
        Deviation of offsets, in angstroms.
    seed
        Of random poses and offsets.
    report
        Says which poses these are.

    Raises
    ------
    click.UsageError
        If offsets are asked for where a file has them.
    """
    pixel_size, box = None, None
    if source.path is not None:
        if offsets:
            msg = "--offsets: the STAR file has those of its particles"
            raise click.UsageError(msg)
        particles = numbavol.read_particles(source.path)
        poses = numbavol.EulerAnglePose.from_relion_angles(
            particles.rot,
            particles.tilt,
            particles.psi,
            particles.origin_x_in_angstroms,
            particles.origin_y_in_angstroms,
        )
        # Of several kinds of images, none is that of this stack.
        pixel_size = particles.pixel_size if isinstance(particles.pixel_size, float) else None
        box = particles.image_size if isinstance(particles.image_size, int) else None
        described = f"{source.path}"
    elif source.spacing is not None:
        poses = numbavol.make_pose_grid(source.spacing)
        described = f"a grid of {source.spacing:g} degrees"
    else:
        poses = numbavol.draw_random_poses(source.n_random, seed)
        described = f"random, seed {seed}"
    if offsets:
        # Of a stream of their own, so that they change no view.
        x, y = np.random.default_rng([seed, 1]).normal(scale=offsets, size=(2, len(poses)))
        poses = dataclasses.replace(poses, offset_x_in_angstroms=x, offset_y_in_angstroms=y)
        described += f"; offsets of {offsets:g} A, seed {seed}"
    report.say(f"poses   {len(poses)}: {described}", poses=described, n_poses=len(poses))
    return GivenPoses(poses, pixel_size, box)


@dataclasses.dataclass(frozen=True)
class Task:
    """A volume, its images, and how they are made."""

    volume: AbstractVolumeRepresentation
    image_config: numbavol.ImageConfig
    integrator: AbstractVolumeIntegrator
    method: str
    described: str
    """The method in words."""
    settings: tuple[Any, ...]
    """All else that images depend on, besides the source and the poses."""

    @classmethod
    def from_model(
        cls,
        source: Path,
        given: GivenPoses,
        box: str | float,
        pixel_size: float | None,
        method: str,
        tolerance: float,
        b_factors: str | float,
        models: str | float,
        select: str,
        report: Report,
    ) -> Task:
        """Image a model: see the options of the same names."""
        method = _choose(method, "gaussian", MODEL_METHODS, "a model")
        model, _ = read_model(source, b_factors, models, select, report)
        size = pixel_size or given.pixel_size or DEFAULT_PIXEL_SIZE
        gaussians = model.as_gaussians()
        side = _box_that_holds(gaussians, given.poses, size, tolerance)
        if box != "auto":
            side = int(box)
        elif given.box is not None:
            side = given.box
        settings = (method, size, side, tolerance, b_factors, models, select)
        described = f"{method}, tolerance {tolerance:g}"
        config = numbavol.ImageConfig((side, side), size)
        if method == "gaussian":
            mixture = numbavol.GaussianMixtureProjection(tolerance=tolerance)
            return cls(gaussians, config, mixture, method, described, settings)
        groups = model.as_groups()
        fft = numbavol.FFTAtomProjection(eps=tolerance)
        return cls(groups, config, fft, method, described, settings)

    @classmethod
    def from_map(
        cls,
        source: Path,
        given: GivenPoses,
        box: str | float,
        pixel_size: float | None,
        method: str,
        pad_scale: float | None,
        tolerance: float,
        report: Report,
    ) -> Task:
        """Image a map: see the options of the same names."""
        method = _choose(method, "spline", MAP_METHODS, "a map")
        if pad_scale is not None and method == "voxels":
            msg = "--pad-scale: --method voxels transforms no map"
            raise click.UsageError(msg)
        read = numbavol.read_map(source)
        z, y, x = read.data.shape
        if read.voxel_size is not None:
            sizes = read.voxel_size.tolist()
        elif pixel_size is not None:
            sizes = [pixel_size] * 3
        else:
            msg = f"{source}: the map has no voxel size; --pixel-size says it"
            raise ValueError(msg)
        report.say(
            f"read    {source}: {x} x {y} x {z} voxels (x, y, z) of "
            f"{' x '.join(f'{s:g}' for s in sorted(set(sizes)))} A",
            map=str(source),
            map_shape=[z, y, x],
        )
        size = pixel_size or float(sizes[0])
        side = max(z, y, x)
        if box != "auto":
            side = int(box)
        elif given.box is not None:
            side = given.box
        config = numbavol.ImageConfig((side, side), size)
        if method == "voxels":
            volume: AbstractVolumeRepresentation = (
                numbavol.RealVoxelGridVolume.from_real_voxel_grid(read.data, voxel_size=sizes)
            )
            integrator: AbstractVolumeIntegrator = numbavol.RealVoxelProjection(eps=tolerance)
            described = f"voxels, tolerance {tolerance:g}"
            settings: tuple[Any, ...] = (method, size, side, tolerance)
            return cls(volume, config, integrator, method, described, settings)
        pad = pad_scale or (SPLINE_PAD_SCALE if method == "spline" else LINEAR_PAD_SCALE)
        if method == "spline":
            volume = numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(
                read.data, pad_scale=pad, voxel_size=sizes
            )
        else:
            grid = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(
                undo_linear_interpolation(read.data, pad), pad_scale=pad, voxel_size=sizes
            )
            # A slice has the zero frequency itself, which interpolation did nothing to.
            middle = tuple(length // 2 for length in grid.shape)
            grid.fourier_voxel_grid[middle] = read.data.sum(dtype=np.float64)
            volume = grid
        described = f"{method}, of the map padded {pad:g} times"
        return cls(
            volume, config, numbavol.FourierSliceExtraction(), method, described,
            (method, size, side, pad),
        )  # fmt: skip


def undo_linear_interpolation(
    real_voxel_grid: NDArray[np.float32], pad_scale: float
) -> NDArray[np.float32]:
    r"""Divide a map by what linear interpolation between the samples of its transform does to it.

    That is :math:`\prod_i \operatorname{sinc}^2(r_i / N_i)`, with N the voxels of the padded map.
    """
    for axis, length in enumerate(real_voxel_grid.shape):
        along = np.sinc((np.arange(length) - length // 2) / int(length * pad_scale)) ** -2
        shape = [1, 1, 1]
        shape[axis] = length
        real_voxel_grid = real_voxel_grid * along.astype(np.float32).reshape(shape)
    return real_voxel_grid


def fingerprint(source: Path, task: Task, given: GivenPoses) -> str:
    """Write down everything that images depend on, so that a run goes on with its own only."""
    hashed = hashlib.sha256()
    with source.open("rb") as file:
        while content := file.read(BYTES_AT_A_TIME):
            hashed.update(content)
    poses = hashlib.sha256()
    for column in given.poses.to_relion_angles():
        poses.update(np.ascontiguousarray(column).tobytes())
    parts = (numbavol.__version__, hashed.hexdigest(), poses.hexdigest(), task.settings)
    return json.dumps(parts)


def make_particles(
    poses: numbavol.EulerAnglePose, image_config: numbavol.ImageConfig
) -> numbavol.ParticleTable:
    """Say of images what a STAR file says."""
    return numbavol.ParticleTable(
        **poses.to_relion_angles()._asdict(),
        pixel_size=image_config.pixel_size,
        voltage_in_kilovolts=image_config.voltage_in_kilovolts,
        image_size=image_config.shape[0],
    )


def _choose(method: str, default: str, methods: tuple[str, ...], what: str) -> str:
    if method == "auto":
        return default
    if method not in methods:
        msg = f"--method: expected {' or '.join(methods)} for {what}, got {method}"
        raise click.UsageError(msg)
    return method


def _box_that_holds(
    gaussians: numbavol.GaussianMixtureVolume,
    poses: numbavol.EulerAnglePose,
    pixel_size: float,
    tolerance: float,
) -> int:
    """Side in pixels, even, of images that hold a model however it is turned, and moved."""
    reach = reach_in_deviations(tolerance) * np.sqrt(gaussians.variances.max(axis=1))
    farthest = float(np.max(np.linalg.norm(gaussians.positions, axis=1) + reach))
    offset = float(np.max(np.abs(poses.offset_in_angstroms)))
    half = (farthest + offset) / pixel_size
    if 2 * half > LARGEST_SIDE:
        msg = (
            f"--pixel-size: the model takes {2 * half:.3g} pixels of {pixel_size:g} A a side, "
            f"{plural(LARGEST_SIDE, 'pixel')} are the most"
        )
        raise ValueError(msg)
    return 2 * scipy.fft.next_fast_len(math.ceil(half + 0.5), real=True)
