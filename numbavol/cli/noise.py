"""``numbavol noise``: the noise of images."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from numbavol.cli.common_options import (
    json_option,
    overwrite_option,
    quiet_option,
    threads_option,
)
from numbavol.cli.options import FiniteNumber, name_options
from numbavol.cli.output import Report, check_inputs_stay, check_output, plural
from numbavol.cli.pictures import check_picture, write_picture

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from numbavol.imaging import NoiseSpectrum
    from numbavol.io import MapHeader


@click.group()
def noise() -> None:
    """Noise of images.

    \b
    Examples:
      numbavol noise estimate stack.mrcs -o spectrum.star
    """


@noise.command()
@click.argument("stack", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.star",
    help="The spectrum to write.",
)  # fmt: skip
@click.option(
    "--pixel-size", type=FiniteNumber(click.FloatRange(min=0, min_open=True)), metavar="A",
    help="In angstroms; by default what the stack says.",
)  # fmt: skip
@click.option(
    "--mask-radius", type=FiniteNumber(click.FloatRange(min=0)), metavar="A",
    help="Of the circle that holds the particle, in angstroms; 0 for images of nothing but noise. "
    "By default 3/4 of half the image.",
)  # fmt: skip
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE",
    help="Picture of the spectrum to write: .png, .svg or .pdf.",
)  # fmt: skip
@threads_option
@overwrite_option
@quiet_option
@json_option
def estimate(
    stack: Path,
    output: Path,
    pixel_size: float | None,
    mask_radius: float | None,
    plot: Path | None,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure the power spectrum of the noise around the particles of STACK.

    It is written as a STAR file with the power at each frequency: the squared transform over the
    number of pixels, which for white noise is the variance of a pixel.

    \b
    Examples:
      numbavol noise estimate stack.mrcs -o spectrum.star --plot spectrum.png
      numbavol noise estimate stack.mrcs -o spectrum.star --mask-radius 80
    """
    import numbavol
    from numbavol.io.stack_names import name_image
    from numbavol.notebooks import describe_sides

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    if output.suffix.lower() != ".star":
        msg = f"-o: expected a name that ends in .star, got {output}"
        raise click.UsageError(msg)
    check_output(output, stack, "stack", overwrite)
    if plot is not None:
        check_picture("--plot", plot)
        check_output(plot, stack, "stack", overwrite)
    check_inputs_stay((output, plot), (stack,))
    header = _read_header(stack)
    size = _read_pixel_size(stack, header, pixel_size)
    n, y, x = header.shape
    report.say(
        f"read    {stack}: {plural(n, 'image')} of {x} x {y} (x, y), pixels of "
        f"{describe_sides(size)} A",
        file=str(stack),
        n_images=n,
        shape=[y, x],
        pixel_size=size.tolist(),
    )
    names = [name_image(number, str(stack)) for number in range(1, n + 1)]
    with name_options({"mask_radius": "--mask-radius", "images": str(stack)}):
        spectrum = numbavol.estimate_noise_spectrum(
            numbavol.ParticleImages(names), size, mask_radius=mask_radius,
            progress=report.shows_progress,
        )  # fmt: skip
    _say_spectrum(spectrum, (y, x), size, report)
    spectrum.write(output, overwrite=overwrite)
    seconds = time.perf_counter() - began
    report.say(f"wrote   {output}; {seconds:.2f} s", output=str(output), seconds=seconds)
    if plot is not None:
        write_picture(_draw(spectrum), plot, overwrite)
        report.say(f"plot    {plot}", plot=str(plot))
    report.finish()


def _draw(spectrum: NoiseSpectrum) -> Figure:
    from matplotlib.figure import Figure

    from numbavol.plot import plot_noise_spectrum

    figure = Figure(figsize=(6, 4), layout="constrained")
    plot_noise_spectrum(spectrum, axes=figure.add_subplot())
    return figure


def _read_header(stack: Path) -> MapHeader:
    import numbavol
    from numbavol.io.wanted_maps import is_stack

    header = numbavol.read_map_header(stack)
    # cryoSPARC's stacks and maps have the same header, of this space group.
    if not is_stack(stack, header) and header.space_group != 0:
        msg = f"{stack}: expected a stack of images (.mrcs, or a file that says so), got a map"
        raise ValueError(msg)
    return header


def _read_pixel_size(
    stack: Path, header: MapHeader, pixel_size: float | None
) -> NDArray[np.float64]:
    """Return the sides (x, y) of a pixel."""
    import numpy as np

    if pixel_size is not None:
        return np.full(2, pixel_size)
    if header.pixel_size is None:
        msg = f"{stack}: expected a pixel size in the header, got none; --pixel-size says it"
        raise ValueError(msg)
    return header.pixel_size


def _say_spectrum(
    spectrum: NoiseSpectrum, shape: tuple[int, int], pixel_size: NDArray[np.float64], report: Report
) -> None:
    variance = spectrum.variance(shape, pixel_size)
    report.say(
        f"noise   variance {variance:.5g}, power {spectrum.power[1]:.5g} at "
        f"{spectrum.frequencies[1]:.3g} 1/A to {spectrum.power[-1]:.5g} at "
        f"{spectrum.frequencies[-1]:.3g} 1/A",
        variance=variance,
        frequencies=spectrum.frequencies.tolist(),
        power=spectrum.power.tolist(),
    )
