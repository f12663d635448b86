"""Where a rendered map lies: around a model, or on the grid of another map."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Self

import numpy as np
import scipy.fft

import numbavol
from numbavol.arguments import read_voxel_size
from numbavol.cli.options import LARGEST_SIDE
from numbavol.cli.output import plural
from numbavol.io.wanted_maps import check_is_map
from numbavol.rendering.base import count_outside
from numbavol.rendering.windows import reach_in_deviations

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.cli.output import Report
    from numbavol.volumes import GaussianMixtureVolume


@dataclasses.dataclass(frozen=True)
class MapGrid:
    """A grid of voxels in the coordinates of a structure file.

    Attributes
    ----------
    shape
        (z, y, x).
    voxel_size, origin
        (x, y, z) in angstroms: the sides of a voxel, and the centre of voxel [0, 0, 0].
    written_origin, nstart, intervals, axis_order
        How the file says it, as in `numbavol.io.MapHeader`.
    described
        In a word or two, for the report.
    option
        What chose the number of voxels, on the command line.
    is_given
        Whether it is that of another map, and not one around the model.
    """

    shape: tuple[int, int, int]
    voxel_size: NDArray[np.float64]
    origin: NDArray[np.float64]
    written_origin: NDArray[np.float64]
    nstart: NDArray[np.int64]
    intervals: NDArray[np.int64]
    axis_order: str
    described: str
    option: str
    is_given: bool = False

    @property
    def center(self) -> NDArray[np.float64]:
        """The centre of voxel ``n // 2``, (x, y, z) in angstroms."""
        return self.origin + np.array(self.shape[::-1]) // 2 * self.voxel_size

    @property
    def voxel_sides(self) -> float | tuple[float, float, float]:
        """The side of a voxel, or its three sides, as renderers take them."""
        x, y, z = self.voxel_size.tolist()
        return x if x == y == z else (x, y, z)

    @property
    def names(self) -> dict[str, str]:
        """What it is to the library, for `name_options`."""
        return dict.fromkeys(("shape", "voxel_size", "outputs_real_space"), self.option)

    def say_atoms_outside(self, positions: NDArray[np.float64], report: Report) -> None:
        """Warn of positions around voxel ``n // 2`` that lie in none of the voxels."""
        n_outside = count_outside(positions, self.shape, self.voxel_size)
        if n_outside:
            report.warn(
                f"{plural(n_outside, 'atom')} of {len(positions)} outside the box"
                + ("" if self.is_given else "; --box auto holds them all")
            )
        report.note(n_outside=n_outside)

    @classmethod
    def around(
        cls,
        volume: GaussianMixtureVolume,
        center: NDArray[np.float64],
        voxel_size: float,
        box: str | float,
        margin: float,
        tolerance: float,
        resolution: float | None = None,
    ) -> Self:
        """Make a grid around a volume whose origin lies at `center`: see the options.

        A volume that is blurred to a resolution is so already.
        """
        if box in ("auto", "fit"):
            shape = _lengths_that_hold(volume, voxel_size, margin, tolerance, resolution)
            shape = (max(shape),) * 3 if box == "auto" else shape
        else:
            shape = (int(box),) * 3
        sides = np.full(3, voxel_size)
        origin = center - np.array(shape[::-1]) // 2 * sides
        described, option = "", "--box"
        if box in ("auto", "fit"):
            described = ", which holds the model"
            option = "--voxel-size"
        return cls(
            shape,
            sides,
            origin,
            origin,
            np.zeros(3, np.int64),
            np.array(shape[::-1]),
            "xyz",
            described,
            option,
        )

    @classmethod
    def like(cls, map_file: Path, option: str = "--like") -> Self:
        """Take the grid of another map, which an option names."""
        header = numbavol.read_map_header(map_file)
        check_is_map(map_file, header)
        if header.voxel_size is None:
            msg = f"{option}: {map_file} has no voxel size"
            raise ValueError(msg)
        return cls(
            header.shape,
            header.voxel_size,
            header.origin,
            header.written_origin,
            header.nstart,
            header.intervals,
            header.axis_order,
            f", the grid of {map_file}",
            option,
            is_given=True,
        )


def _lengths_that_hold(
    volume: GaussianMixtureVolume,
    voxel_size: float,
    margin: float,
    tolerance: float,
    resolution: float | None,
) -> tuple[int, int, int]:
    """Even lengths (z, y, x), quick to transform, of a box that no rendered window reaches out of.

    A margin in angstroms stays empty besides.
    """
    read_voxel_size("voxel_size", voxel_size)
    reach = reach_in_deviations(tolerance, np.float32) * np.sqrt(volume.variances.max(axis=1))
    halves = np.max(np.abs(volume.positions) + reach[:, np.newaxis], axis=0) + margin
    if (largest := float(halves.max())) / voxel_size > LARGEST_SIDE:
        option, blur = "--voxel-size", ""
        if resolution is not None:
            option, blur = "--resolution", f" and blurred to {resolution:g} A"
        msg = (
            f"{option}: the model takes {2 * largest:.3g} A, with its B-factors{blur}, and so "
            f"{2 * largest / voxel_size:.3g} voxels of {voxel_size:g} A a side"
        )
        raise ValueError(msg)
    x, y, z = (_even_length(half / voxel_size) for half in halves.tolist())
    return z, y, x


def _even_length(half: float) -> int:
    length: int = scipy.fft.next_fast_len(2 * math.ceil(half + 0.5), real=True)
    # An even one: one voxel more below the centre than above it.
    while length % 2:
        length = scipy.fft.next_fast_len(length + 1, real=True)
    return length
