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
from numbavol.cli.models import read_models
from numbavol.cli.options import LARGEST_SIDE, MAP_METHODS, MODEL_METHODS, name_options
from numbavol.cli.output import Report, plural
from numbavol.cli.particles import read_particles
from numbavol.io.wanted_maps import read_wanted_map
from numbavol.notebooks import describe_sides
from numbavol.projection.cut_density import find_cut_share
from numbavol.projection.draws import Stream, make_generator
from numbavol.projection.fourier_sampling import SAME_SIZE, are_cubes, describe_resampling
from numbavol.projection.maps import PAD_SCALES, make_sliced_volume
from numbavol.rendering.windows import reach_in_deviations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.cli.model_options import ModelOptions
    from numbavol.cli.options import PoseSource
    from numbavol.projection import AbstractVolumeIntegrator
    from numbavol.volumes import AbstractVolumeParametrization, AbstractVolumeRepresentation

DEFAULT_PIXEL_SIZE = 1.0


@dataclasses.dataclass(frozen=True)
class GivenPoses:
    """Poses, and what the file that they are from says of images."""

    poses: numbavol.EulerAnglePose
    pixel_size: float | NDArray[np.float64] | None
    """One number where all images have the same, one an image otherwise."""
    box: int | NDArray[np.int64] | None

    def take_pixel_size(self) -> float | None:
        """Take the pixel size that a model is imaged at.

        Raises
        ------
        ValueError
            If there are several.
        """
        if isinstance(self.pixel_size, np.ndarray):
            low, high = self.pixel_size.min(), self.pixel_size.max()
            msg = f"--poses: pixels of {low:g} to {high:g} A; --pixel-size says which"
            raise ValueError(msg)
        return self.pixel_size

    def take_box(self) -> int | None:
        """Take the box that a model is imaged in.

        Raises
        ------
        ValueError
            If there are several.
        """
        if isinstance(self.box, np.ndarray):
            msg = f"--poses: boxes of {self.box.min()} to {self.box.max()}; --box says which"
            raise ValueError(msg)
        return self.box


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
    pixel_size: float | NDArray[np.float64] | None = None
    box: int | NDArray[np.int64] | None = None
    if source.path is not None:
        if offsets:
            msg = "--offsets: the file of poses has those of its particles"
            raise click.UsageError(msg)
        particles = read_particles(source.path, report)
        poses = particles.to_poses()
        pixel_size, box = particles.pixel_size, particles.image_size
        described = f"{source.path}"
    elif source.spacing is not None:
        poses = numbavol.make_pose_grid(source.spacing)
        described = f"a grid of {source.spacing:g} degrees"
    else:
        poses = numbavol.draw_random_poses(source.n_random, seed)
        described = f"random, seed {seed}"
    if offsets:
        # Of a stream of their own, so that they change no view.
        generator = make_generator(seed, Stream.OFFSET, 0)
        x, y = generator.normal(scale=offsets, size=(2, len(poses)))
        poses = dataclasses.replace(poses, offset_x_in_angstroms=x, offset_y_in_angstroms=y)
        described += f"; offsets of {offsets:g} A, seed {seed}"
    report.say(f"poses   {len(poses)}: {described}", poses=described, n_poses=len(poses))
    return GivenPoses(poses, pixel_size, box)


@dataclasses.dataclass(frozen=True)
class Task:
    """A volume, its images, and how they are made."""

    volume: AbstractVolumeParametrization
    image_config: numbavol.ImageConfig
    integrator: AbstractVolumeIntegrator
    method: str
    described: str
    """The method in words."""
    settings: tuple[Any, ...]
    """All else that images depend on, besides the source and the poses."""
    seed: int | None = None
    """Of what is drawn for each image."""

    def move_to(self, device: str) -> Task:
        """Return a task like this one that is done on another device, to other last digits."""
        return dataclasses.replace(
            self,
            integrator=self.integrator.move_to(device),
            settings=(*self.settings, device),
        )

    @classmethod
    def from_model(
        cls,
        source: Path,
        given: GivenPoses,
        box: str | float,
        pixel_size: float | None,
        method: str,
        tolerance: float,
        options: ModelOptions,
        report: Report,
        *,
        seed: int,
        thermal: bool,
    ) -> Task:
        """Image a model, or what is drawn of it: see the options of the same names."""
        method = _choose(method, "gaussian", MODEL_METHODS, "a model")
        if thermal and method != "gaussian":
            msg = f"--thermal: moves Gaussians, not the atoms of --method {method}"
            raise click.UsageError(msg)
        models, _ = read_models(source, options, report, "one drawn for each image")
        size = pixel_size or given.take_pixel_size() or DEFAULT_PIXEL_SIZE
        with name_options(options.names_for(source)):
            gaussians = [numbavol.make_gaussian_mixture(atoms) for atoms in models]
        half = max(_half_that_holds(each, given.poses, size, tolerance) for each in gaussians)
        of_poses = None if box != "auto" else given.take_box()
        if box == "auto" and of_poses is None:
            side = _even_side(half, size)
        else:
            side = of_poses or int(box)
            if side < 2 * half:
                report.warn(
                    f"--box: {side} pixels do not hold the model in every pose; "
                    f"{2 * math.ceil(half)} would. "
                    + (
                        "Atoms outside are lost, and what others have beyond an edge comes in at "
                        "the other side"
                        if method == "fft"
                        else "What is outside is lost"
                    )
                )
        config = numbavol.ImageConfig((side, side), size)
        described = f"{method}, tolerance {tolerance:g}"
        settings = (method, size, side, tolerance, thermal, *dataclasses.astuple(options))
        integrator: AbstractVolumeIntegrator = numbavol.FFTAtomProjection(eps=tolerance)
        volumes: Sequence[AbstractVolumeParametrization] = gaussians
        if method == "fft":
            volumes = [numbavol.make_independent_atoms(atoms) for atoms in models]
        else:
            integrator = numbavol.GaussianMixtureProjection(tolerance=tolerance)
        if thermal:
            with name_options(options.names_for(source)):
                volumes = [numbavol.ThermalVolume.from_atoms(atoms) for atoms in models]
            described += ", atoms moved anew for each image"
        volume = volumes[0] if len(volumes) == 1 else numbavol.EnsembleVolume(volumes)
        task = cls(volume, config, integrator, method, described, settings)
        if not (thermal or options.is_ensemble):
            return task
        return dataclasses.replace(
            task,
            seed=seed,
            described=f"{described}, drawn by seed {seed}",
            settings=(*settings, seed),
        )

    @classmethod
    def from_map(
        cls,
        source: Path,
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
        read = read_wanted_map(source, "a map or a model")
        z, y, x = read.data.shape
        if read.voxel_size is not None:
            sizes = read.voxel_size.tolist()
        elif pixel_size is not None:
            sizes = [pixel_size] * 3
        else:
            msg = f"{source}: the map has no voxel size; --pixel-size says it"
            raise ValueError(msg)
        report.say(
            f"read    {source}: {x} x {y} x {z} voxels (x, y, z) of {describe_sides(sizes, 6)} A",
            map=str(source),
            map_shape=[z, y, x],
        )
        _check_voxels(source, read.data.shape, sizes, pixel_size)
        size = float(sizes[0])
        side = max(z, y, x) if box == "auto" else int(box)
        if share := find_cut_share(read.data, side):
            report.warn(
                f"--box: {side} pixels do not hold the map of {max(z, y, x)} voxels in every pose; "
                f"{100 * share:.2g} % of its density lies outside. What is outside is lost"
            )
        config = numbavol.ImageConfig((side, side), size)
        if method == "voxels":
            volume: AbstractVolumeRepresentation = (
                numbavol.RealVoxelGridVolume.from_real_voxel_grid(read.data, voxel_size=sizes)
            )
            integrator: AbstractVolumeIntegrator = numbavol.RealVoxelProjection(eps=tolerance)
            described = f"voxels, tolerance {tolerance:g}"
            settings: tuple[Any, ...] = (method, size, side, tolerance)
            return cls(volume, config, integrator, method, described, settings)
        pad = pad_scale or PAD_SCALES[method]
        volume = make_sliced_volume(read.data, sizes, method, pad)
        described = f"{method}, of the map padded {pad:g} times"
        return cls(
            volume, config, numbavol.FourierSliceExtraction(), method, described,
            (method, size, side, pad),
        )  # fmt: skip


def _check_voxels(
    source: Path, shape: tuple[int, ...], sizes: list[float], pixel_size: float | None
) -> None:
    if not are_cubes(sizes):
        msg = (
            f"{source}: voxels of {describe_sides(sizes, 7)} A (x, y, z) have no square pixels; "
            + describe_resampling(shape, sizes, pixel_size)
        )
        raise ValueError(msg)
    if pixel_size is not None and not np.isclose(pixel_size, sizes[0], rtol=SAME_SIZE, atol=0.0):
        msg = (
            f"{source}: voxels of {sizes[0]:g} A, --pixel-size {pixel_size:g}; "
            + describe_resampling(shape, sizes, pixel_size)
        )
        raise ValueError(msg)


def fingerprint(source: Path, task: Task, given: GivenPoses) -> str:
    """Write down everything that images depend on, so that a run goes on with its own only."""
    with source.open("rb") as file:
        hashed = hashlib.file_digest(file, "sha256")
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


def _half_that_holds(
    gaussians: numbavol.GaussianMixtureVolume,
    poses: numbavol.EulerAnglePose,
    pixel_size: float,
    tolerance: float,
) -> float:
    """Half the side in pixels of images that hold a model however it is turned, and moved."""
    reach = reach_in_deviations(tolerance, np.float32) * np.sqrt(gaussians.variances.max(axis=1))
    farthest = float(np.max(np.linalg.norm(gaussians.positions, axis=1) + reach))
    offset = float(np.max(np.abs(poses.offset_in_angstroms)))
    return (farthest + offset) / pixel_size + 0.5


def _even_side(half: float, pixel_size: float) -> int:
    if 2 * half > LARGEST_SIDE:
        msg = (
            f"--box: the model and its offsets take {2 * half:.3g} pixels of {pixel_size:g} A a "
            f"side, {plural(LARGEST_SIDE, 'pixel')} are the most"
        )
        raise ValueError(msg)
    side: int = 2 * scipy.fft.next_fast_len(math.ceil(half), real=True)
    return side
