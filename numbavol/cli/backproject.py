"""``numbavol backproject``: a stack of images and their poses to a map."""

from __future__ import annotations

import math
import time
from pathlib import Path

import click

from numbavol.cli.common_options import (
    device_option,
    json_option,
    overwrite_option,
    quiet_option,
    threads_option,
)
from numbavol.cli.options import FiniteNumber, name_options, read_device
from numbavol.cli.output import (
    Report,
    add_to_stem,
    check_inputs_stay,
    check_map_name,
    check_output,
    plural,
)

# Of images, what was done to them about it before.
CORRECTED = {
    "none": "",
    "phase_flipped": " but for its sign, flipped before",
    "premultiplied": ", applied twice",
}
# Options, by the arguments of the library that they become.
NAMES = {
    "signal_to_noise": "--wiener-snr",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in ("symmetry", "pad_scale", "max_resolution", "device")
    },
}
ABOVE_0 = FiniteNumber(click.FloatRange(min=0, min_open=True))
# With the default padding as many images as there are will have to do.
DEFAULT_PAD_SCALE, LEAST_SHARE_REACHED = 2.0, 0.95


@click.command()
@click.argument("source", metavar="PARTICLES", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The map to write; of half maps, the names have _half1 or _half2 after the stem.",
)  # fmt: skip
@click.option(
    "--passthrough", metavar="FILE", type=click.Path(path_type=Path),
    help="Of a .cs file: another of the same job, which knows more of its particles.",
)  # fmt: skip
@click.option(
    "--ctf/--no-ctf", "wants_ctf", default=None,
    help="Correct for the contrast transfer function; by default where there is a defocus.",
)  # fmt: skip
@click.option(
    "--symmetry", default="C1", show_default=True, metavar="GROUP",
    help="C1 to C99, D1 to D99, T, O, or I1 to I4, as RELION places them.",
)  # fmt: skip
@click.option(
    "--half", type=click.Choice(["1", "2", "both"]),
    help="Only one half of the images, or a map of each: those of rlnRandomSubset or, without it, "
    "every other image.",
)  # fmt: skip
@click.option(
    "--wiener-snr", "signal_to_noise", type=ABOVE_0, metavar="R",
    help="Damp as a Wiener filter does: power of the signal over that of the noise in the "
    "transform of one image, were its CTF 1. By default, nothing is damped.",
)  # fmt: skip
@click.option(
    "--max-resolution", type=ABOVE_0, metavar="A",
    help="Leave out what is finer, in angstroms; by default, what is beyond Nyquist.",
)  # fmt: skip
@click.option(
    "--pad-scale", type=FiniteNumber(click.FloatRange(min=1, max=8)), default=DEFAULT_PAD_SCALE,
    show_default=True, metavar="P",
    help="Pad the map so many times while it is a transform. The more, the more images it needs.",
)  # fmt: skip
@click.option(
    "--pixel-size", type=ABOVE_0, metavar="A",
    help="Side of a pixel in angstroms, if the particles do not say it.",
)  # fmt: skip
@device_option
@threads_option
@overwrite_option
@quiet_option
@json_option
def backproject(
    source: Path,
    output: Path,
    passthrough: Path | None,
    wants_ctf: bool | None,
    symmetry: str,
    half: str | None,
    signal_to_noise: float | None,
    max_resolution: float | None,
    pad_scale: float,
    pixel_size: float | None,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make a map of the images of PARTICLES, a STAR file of RELION or a .cs file of cryoSPARC.

    Images are found from the folder of PARTICLES, or from this one. Memory does not grow with
    their number; gzipped stacks are unpacked where temporary files are (TMPDIR), if there is room.
    Position 0 of the map, around which images were turned, is its middle voxel.

    \b
    Examples:
      numbavol backproject stack.star -o map.mrc
      numbavol backproject particles.cs --passthrough passthrough.cs -o map.mrc
      numbavol backproject run_data.star -o map.mrc --symmetry D7 --half both --wiener-snr 0.05
    """
    import numpy as np

    import numbavol
    from numbavol.cli.particles import StackOfParticles

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    where = read_device(device)
    # An unknown group is no reason to read all particles first.
    with name_options(NAMES):
        n_symmetric = len(numbavol.make_symmetry_rotations(symmetry))
    check_map_name(output)
    halves: dict[int | None, Path] = {None: output}
    if half is not None:
        numbers = (1, 2) if half == "both" else (int(half),)
        halves = {n: add_to_stem(output, f"_half{n}") for n in numbers}
    for path in halves.values():
        check_output(path, source, "file of particles", overwrite)
    stack = StackOfParticles.read(source, passthrough, pixel_size, wants_ctf, report)
    check_inputs_stay(tuple(halves.values()), stack.filenames)
    side = stack.side
    ctf = f"{'with' if stack.ctf is not None else 'without'} CTF{CORRECTED[stack.ctf_correction]}"
    report.say(
        f"read    {source}: {plural(len(stack), 'image')} of {side}^2 pixels of "
        f"{stack.pixel_size:g} A, {ctf}",
        n_images=len(stack),
        pixel_size=stack.pixel_size,
        has_ctf=stack.ctf is not None,
        ctf_correction=stack.ctf_correction,
        symmetry=symmetry,
    )
    chosen_of = {n: stack if n is None else stack.take_half(n) for n in halves}
    n_left_out = int(np.count_nonzero((stack.halves != 1) & (stack.halves != 2)))
    if half is not None and n_left_out:
        report.warn(f"{source}: {plural(n_left_out, 'image')} of neither half left out")
    for number, path in halves.items():
        chosen = chosen_of[number]
        radius = side / 2
        if max_resolution is not None:
            radius = min(radius, side * stack.pixel_size / max_resolution)
        reached = _predict_share_reached(len(chosen) * n_symmetric, radius, pad_scale)
        if pad_scale > DEFAULT_PAD_SCALE and reached < LEAST_SHARE_REACHED:
            report.warn(
                f"--pad-scale {pad_scale:g}: {plural(len(chosen), 'image')} reach about "
                f"{reached:.0%} of the cells at the highest frequencies, and the others are 0; "
                f"--pad-scale {DEFAULT_PAD_SCALE:g} needs fewer"
            )
        with name_options(NAMES | {"images": str(source)}):
            real_voxel_grid = numbavol.backproject(
                chosen.images,
                chosen.poses,
                chosen.pixel_size,
                ctf=chosen.ctf,
                ctf_correction=chosen.ctf_correction,
                signal_to_noise=signal_to_noise,
                symmetry=symmetry,
                pad_scale=pad_scale,
                max_resolution=max_resolution,
                device=where,
                progress=report.shows_progress,
            )
        origin = -(side // 2) * stack.pixel_size
        numbavol.write_map(
            path, real_voxel_grid, stack.pixel_size, origin=(origin,) * 3, overwrite=overwrite
        )
        what = "" if number is None else f" of half {number}, {plural(len(chosen), 'image')}"
        report.say(
            f"map     {path}{what}: min {real_voxel_grid.min():.5g}, max "
            f"{real_voxel_grid.max():.5g}"
        )
    seconds = time.perf_counter() - began
    report.say(
        f"wrote   {plural(len(halves), 'map')}; {seconds:.2f} s",
        outputs=[str(path) for path in halves.values()],
        seconds=seconds,
    )
    report.finish()


def _predict_share_reached(n_slices: int, radius: float, pad_scale: float) -> float:
    """Predict which share of cells slices of all directions reach, so many frequencies from 0.

    Samples of a slice lie `pad_scale` cells apart, and each is shared among 8. A shell of radius r,
    in cells, has 4 pi r^2 of them, and of a slice 2 pi r / pad_scale^2 samples.
    """
    return -math.expm1(-8 * n_slices / (2 * pad_scale * radius * pad_scale**2))
