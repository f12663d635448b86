"""``numbavol render``: a structure file to a potential map."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.output import Report, count_elements, plural, progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numbavol.atoms import AtomProperties
    from numbavol.volumes import GaussianMixtureVolume

# rendering.gaussian_mixture.DEFAULT_TOLERANCE, which --help is not to import NumPy for.
DEFAULT_TOLERANCE = 1e-6


class BoxSize(click.ParamType):
    """``auto``, or the voxels of a side."""

    name = "N|auto"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        """Read the option."""
        if value == "auto":
            return "auto"
        try:
            n_voxels = int(value)
        except ValueError:
            n_voxels = 0
        if n_voxels < 1:
            self.fail(f"expected a number of voxels above 0 or 'auto', got {value!r}", param, ctx)
        return n_voxels


class BFactors(click.ParamType):
    """``file``, ``none``, or one value for all atoms."""

    name = "file|none|VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        """Read the option."""
        if value in ("file", "none"):
            return str(value)
        try:
            return float(value)
        except ValueError:
            self.fail(f"expected 'file', 'none' or a number, got {value!r}", param, ctx)


class Models(click.ParamType):
    """``first``, ``all``, or the number of a model."""

    name = "first|all|NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        """Read the option."""
        if value in ("first", "all"):
            return str(value)
        try:
            return int(value)
        except ValueError:
            self.fail(f"expected 'first', 'all' or a model's number, got {value!r}", param, ctx)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The map to write (MRC; gzipped if it ends in .gz).",
)  # fmt: skip
@click.option(
    "--voxel-size", type=float, default=1.0, show_default=True, metavar="A",
    help="Side of a voxel in angstroms.",
)  # fmt: skip
@click.option(
    "--box", type=BoxSize(), default="auto", show_default=True,
    help="Voxels of a side of the map; auto holds the whole model.",
)  # fmt: skip
@click.option(
    "--b-factors", type=BFactors(), default="file", show_default=True,
    help="B-factors: the file's, none, or one value in square angstroms.",
)  # fmt: skip
@click.option(
    "--tolerance", type=float, default=DEFAULT_TOLERANCE, show_default=True, metavar="T",
    help="Share of the map that may be left out in far tails; 0 leaves out nothing.",
)  # fmt: skip
@click.option(
    "--models", type=Models(), default="first", show_default=True, help="Models of the file.",
)  # fmt: skip
@click.option(
    "--select", default="all", show_default=True, metavar="SELECTION",
    help="Atoms, in gemmi's selection language: '//A' is chain A, '[!H]' all but hydrogen.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads; by default all CPUs.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the map if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(
    model: Path,
    output: Path,
    voxel_size: float,
    box: int | str,
    b_factors: float | str,
    tolerance: float,
    models: int | str,
    select: str,
    threads: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Render the electrostatic potential of MODEL (PDB or mmCIF, gzipped or not) as a map.

    Voxels are exact averages of the rescaled potential, in inverse square angstroms. The map is
    centred on the model's centre of mass, and its header places it on the model's coordinates.
    Atoms count by their occupancy.

    \b
    Examples:
      numbavol render 1tii.cif.gz -o 1tii.mrc --voxel-size 1.0
      numbavol render model.pdb -o model.mrc --box 256 --b-factors none --select '//A,B'
    """  # noqa: D301
    import numpy as np

    import numbavol
    from numbavol.rendering import render_gaussian_mixture

    began = time.perf_counter()
    report = Report(as_json)
    if threads is not None:
        numbavol.set_num_threads(threads)
    _check_output(output, overwrite)
    positions, atomic_numbers, properties = _read(model, models, select, report)
    volume = _make_volume(positions, atomic_numbers, properties, b_factors, report)

    n_voxels = _box_that_holds(volume, voxel_size, tolerance) if box == "auto" else int(box)
    render_fn = numbavol.GaussianMixtureRenderFn((n_voxels,) * 3, voxel_size, tolerance=tolerance)
    _say_what_is_rendered(volume, render_fn, box, report)
    with progress_bar("rendering") as progress:
        real_voxel_grid = render_gaussian_mixture(render_fn, volume, progress)
    origin = properties["center"] - (n_voxels // 2) * voxel_size
    numbavol.write_map(output, real_voxel_grid, voxel_size, origin=origin, overwrite=overwrite)

    total = float(np.sum(real_voxel_grid, dtype=np.float64)) * voxel_size**3
    expected = float(volume.amplitudes.sum())
    seconds = time.perf_counter() - began
    report.say(
        f"wrote   {output}: sum x voxel volume = {total:.2f} A, of {expected:.2f} A in the model; "
        f"{seconds:.2f} s",
        output=str(output),
        origin=origin.tolist(),
        integral=total,
        sum_of_amplitudes=expected,
        maximum=float(real_voxel_grid.max()),
        seconds=seconds,
    )
    report.finish()
