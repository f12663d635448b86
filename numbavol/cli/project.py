"""``numbavol project``: a model or a map to a stack of images that RELION reads."""

from __future__ import annotations

import contextlib
import filecmp
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import (
    device_option,
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.html_report import Picture, check_page, write_page
from numbavol.cli.model_options import model_options, read_options
from numbavol.cli.options import (
    LARGEST_SIDE,
    MAP_METHODS,
    MODEL_METHODS,
    SIDE,
    FiniteNumber,
    PoseText,
    WordOrNumber,
    name_options,
    read_device,
    refuse_without_effect,
)
from numbavol.cli.output import Report, check_output, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numbavol.cli.options import PoseSource
    from numbavol.io import ImageStack

IMAGES_OF_A_PAGE = 18


@click.command()
@click.argument("source", metavar="MODEL|MAP", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The stack to write, .mrcs; the STAR file beside it has the same stem.",
)  # fmt: skip
@click.option(
    "--poses", type=PoseText(), required=True, metavar="random:N|grid:DEGREES|FILE",
    help="N random views, a grid of all views, so many degrees apart, or those of a STAR file or a "
    "file of cryoSPARC (.cs).",
)  # fmt: skip
@click.option(
    "--box", type=WordOrNumber(("auto",), click.IntRange(min=1, max=LARGEST_SIDE)), default="auto",
    show_default=True, metavar="N|auto",
    help="Pixels of a side of an image; auto is that of the map; of a model, that of the file of "
    "poses or one that holds it in every pose.",
)  # fmt: skip
@click.option(
    "--pixel-size", type=SIDE, metavar="A",
    help="Side of a pixel in angstroms; by default that of the map; of a model, that of the "
    "file of poses, or 1.",
)  # fmt: skip
@click.option(
    "--offsets", type=FiniteNumber(click.FloatRange(min=0)), default=0.0, show_default=True,
    metavar="A", help="Move each image by normal offsets of this deviation along x and y.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="K",
    help="Of random views and offsets, and of what is drawn for each image.",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["auto", *MODEL_METHODS, *MAP_METHODS]), default="auto",
    show_default=True,
    help="Of a model, gaussian averages the potential over pixels, and fft what it has of "
    "frequencies that pixels can hold. Of a map, spline and linear interpolate slices of its "
    "transform, and voxels projects its voxels as points. auto is gaussian or spline.",
)  # fmt: skip
@click.option(
    "--pad-scale", type=FiniteNumber(click.FloatRange(min=1, max=8)), metavar="P",
    help="Pad a map so many times before it is transformed; by default 1.25 for spline and 2 for "
    "linear.",
)  # fmt: skip
@click.option(
    "--tolerance", type=FiniteNumber(click.FloatRange(min=1e-13, max=1, max_open=True)),
    default=1e-6, show_default=True, metavar="T", help="Accuracy of gaussian, fft and voxels.",
)  # fmt: skip
@click.option(
    "--thermal", is_flag=True,
    help="Move each atom at random by its B-factor, anew for each image, in place of a blur.",
)  # fmt: skip
@model_options
@device_option
@threads_option
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@overwrite_option
@report_option
@quiet_option
@json_option
def project(
    source: Path,
    output: Path,
    poses: PoseSource,
    box: str | float,
    pixel_size: float | None,
    offsets: float,
    seed: int,
    method: str,
    pad_scale: float | None,
    tolerance: float,
    thermal: bool,
    device: str,
    threads: int | None,
    resume: bool,
    overwrite: bool,
    page: Path | None,
    quiet: bool,
    as_json: bool,
    **atoms_that_count: Any,
) -> None:
    """Project a model (PDB or mmCIF) or a map (MRC) to a stack of images, and a STAR file.

    Images are integrals of the rescaled potential along z, in inverse angstroms. RELION finds the
    stack when it is started in its folder. An interrupted run leaves nothing under these names;
    --resume goes on with it, and comes to the same bytes. With it, the command may be run again:
    what a run has finished is left.

    \b
    Examples:
      numbavol project 1tii.cif.gz -o stack.mrcs --poses random:1000 --box 128 --pixel-size 1.5
      numbavol project nmr.cif -o stack.mrcs --poses random:1000 --models ensemble
      numbavol project map.mrc -o stack.mrcs --poses grid:7.5
      numbavol project map.mrc -o again.mrcs --poses stack.star --method linear
    """
    import numbavol
    from numbavol.cli.imaging import Task, fingerprint, make_particles, read_poses
    from numbavol.cli.particles import warn_of_far_offsets, warn_of_odd_side
    from numbavol.io.locked_parts import write_locked_part
    from numbavol.io.wanted_maps import is_meant_as_map
    from numbavol.io.whole_file import give_name

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    star = output.with_suffix(".star")
    if output.suffix.lower() != ".mrcs":
        msg = f"-o: expected a name that ends in .mrcs, which RELION reads as a stack, got {output}"
        raise click.UsageError(msg)
    # What a finished run wrote is compared later, and a page that is there is left.
    is_there = resume and output.is_file() and not overwrite
    replaces = overwrite or is_there
    check_output(output, source, "source", replaces)
    check_output(star, poses.path or source, "file of poses", replaces)
    check_page(page, source, (output, star), replaces)
    draws_page = page is not None and not (is_there and page.exists())
    is_random = thermal or atoms_that_count["models"] == "ensemble"
    if poses.path is not None and not is_random:
        refuse_without_effect(("seed",), "the poses of a file are not random")
    given = read_poses(poses, offsets, seed, report)
    if is_meant_as_map(source):
        refuse_without_effect(("thermal", *atoms_that_count), "a map has no atoms")
        if method != "voxels":
            refuse_without_effect(("tolerance",), "slices of a map have none")
        task = Task.from_map(source, box, pixel_size, method, pad_scale, tolerance, report)
    else:
        refuse_without_effect(("pad_scale",), "only a map is padded")
        options = read_options(atoms_that_count)
        task = Task.from_model(
            source, given, box, pixel_size, method, tolerance, options, report,
            seed=seed, thermal=thermal,
        )  # fmt: skip
    if (where := read_device(device)) != "cpu":
        task = task.move_to(where)
    n_images = len(given.poses)
    side, size = task.image_config.shape[0], task.image_config.pixel_size
    shape = (n_images, side, side)
    report.say(
        f"project {plural(n_images, 'image')} of {side}^2 pixels of {size:g} A, {task.described}",
        n_images=n_images,
        shape=list(shape),
        pixel_size=size,
        method=task.method,
    )
    warn_of_odd_side(side, report)
    warn_of_far_offsets(given.poses.offset_in_angstroms, side * size, report)
    key = fingerprint(source, task, given)
    # Written before the work, so that what RELION cannot read is found before it; named after the
    # stack, and an old one removed before, so that no stack ever lies beside another one's angles.
    with contextlib.ExitStack() as cleaning:
        particles = make_particles(given.poses, task.image_config)
        with name_options({"stack_filename": "-o"}):
            star_part = write_locked_part(
                star,
                lambda part: numbavol.write_particles(part, particles, output, overwrite=True),
                cleaning,
            )
        if is_there:
            _check_is_of_this_run(output, shape, key, star, star_part)
            report.say("resume  nothing: all are there", n_resumed=n_images)
        else:
            with (
                _name_what_goes_on(output),
                _open_stack(output, shape, size, key, resume=resume, overwrite=overwrite) as stack,
            ):
                n_there = stack.n_already_written
                if resume:
                    what = (
                        f"after {plural(n_there, 'image')}"
                        if n_there
                        else "nothing: all are to be made"
                    )
                    report.say(f"resume  {what}", n_resumed=n_there)
                numbavol.project(
                    task.volume,
                    given.poses,
                    task.image_config,
                    integrator=task.integrator,
                    out=stack,
                    progress=report.shows_progress,
                    seed=task.seed,
                )
                if overwrite:
                    star.unlink(missing_ok=True)
        if not (is_there and star.exists()):
            give_name(star_part, star, overwrite=overwrite)
    seconds = time.perf_counter() - began
    report.say(
        f"{'whole' if is_there else 'wrote'}   {output} and {star}; {seconds:.2f} s",
        output=str(output),
        star=str(star),
        seconds=seconds,
    )
    if page is not None and draws_page:
        _write_page(page, output, size, report, overwrite)
    report.finish()


def _write_page(
    page: Path, stack: Path, pixel_size: float, report: Report, overwrite: bool
) -> None:
    from numbavol.io import read_images
    from numbavol.plot import draw_stack

    images = read_images(stack, 0, IMAGES_OF_A_PAGE)
    caption = f"The first {plural(len(images), 'image')}, their mean power spectrum and histogram."
    looks = "Projections in gray, six in a row, above two curves."
    picture = Picture(caption, draw_stack(images, pixel_size), looks)
    write_page(page, report, [picture], overwrite)
    report.say(f"report  {page}", report=str(page))


def _check_is_of_this_run(
    output: Path, shape: tuple[int, int, int], key: str, star: Path, expected_star: Path
) -> None:
    """Refuse to take a stack, or the STAR file beside it, for what this run would write."""
    from numbavol.io.partial_file import Mark, hash_key, read_mark_of

    if read_mark_of(output) != Mark(shape, hash_key(key), shape[0], "float32"):
        other = output
    # An interrupt at the very end leaves none.
    elif star.exists() and not filecmp.cmp(star, expected_star, shallow=False):
        other = star
    else:
        return
    msg = (
        f"{other}: expected what a run of this source, these options and poses wrote, got "
        "something else; --overwrite replaces it"
    )
    raise ValueError(msg)


@contextlib.contextmanager
def _name_what_goes_on(output: Path) -> Iterator[None]:
    """Let an interrupt say how the run goes on, if it left images."""
    from numbavol.io.partial_file import name_part_of

    try:
        yield
    except KeyboardInterrupt as interrupt:
        part = name_part_of(output)
        if not part.exists():
            raise
        msg = f"interrupted; {part} is kept: the same command with --resume goes on with it"
        raise click.Abort(msg) from interrupt


@contextlib.contextmanager
def _open_stack(
    output: Path,
    shape: tuple[int, int, int],
    pixel_size: float,
    key: str,
    *,
    resume: bool,
    overwrite: bool,
) -> Iterator[ImageStack]:
    """Begin a stack, or go on with one; what is in the way is said in the command's own words."""
    import numbavol
    from numbavol.io.image_stack import UnfinishedStackError
    from numbavol.io.partial_file import name_part_of

    part = name_part_of(output)
    write = numbavol.resume_image_stack if resume else numbavol.write_image_stack
    with contextlib.ExitStack() as closing:
        try:
            stack = closing.enter_context(
                write(output, shape, pixel_size, overwrite=overwrite, resume_key=key)
            )
        except UnfinishedStackError as error:
            msg = f"{part}: left by an interrupted run; --resume goes on, --overwrite begins again"
            raise ValueError(msg) from error
        except ValueError as error:
            if not (resume and part.exists()):
                raise
            msg = (
                f"{part}: left by a run of other options, poses or another source, or damaged; "
                "--overwrite without --resume begins again"
            )
            raise ValueError(msg) from error
        yield stack
