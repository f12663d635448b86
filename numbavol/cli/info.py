"""``numbavol info``: what is in a file, or what there is of this machine."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import json_option, quiet_option
from numbavol.cli.output import (
    UNIT_LABEL,
    Report,
    count_elements,
    plural,
    warn_if_cut_short,
)

if TYPE_CHECKING:
    from numbavol.atoms import StructureSummary
    from numbavol.io import MapHeader
    from numbavol.kernels.cache import CacheDescription
    from numbavol.kernels.finding import FoundCuda

PARTICLE_SUFFIXES = (".star", ".cs")
STRUCTURE_SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--device", "about_devices", is_flag=True, help="Describe what there is of CUDA.")
@click.option(
    "--system", "about_system", is_flag=True,
    help="Describe threads, memory, the folder of compiled code, and versions.",
)  # fmt: skip
@quiet_option
@json_option
def info(
    file: Path | None, about_devices: bool, about_system: bool, quiet: bool, as_json: bool
) -> None:
    """Describe FILE: a structure (PDB, mmCIF), a map (MRC, CCP4) or a stack, gzipped or not.

    Or a table of particles: a STAR file of RELION, or a .cs file of cryoSPARC.

    With --device or --system, say instead what there is of CUDA, or of the rest of this machine.

    \b
    Examples:
      numbavol info 1tii.cif.gz
      numbavol info map.mrc --json
      numbavol info particles.star
      numbavol info --system
    """
    report = Report(as_json, quiet)
    if about_devices + about_system + (file is not None) != 1:
        msg = "expected either a FILE, --device or --system"
        raise click.UsageError(msg)
    if about_system:
        _describe_system(report)
    elif file is None:
        from numbavol.kernels.finding import find_cuda

        _describe_cuda(find_cuda(), report)
    else:
        _describe_file(file, report)
    report.finish()


def _describe_file(file: Path, report: Report) -> None:
    """Describe a file by its content; of what is nothing known, say so by its name."""
    from numbavol.io import is_map_file, read_map_header
    from numbavol.io.wanted_maps import is_meant_as_map, is_stack

    name = file.name.lower()
    if name.endswith(PARTICLE_SUFFIXES) and not is_map_file(file):
        from numbavol.cli.particles_info import describe_particles

        describe_particles(file, report)
    elif is_meant_as_map(file):
        header = read_map_header(file)
        _describe_map(file, header, report, has_images=is_stack(file, header))
    else:
        from numbavol.atoms import describe_structure
        from numbavol.atoms.structure_file import holds_structure

        if not (name.removesuffix(".gz").endswith(STRUCTURE_SUFFIXES) or holds_structure(file)):
            msg = (
                f"{file}: expected a structure (PDB, mmCIF), a map or a stack (MRC, CCP4), or "
                "particles (.star, .cs), got none of them"
            )
            raise ValueError(msg)
        _describe_structure(describe_structure(file), report)


def _describe_cuda(found: FoundCuda, report: Report) -> None:
    from numbavol.kernels.finding import describe_what_is_missing

    report.say(
        "packages  "
        + (f"{', '.join(found.missing_packages)} not installed" if found.missing_packages
           else "all installed"),
        kind="cuda",
        **dataclasses.asdict(found),
        usable=found.is_usable,
    )  # fmt: skip
    report.say(f"driver    {'none found' if found.driver is None else f'CUDA {found.driver}'}")
    for card in found.cards:
        report.say(f"card      {card}")
    if found.is_simulated:
        report.say("card      Numba's simulator (NUMBA_ENABLE_CUDASIM)")
    report.say(describe_what_is_missing(found) or "device    'cuda' can be used")


def _describe_system(report: Report) -> None:
    import numbavol
    from numbavol.cli.versions import describe_versions, find_versions
    from numbavol.kernels import cache, threads
    from numbavol.kernels.resources import find_memory, usable_cpus

    kept, memory = cache.describe_cache(), find_memory()
    report.say(
        f"threads   {numbavol.get_num_threads()}, of {plural(usable_cpus(), 'usable CPU')}; "
        f"{_describe_setting(threads.ENVIRONMENT_VARIABLE)}",
        kind="system",
        n_threads=numbavol.get_num_threads(),
        n_cpus=usable_cpus(),
    )
    report.say(
        f"memory    {memory.free / 2**30:.1f} GiB free of {memory.total / 2**30:.1f}",
        free_bytes=memory.free,
        total_bytes=memory.total,
    )
    report.say(
        f"cache     {_describe_kept(kept)}; {_describe_setting(cache.ENVIRONMENT_VARIABLE)}",
        cache_folder=None if kept.folder is None else str(kept.folder),
        n_kernels=kept.n_kernels,
        cache_bytes=kept.n_bytes,
        cache_is_writable=kept.is_writable,
    )
    report.say("versions  " + ", ".join(describe_versions().splitlines()), versions=find_versions())


def _describe_kept(kept: CacheDescription) -> str:
    if kept.folder is None:
        return "none, as there is no home folder for it: each process compiles again"
    state = "" if kept.is_writable else ", which cannot be written: each process compiles again"
    kernels = plural(kept.n_kernels, "compiled kernel")
    return f"{kernels}, {kept.n_bytes / 2**20:.1f} MiB, in {kept.folder}{state}"


def _describe_setting(variable: str) -> str:
    value = os.environ.get(variable)
    return f"{variable} is {value}" if value else f"{variable} is not set"


def _describe_structure(summary: StructureSummary, report: Report) -> None:
    facts = dataclasses.asdict(summary)
    name = " ".join(part for part in (summary.entry_id, summary.title) if part)
    report.say(
        f"structure   {summary.format}{': ' if name else ''}{name}", kind="structure", **facts
    )
    report.say(
        f"models      {len(summary.model_numbers)}"
        + (", the first is described" if len(summary.model_numbers) > 1 else "")
    )
    report.say(
        f"atoms       {summary.n_atoms} ({count_elements(summary.elements)}), "
        f"occupancies sum to {summary.occupancy_sum:.2f}"
    )
    chains = " ".join(name.strip() or "(no name)" for name in summary.chains)
    report.say(
        f"residues    {summary.n_residues}, {plural(summary.n_waters, 'water')} among them, "
        f"in {plural(len(summary.chains), 'chain')}: {chains}"
    )
    report.say(f"alternates  {plural(summary.n_alternates, 'atom')} in alternate conformations")
    low, high = summary.b_factor_range
    report.say(f"B-factors   {low:.2f} to {high:.2f}, mean {summary.b_factor_mean:.2f} A^2")
    if n_without := summary.n_without_b_factor:
        report.warn(f"{plural(n_without, 'atom')} without a B-factor: 20 A^2 is taken")
    report.say(
        "extent      " + " x ".join(f"{length:.1f}" for length in summary.extent) + " A (x, y, z)"
    )


def _describe_map(file: Path, header: MapHeader, report: Report, *, has_images: bool) -> None:
    values_of = {field.name: getattr(header, field.name) for field in dataclasses.fields(header)}
    # Arrays become lists, as JSON has them.
    facts = {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in values_of.items()
    }
    if has_images:
        _say_images(header, facts, report)
    else:
        _say_voxels(header, facts, report)
    report.say(f"axes        columns, rows, sections are {', '.join(header.axis_order)}")
    values = (header.minimum, header.maximum, header.mean, header.rms)
    known = [
        f"{name} {value:.5g}"
        for name, value in zip(("min", "max", "mean", "rms"), values, strict=True)
        if value is not None
    ]
    # They are what some program wrote, and another may have changed the voxels since.
    said = f"{', '.join(known)}, as the header says" if known else "no statistics in the header"
    report.say(f"values      {said}")
    for label in header.labels:
        if label.startswith(UNIT_LABEL):
            unit = label.removeprefix(UNIT_LABEL)
            report.say(f"unit        {unit}", unit=unit)
        else:
            report.say(f"label       {label}")
    warn_if_cut_short(file, header, report)


def _say_voxels(header: MapHeader, facts: dict[str, Any], report: Report) -> None:
    z, y, x = header.shape
    report.say(f"map         {x} x {y} x {z} voxels (x, y, z), {header.dtype}", kind="map", **facts)
    if header.voxel_size is None:
        report.say("voxel size  not set")
    else:
        sides = " x ".join(f"{side:.5g}" for side in header.voxel_size)
        lengths = " x ".join(
            f"{n * side:.1f}" for n, side in zip((x, y, z), header.voxel_size, strict=True)
        )
        report.say(f"voxel size  {sides} A, the box is {lengths} A")
    if header.space_group == 0:
        # RELION's and cryoSPARC's maps have it, and stacks of cryoSPARC have the cell of a map.
        report.say("header      of a map or of a stack (space group 0): taken for a map")
    origin = ", ".join(f"{place:.3f}" for place in header.origin)
    report.say(f"origin      {origin} A is the centre of the first voxel")


def _say_images(header: MapHeader, facts: dict[str, Any], report: Report) -> None:
    from numbavol.notebooks import describe_sides

    n, y, x = header.shape
    images = f"{plural(n, 'image')} of {x} x {y} pixels (x, y)"
    report.say(f"stack       {images}, {header.dtype}", kind="stack", **facts)
    size = header.pixel_size
    report.say(f"pixel size  {'not set' if size is None else describe_sides(size) + ' A'}")
