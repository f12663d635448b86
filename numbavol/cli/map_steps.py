"""The steps of ``numbavol filter``.

Each takes a map and its place, says what it does, and returns a map that lies where that did.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

import numbavol
from numbavol.arguments import check_fits_in_memory
from numbavol.cli.options import LARGEST_SIDE
from numbavol.cli.placed_map import PlacedMap, describe_shape
from numbavol.ndimage.filters.frequency import DEFAULT_ROLLOFF_WIDTH_FRACTION
from numbavol.ndimage.resampling import find_side_for_voxel_size
from numbavol.projection.fourier_sampling import SAME_SIZE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.cli.filter_steps import Steps
    from numbavol.cli.options import Sphere
    from numbavol.cli.output import Report

# Beside the map itself, measured: two half transforms and a filter; a mask and a masked map.
BYTES_A_VOXEL_OF_TRANSFORMS, BYTES_A_VOXEL_OF_MASKS, BYTES_A_VOXEL = 12, 8, 4
# Its exponential is what float64 holds.
LARGEST_EXPONENT = 700.0


def check_steps(density: PlacedMap, steps: Steps, map_file: Path) -> None:
    """Refuse what the map does not allow, or memory does not hold: before the work, not after it.

    Parameters
    ----------
    density
        The map that was read.
    steps
        What is to be done with it.
    map_file
        Its file.

    Raises
    ------
    ValueError
        If an option is out of the range that the map allows.
    MemoryError
        If the steps do not fit into the memory that is free.
    """
    shape = density.data.shape
    whose = f"{map_file}, {density.describe_grid()}"
    if steps.multiplies_the_transform:
        _check_memory(str(map_file), shape, BYTES_A_VOXEL_OF_TRANSFORMS)
    least_b_factor = -16.0 * LARGEST_EXPONENT / float(np.sum(density.voxel_size**-2.0))
    if steps.b_factor is not None and steps.b_factor < least_b_factor:
        msg = f"--b-factor: expected at least {least_b_factor:.5g} for {whose}, got "
        raise ValueError(msg + f"{steps.b_factor:g}")
    if steps.voxel_size is not None:
        shape = _check_voxel_size(density, steps.voxel_size, whose)
        whose = f"{describe_shape(shape)} voxels that --voxel-size makes"
    if steps.mask is not None:
        _check_memory("--mask", shape, BYTES_A_VOXEL_OF_MASKS)
    if steps.crop is not None and steps.crop > min(shape):
        msg = f"--crop: expected at most {min(shape)}, the shortest side of {whose}, got "
        raise ValueError(msg + str(steps.crop))
    if steps.pad is not None and steps.pad < max(shape):
        msg = f"--pad: expected at least {max(shape)}, the longest side of {whose}, got "
        raise ValueError(msg + str(steps.pad))
    if steps.side is not None:
        _check_memory("--pad" if steps.pad else "--box", (steps.side,) * 3, BYTES_A_VOXEL)


def _check_voxel_size(density: PlacedMap, voxel_size: float, whose: str) -> tuple[int, ...]:
    """Return the shape that it makes."""
    sides = zip(density.data.shape, density.voxel_size[::-1].tolist(), strict=True)
    numbers = [n * side / voxel_size for n, side in sides]
    if not 0.5 < min(numbers) <= max(numbers) <= LARGEST_SIDE:
        msg = (
            f"--voxel-size: expected 1 to {LARGEST_SIDE} voxels along each side of {whose}, "
            f"got voxels of {voxel_size:g} A"
        )
        raise ValueError(msg)
    # As `rescale_voxel_size` rounds.
    shape = tuple(round(number) for number in numbers)
    for whole in (density.data.shape, shape):
        _check_memory("--voxel-size", whole, BYTES_A_VOXEL_OF_TRANSFORMS)
    return shape


def _check_memory(name: str, shape: tuple[int, ...], bytes_a_voxel: int) -> None:
    what = f"the work on {describe_shape(shape)} voxels"
    check_fits_in_memory(name, what, math.prod(shape) * bytes_a_voxel)


def filter_frequencies(density: PlacedMap, steps: Steps, report: Report) -> PlacedMap:
    """Multiply the transform of a map by the filters that are asked for.

    Parameters
    ----------
    density
        The map.
    steps
        What is to be done with it.
    report
        Says what is done.

    Raises
    ------
    ValueError
        If the filtered map is beyond what float32 holds.
    """
    transform: NDArray[Any] = numbavol.rfftn(density.data)
    # What sharpens without a bound comes last, on what the others leave.
    if steps.lowpass is not None:
        transform = _make_lowpass(steps.lowpass, density, report)(transform)
    if steps.highpass is not None:
        transform = _make_highpass(steps.highpass, density, report)(transform)
    # What leaves float32 is found in the map, where it is one error.
    with np.errstate(over="ignore", invalid="ignore"):
        if steps.b_factor is not None:
            transform = _make_b_factor_filter(steps.b_factor, density, report)(transform)
        filtered = numbavol.irfftn(transform, density.data.shape)
        total = np.sum(filtered, dtype=np.float64)
    if not np.isfinite(total):
        is_bounded = steps.b_factor is None or steps.lowpass is not None
        hint = "" if is_bounded else "; --lowpass bounds what --b-factor does"
        msg = f"expected a filtered map that float32 can hold, got the sum {total}{hint}"
        raise ValueError(msg)
    return density.around_same_center(filtered, density.voxel_size)


def _make_lowpass(resolution: float, density: PlacedMap, report: Report) -> numbavol.AbstractFilter:
    lowpass = numbavol.LowpassFilter.from_resolution(
        density.data.shape, density.voxel_size, resolution, _edge(resolution, density)
    )
    end = _end_of_edge(lowpass)
    report.say(
        f"lowpass   {resolution:g} A: all to {resolution:.5g} A, nothing beyond {end:.5g} A",
        lowpass={"resolution": resolution, "end_of_edge": end},
    )
    if lowpass.get().min() == 1.0:
        report.warn(f"--lowpass {resolution:g} changes nothing: the voxels hold nothing as fine")
    elif resolution <= density.finest_resolution:
        report.warn(
            f"--lowpass {resolution:g} changes little: along an axis, the voxels hold nothing "
            f"finer than {density.finest_resolution:.5g} A"
        )
    return lowpass


def _make_highpass(
    resolution: float, density: PlacedMap, report: Report
) -> numbavol.AbstractFilter:
    highpass = numbavol.HighpassFilter.from_resolution(
        density.data.shape, density.voxel_size, resolution, _edge(resolution, density)
    )
    end = _end_of_edge(highpass)
    report.say(
        f"highpass  {resolution:g} A: nothing to {resolution:.5g} A, all beyond {end:.5g} A",
        highpass={"resolution": resolution, "end_of_edge": end},
    )
    if not np.any(highpass.get()):
        report.warn(f"--highpass {resolution:g} leaves nothing: the voxels hold nothing as fine")
    return highpass


def _edge(resolution: float, density: PlacedMap) -> float:
    """Return the width of a filter's edge, as a fraction of the Nyquist frequency."""
    cutoff = 2 * float(np.max(density.voxel_size)) / resolution
    # Of a coarse cutoff, the whole edge would reach to resolutions that nobody expects.
    return min(DEFAULT_ROLLOFF_WIDTH_FRACTION, cutoff / 2)


def _end_of_edge(cutoff: numbavol.LowpassFilter | numbavol.HighpassFilter) -> float:
    """Return the resolution, in angstroms, at which the edge of a filter ends."""
    fraction = cutoff.frequency_cutoff_fraction + cutoff.rolloff_width_fraction
    return 2 * cutoff.grid_spacing / fraction


def _make_b_factor_filter(
    b_factor: float, density: PlacedMap, report: Report
) -> numbavol.AbstractFilter:
    # In the corners of the transform, which a low-pass filter has emptied, a factor of usual
    # sharpening exceeds float32.
    made = numbavol.BFactorFilter.from_shape(
        density.data.shape, density.voxel_size, b_factor, dtype=np.float64
    )
    finest = density.finest_resolution
    # Infinite only where the map has too few voxels to have this frequency.
    factor = float(np.exp(-b_factor / (2 * finest) ** 2))
    effect = "sharpens" if b_factor < 0 else "blurs" if b_factor > 0 else "changes nothing"
    report.say(
        f"b-factor  {b_factor:g} A^2 {effect}: times {factor:.4g} at {finest:.5g} A",
        b_factor={"b_factor": b_factor, "resolution": finest, "factor_at_resolution": factor},
    )
    return made


def resample(density: PlacedMap, voxel_size: float, report: Report) -> PlacedMap:
    """Resample a map to another voxel size, over the same box.

    Parameters
    ----------
    density
        The map.
    voxel_size
        In angstroms.
    report
        Says what is done.
    """
    data, sides = numbavol.rescale_voxel_size(density.data, density.voxel_size, voxel_size)
    resampled = density.around_same_center(data, sides)
    asked = f"{voxel_size:g} A asked for"
    if not np.allclose(sides, voxel_size, SAME_SIZE, 0.0):
        before = density.voxel_size.tolist()
        side = find_side_for_voxel_size(density.data.shape, before, voxel_size)
        asked += "" if side is None else f", exact after --box {side} in a run of its own"
    report.say(
        f"resample  {resampled.describe_grid()}, {asked}",
        resampled={
            "asked_for": voxel_size,
            "shape": list(data.shape),
            "voxel_size": list(sides),
        },
    )
    if data.shape == density.data.shape:
        report.warn(f"--voxel-size {voxel_size:g} changes nothing: no other number of voxels fits")
    # Of cubes, rounding leaves differences of 1e-16.
    elif np.ptp(density.voxel_size) == 0 and np.ptp(sides) > 1e-9 * max(sides):
        report.warn(
            "the voxels are no cubes any more: sides of different length hold whole numbers of "
            "them; with --box first, in a run of its own, they would be"
        )
    return resampled


def apply_mask(density: PlacedMap, sphere: Sphere, report: Report) -> PlacedMap:
    """Multiply a map by a sphere around its middle.

    Parameters
    ----------
    density
        The map.
    sphere
        The mask.
    report
        Says what is done.
    """
    mask = numbavol.SphericalCosineMask.from_shape(
        density.data.shape,
        density.voxel_size,
        radius=sphere.radius,
        rolloff_width=sphere.edge,
    )
    kept = float(mask.get().mean(dtype=np.float64))
    place = ", ".join(f"{coordinate:.3f}" for coordinate in density.center)
    report.say(
        f"mask      sphere of {sphere.radius:g} A around ({place}) A, edge of {sphere.edge:g} A: "
        f"{100 * kept:.1f} % of the box",
        mask={
            **sphere._asdict(),
            "center": density.center.tolist(),
            "share_of_box": kept,
        },
    )
    if kept == 1.0:
        report.warn("--mask changes nothing: the sphere holds the whole box")
    return density.around_same_center(mask(density.data), density.voxel_size)


def resize(density: PlacedMap, side: int, report: Report) -> PlacedMap:
    """Cut a map to a cube, or add zeros up to it.

    Parameters
    ----------
    density
        The map.
    side
        In voxels.
    report
        Says what is done.
    """
    data = numbavol.resize_with_crop_or_pad(density.data, (side,) * 3)
    report.say(
        f"box       {describe_shape(density.data.shape)} to {describe_shape(data.shape)} voxels",
        box=side,
    )
    return density.around_same_center(data, density.voxel_size)
