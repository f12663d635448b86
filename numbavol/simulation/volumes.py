"""The volumes of a simulation: models and maps, with what is around them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from numbavol.atoms.loading import center_together, load_with_notes
from numbavol.imaging.hydration import HydrationLayer
from numbavol.imaging.solvent import BulkSolvent
from numbavol.io.wanted_maps import is_meant_as_map, read_wanted_map
from numbavol.ndimage.parameters import REAL, read_array
from numbavol.projection import (
    AutoVolumeProjection,
    FourierSliceExtraction,
    GaussianMixtureProjection,
)
from numbavol.projection.cut_density import find_cut_share
from numbavol.projection.fourier_sampling import SAME_SIZE, describe_resampling
from numbavol.projection.maps import make_sliced_volume
from numbavol.rendering import render
from numbavol.simulation.choices import SimulationWarning
from numbavol.simulation.effects import OF_MODELS, list_changes
from numbavol.simulation.tables import VolumeConfig
from numbavol.volumes import AbstractVolumeRepresentation, make_gaussian_mixture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from numbavol.atoms import Atoms
    from numbavol.projection import AbstractVolumeIntegrator
    from numbavol.simulation.config import SimulationConfig
    from numbavol.volumes import AbstractVolumeParametrization

    Volume = AbstractVolumeRepresentation | ArrayLike

# Of what the voxels of a rendered model reach beyond its atoms, in angstroms; solvent reaches some
# molecules further.
MARGIN, MARGIN_OF_SOLVENT = 6.0, 12.0
# In voxels: more than any memory holds.
LARGEST_SIDE = 1_000_000
SOLVENTS = {"bulk": BulkSolvent, "hydration": HydrationLayer}
# Choices, by the arguments of the library that they become.
ARGUMENTS = {"selection_string": "select", "extra_b_factors": "b_factors"}


@dataclasses.dataclass(frozen=True)
class Volumes:
    """The volumes of a simulation."""

    volumes: tuple[AbstractVolumeParametrization, ...]
    weights: tuple[float, ...]
    """How often each is drawn, not normalised."""
    names: tuple[str, ...]
    integrator: AbstractVolumeIntegrator


def load_volumes(config: SimulationConfig, in_memory: Sequence[Volume] | None = None) -> Volumes:
    """Read the volumes of a simulation, and make them ready for images.

    Parameters
    ----------
    config
        The simulation.
    in_memory
        Volumes in place of those of files.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, or does not go together with the simulation.
    """
    if in_memory is not None:
        return _take_volumes(in_memory, config)
    if not config.volume:
        msg = "volume: expected one or more, got none"
        raise ValueError(msg)
    volumes: list[AbstractVolumeParametrization] = []
    weights: list[float] = []
    names: list[str] = []
    first_center: NDArray[np.float64] | None = None
    for n, given in enumerate(config.volume):
        with _name_choices(n, given.file):
            if is_meant_as_map(given.file):
                made = _load_map(given, config)
            else:
                made, center = _load_model(given, config, first_center)
                first_center = center if first_center is None else first_center
        volumes += made
        weights += [given.weight / len(made)] * len(made)
        name = given.file if given.select == "all" else f"{given.file}, {given.select}"
        names += [name if len(made) == 1 else f"{name}, model {n + 1}" for n in range(len(made))]
    if not any(weights):
        msg = "volume: expected a weight above 0, all of them are 0"
        raise ValueError(msg)
    slices: AbstractVolumeIntegrator = FourierSliceExtraction()
    integrator = GaussianMixtureProjection() if config.method == "gaussian" else slices
    return Volumes(tuple(volumes), tuple(weights), tuple(names), integrator)


def _take_volumes(given: Sequence[Volume], config: SimulationConfig) -> Volumes:
    """Take volumes that are in memory: each as often as the others."""
    if not isinstance(given, (list, tuple)):
        msg = f"volumes: expected a list of maps or volumes, got {type(given).__name__}"
        raise TypeError(msg)
    if config.solvent.kind != "none":
        msg = "solvent: volumes that are given have their own; render adds one to a model"
        raise ValueError(msg)
    volumes = [
        each if isinstance(each, AbstractVolumeRepresentation) else _slice_map(each, config)
        for each in given
    ]
    integrators = {AutoVolumeProjection().choose(volume) for volume in volumes}
    if len(integrators) != 1:
        kinds = ", ".join(sorted({type(volume).__name__ for volume in volumes})) or "none"
        msg = f"volumes: expected one or more of one kind, got {kinds}"
        raise ValueError(msg)
    names = tuple(f"volume {n + 1}" for n in range(len(volumes)))
    return Volumes(tuple(volumes), (1.0,) * len(volumes), names, integrators.pop())


def _slice_map(given: ArrayLike, config: SimulationConfig) -> AbstractVolumeRepresentation:
    if not hasattr(given, "__array__"):
        msg = (
            "volumes: expected arrays, or volumes that can be imaged and are not random, got "
            f"{type(given).__name__}"
        )
        raise TypeError(msg)
    if config.method == "gaussian":
        msg = "method: 'gaussian' images no map, and one of volumes is a map; take 'spline'"
        raise ValueError(msg)
    real_voxel_grid = read_array("volumes", given, (3,), kinds=REAL).astype(np.float32, copy=False)
    return make_sliced_volume(real_voxel_grid, config.pixel_size, config.method)


@contextlib.contextmanager
def _name_choices(n: int, file: str) -> Iterator[None]:
    """Let errors that name an argument begin with the path of the choice that made it.

    Elements are no choice, but the file's.
    """
    try:
        yield
    except ValueError as error:
        text = str(error)
        found = re.match(r"(\w+)(?:: |=)", text)
        name = None if found is None else ARGUMENTS.get(found[1], found[1])
        if name == "atomic_numbers":
            msg = f"{file}: {text.partition(': ')[2]}"
            raise ValueError(msg) from error
        if found is None or name not in {field.name for field in dataclasses.fields(VolumeConfig)}:
            raise
        msg = f"volume.{n + 1}.{name}: {text.removeprefix(found[0])}"
        raise ValueError(msg) from error


def _load_map(given: VolumeConfig, config: SimulationConfig) -> list[AbstractVolumeParametrization]:
    if config.method == "gaussian":
        msg = f"method: 'gaussian' images models, and {given.file} is a map"
        raise ValueError(msg)
    if config.solvent.kind != "none":
        msg = f"solvent: a map has its own, and {given.file} is one"
        raise ValueError(msg)
    for name in list_changes(given):
        if name in OF_MODELS:
            msg = f"{name}: expected a model, and {given.file} is a map, which has no atoms"
            raise ValueError(msg)
    read = read_wanted_map(given.file, "a map or a model")
    size = config.pixel_size
    if read.voxel_size is not None and not np.allclose(read.voxel_size, size, SAME_SIZE, 0.0):
        sizes = " x ".join(f"{side:g}" for side in read.voxel_size)
        msg = f"pixel_size: {given.file} has voxels of {sizes} A, expected {size:g}"
        advice = describe_resampling(read.data.shape, read.voxel_size.tolist(), size)
        msg = f"{msg}; {advice}"
        raise ValueError(msg)
    if share := find_cut_share(read.data, config.padded_box):
        warnings.warn(
            f"{given.file}: the box of {config.box} pixels does not hold it in every pose, "
            f"{100 * share:.2g} % of its density lies outside; what is outside is lost",
            SimulationWarning, stacklevel=2,
        )  # fmt: skip
    return [make_sliced_volume(read.data, size, config.method)]


def _load_model(
    given: VolumeConfig, config: SimulationConfig, first_center: NDArray[np.float64] | None
) -> tuple[list[AbstractVolumeParametrization], NDArray[np.float64]]:
    """Make the volumes of a model, and say what of its coordinates is in the middle of images."""
    loaded = load_with_notes(given.file, given.load_options)
    loaded.warn(given.file, stacklevel=3)
    models = loaded.models if given.models == "ensemble" else [loaded.atoms]
    centered, center = center_together(models)
    other = np.zeros(3) if given.center == "file" else first_center
    if given.center != "own" and other is not None:
        moved = center - other
        centered = [dataclasses.replace(one, positions=one.positions + moved) for one in centered]
        center = other
    side = max(_count_voxels(each.positions, config) for each in centered)
    if side > config.padded_box:
        warnings.warn(
            f"{given.file}: the box of {config.box} pixels does not hold it in every pose, {side} "
            "would; what is outside is lost",
            SimulationWarning, stacklevel=2,
        )  # fmt: skip
    if config.method == "gaussian":
        return [make_gaussian_mixture(each) for each in centered], center
    side = max(side, config.padded_box)
    return [_render(each, side, config) for each in centered], center


def _count_voxels(positions: NDArray[np.float64], config: SimulationConfig) -> int:
    """Count the voxels along a side of a cube that holds positions however they are turned."""
    margin = MARGIN if config.solvent.kind == "none" else MARGIN_OF_SOLVENT
    radius = float(np.linalg.norm(positions, axis=1).max()) + margin
    if radius > LARGEST_SIDE * config.pixel_size:
        msg = f"pixel_size: expected one of which a model has fewer, got {config.pixel_size:g}"
        raise ValueError(msg)
    side: int = 2 * scipy.fft.next_fast_len(math.ceil(radius / config.pixel_size), real=True)
    return side


def _render(atoms: Atoms, side: int, config: SimulationConfig) -> AbstractVolumeParametrization:
    shape = (side, side, side)
    real_voxel_grid = render(make_gaussian_mixture(atoms), shape, config.pixel_size)
    if config.solvent.kind != "none":
        solvent = SOLVENTS[config.solvent.kind](**config.solvent.of_kind)
        real_voxel_grid += solvent.render(atoms, shape, config.pixel_size)
    return make_sliced_volume(real_voxel_grid, config.pixel_size, config.method)
