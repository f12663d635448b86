"""``numbavol simulate``: models or maps to particles as a microscope images them."""

from __future__ import annotations

import contextlib
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import (
    device_option,
    json_option,
    overwrite_option,
    quiet_option,
    threads_option,
)
from numbavol.cli.options import read_device, refuse_without_effect, say_options
from numbavol.cli.output import Report, check_inputs_stay, check_output, plural
from numbavol.cli.pictures import check_picture, write_picture
from numbavol.cli.simulation_options import (
    OF_THE_CTF,
    Choices,
    simulation_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numbavol.simulation import SimulationConfig
    from numbavol.simulation.images import Simulator
    from numbavol.simulation.output import Output


@click.command()
@click.argument(
    "sources", metavar="CONFIG.toml|MODEL|MAP...", type=click.Path(path_type=Path), nargs=-1,
    required=True,
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The stack to write, .mrcs, and a STAR file of the same stem; or a Zarr group, .zarr.",
)  # fmt: skip
@simulation_options
@click.option(
    "--shards", "n_shards", type=click.IntRange(min=1), default=1, show_default=True, metavar="K",
    help="Write so many stacks, numbered, and one STAR file of all.",
)  # fmt: skip
@click.option(
    "--dask", metavar="ADDRESS|local",
    help="Write shards on the workers of a Dask cluster: that of an address, or processes of this "
    "machine.",
)  # fmt: skip
@click.option("--cs", is_flag=True, help="Write a .cs file of cryoSPARC as well.")
@click.option(
    "--preview", type=click.Path(path_type=Path), metavar="FILE",
    help="Picture of the first images to write, with their defoci: .png, .svg or .pdf.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True,
    help="Say what would be done, in which time, and write nothing but the --preview.",
)  # fmt: skip
@device_option
@threads_option
@overwrite_option
@quiet_option
@json_option
def simulate(
    sources: tuple[Path, ...],
    output: Path,
    n_shards: int,
    dask: str | None,
    cs: bool,
    preview: Path | None,
    dry_run: bool,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Simulate particles of models (PDB or mmCIF) and maps (MRC), or as a TOML file says.

    Options take the place of what the file says; what has no option stands in the file. Everything
    random of a particle belongs to the seed and its number. Stacks that are there already are left
    as they are, and the same command goes on where it was interrupted, to the same bytes.

    \b
    Examples:
      numbavol simulate 1tii.cif.gz -o stack.mrcs --number 1000 --box 128 --pixel-size 1.5 --snr 0.1
      numbavol simulate open.mrc closed.mrc -o stack.mrcs --number 1000 --box 128 --pixel-size 1.5
      numbavol simulate config.toml -o stack.mrcs --dry-run --preview sheet.png
      numbavol simulate config.toml -o stack.mrcs --shards 16 --cs
    """
    import numbavol
    from numbavol.cli.simulation_plan import say_files, say_particles, say_simulation, say_time
    from numbavol.progress import progress_bar
    from numbavol.simulation.output import Output

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    if preview is not None:
        check_picture("--preview", preview)
    config, choices = Choices.of_the_command(sources, options).read()
    with choices.explain(), _say_what_to_install():
        where = read_device(device) if dask is None else _read_device_of_cluster(device, dask)
        written = Output.plan(config, output, n_shards, where, cs=cs, overwrite=overwrite)
        # What this simulation drew before is drawn anew.
        replaces = overwrite or written.is_begun
        _check_files(config, choices, written, preview, replaces)
        say_simulation(config, written, report)
        # The workers of a cluster prepare what they need.
        simulator = _prepare(config, where if dask is None else "cpu", report)
        seconds_before = time.perf_counter() - began
        say_particles(simulator, report)
        if dry_run:
            say_files(simulator, written, report)
            say_time(simulator, written.missing, seconds_before, report)
        else:
            with (
                _name_what_goes_on(written),
                progress_bar("simulating", is_wanted=report.shows_progress) as count,
            ):
                written.write(simulator, dask=dask, report=count)
            seconds = time.perf_counter() - began
            n_written = len(written.missing or written.shards)
            stacks = str(output) if written.is_one_file else plural(n_written, "stack")
            listed = " and ".join([stacks, *map(str, written.tables)])
            report.say(
                f"{'wrote' if written.missing else 'whole'}   {listed}; {seconds:.2f} s",
                stacks=[str(path) for path in written.paths],
                tables=[str(table) for table in written.tables],
                seconds=seconds,
            )
    if preview is not None:
        from numbavol.cli.simulation_preview import draw_preview

        write_picture(draw_preview(simulator), preview, replaces)
        report.say(f"preview {preview}", preview=str(preview))
    report.finish()


def _check_files(
    config: SimulationConfig,
    choices: Choices,
    output: Output,
    preview: Path | None,
    replaces_preview: bool,
) -> None:
    """Refuse what cannot be written, and to write over what is read: before the work."""
    from numbavol.simulation.files import list_files

    outputs = [*output.paths, *output.tables]
    check_inputs_stay([*outputs, preview], [choices.config_file])
    check_inputs_stay([preview], [*map(Path, list_files(config).values())])
    source = Path(config.volume[0].file) if config.volume else Path()
    for written in outputs:
        # What is there may be what this simulation wrote before.
        if not (output.is_zarr and written.is_dir()):
            check_output(written, source, "source", overwrite=True)
    if preview is not None:
        check_output(preview, source, "source", replaces_preview)


def _prepare(config: SimulationConfig, device: str, report: Report) -> Simulator:
    """Read all files, and say what is odd in them as the command does."""
    from numbavol.atoms import StructureWarning
    from numbavol.simulation import SimulationWarning
    from numbavol.simulation.images import Simulator

    with warnings.catch_warnings(record=True) as caught:
        for category in (StructureWarning, SimulationWarning):
            warnings.simplefilter("always", category)
        simulator = Simulator.prepare(config, device)
    if simulator.source.has_given_ctf:
        reason = f"{simulator.config.poses.file} has the transfer functions of its particles"
        filled_in = simulator.source.filled_in
        names = tuple(name for name in (*OF_THE_CTF, "voltage") if name not in filled_in)
        refuse_without_effect(names, reason)
    # Of many models, each says the same.
    for warning in {str(each.message): each for each in caught}.values():
        if issubclass(warning.category, (StructureWarning, SimulationWarning)):
            text = str(warning.message)
            report.warn(
                text.replace("hydrogens='add' of load_atoms", "hydrogens = 'add' of a volume")
            )
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return simulator


@contextlib.contextmanager
def _name_what_goes_on(output: Output) -> Iterator[None]:
    """Let an interrupt say what is kept, if anything is."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        whole, begun = output.find_whole(), output.find_begun()
        kept = [_list_or_count(whole, "stack"), _list_or_count(begun, "unfinished stack")]
        if not whole and not begun:
            raise
        are, them = ("is", "it") if len(whole) + len(begun) == 1 else ("are", "them")
        msg = (
            f"interrupted; {' and '.join(filter(None, kept))} {are} kept: the same command goes on "
            f"with {them}"
        )
        raise click.Abort(msg) from interrupt


def _list_or_count(paths: list[Path], noun: str) -> str:
    return ", ".join(map(str, paths)) if len(paths) < 2 else plural(len(paths), noun)


def _read_device_of_cluster(device: str, dask: str) -> str:
    from numbavol.simulation.clusters import check_device_of_cluster

    try:
        return check_device_of_cluster(device, dask)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from error
    except RuntimeError as error:
        raise click.ClickException(say_options(str(error), {"device": "--device"})) from error


@contextlib.contextmanager
def _say_what_to_install() -> Iterator[None]:
    """Let errors say what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(str(error)) from error
