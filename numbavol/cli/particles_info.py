"""What ``numbavol info`` says of a table of particles."""

from __future__ import annotations

import collections
import contextlib
from typing import TYPE_CHECKING

import numpy as np

from numbavol.cli.output import plural
from numbavol.cli.particles import name_columns
from numbavol.io import ParticleImages, read_map_header
from numbavol.io.ctf_defaults import describe_defaults
from numbavol.io.cut_maps import describe_cut
from numbavol.io.optics_groups import find_optics_groups
from numbavol.io.particle_columns import COLUMNS, NAME_COLUMNS, ZERNIKE_COLUMNS
from numbavol.io.particle_images import find_stack
from numbavol.io.particle_reading import read_particle_file
from numbavol.io.stack_names import split_image_name

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    from numbavol.cli.output import Report
    from numbavol.io import ParticleTable

# Of stacks that are listed by name.
MOST_NAMES = 5


def describe_particles(file: Path, report: Report) -> None:
    """Say how many particles a file has, what is known of them, and where their images are.

    Parameters
    ----------
    file
        A STAR file of RELION, or a .cs file of cryoSPARC.
    report
        Where it is said.
    """
    particles, oddities = read_particle_file(file)
    n_groups = _count_optics_groups(particles)
    report.say(
        f"particles   {len(particles)}, of {plural(n_groups, 'optics group')}",
        kind="particles",
        n_particles=len(particles),
        n_optics_groups=n_groups,
    )
    sizes, sides = _find_range(particles.image_size), _find_range(particles.pixel_size)
    report.say(f"images      {_describe(sizes, 'pixels a side')}", image_size_range=sizes)
    report.say(f"pixel size  {_describe(sides, 'A')}", pixel_size_range=sides)
    voltages = _find_range(particles.voltage_in_kilovolts)
    report.say(f"voltage     {_describe(voltages, 'kV')}", voltage_range=voltages)
    known = (particles.defocus_u_in_angstroms, particles.defocus_v_in_angstroms)
    defoci = _find_range(*(values for values in known if values is not None))
    report.say(f"defocus     {_describe(defoci, 'A')}", defocus_range=defoci)
    for what, column, values in (
        ("flipped     the sign of the CTF", "ctf_phase_flipped", particles.ctf_phase_flipped),
        ("multiplied  by the CTF", "ctf_premultiplied", particles.ctf_premultiplied),
    ):
        n_done = int(np.sum(np.broadcast_to(0 if values is None else values, len(particles))))
        if n_done:
            report.say(f"{what}, in {plural(n_done, 'image')}", **{f"n_{column}": n_done})
    _say_stacks(file, particles, report)
    for oddity in [*oddities, *describe_defaults(file, particles)]:
        report.warn(oddity)


def _count_optics_groups(particles: ParticleTable) -> int:
    names = particles.optics_group_names
    if names is not None:
        return 1 if isinstance(names, str) else len(set(names))
    columns = [column for column in COLUMNS + NAME_COLUMNS if column.is_of_optics]
    alike = {column.name: getattr(particles, column.name) for column in columns}
    for column in ZERNIKE_COLUMNS:
        lists = getattr(particles, column.name)
        # What is one for all has one axis.
        if np.ndim(lists) == 2:
            alike[column.name] = tuple(map(str, lists.tolist()))
    return len(find_optics_groups(alike, len(particles)).first_rows)


def _find_range(*values: ArrayLike | None) -> list[float] | None:
    known = [np.asarray(each) for each in values if each is not None]
    if not known:
        return None
    return [min(each.min().item() for each in known), max(each.max().item() for each in known)]


def _describe(found: list[float] | None, unit: str) -> str:
    if found is None:
        return "not known"
    low, high = found
    return f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}"


def _say_stacks(file: Path, particles: ParticleTable, report: Report) -> None:
    if particles.image_names is None:
        report.say("stacks      not known", stacks=None)
        return
    with name_columns(file):
        counts = collections.Counter(split_image_name(name)[1] for name in particles.image_names)
    paths: dict[str, Path] = {}
    for name in counts:
        # What is not there is listed.
        with contextlib.suppress(FileNotFoundError):
            paths[name] = find_stack(name, file.parent)
    missing = [name for name in counts if name not in paths]
    if len(counts) <= MOST_NAMES:
        for name, count in counts.items():
            where = "there" if name in paths else "not found"
            report.say(f"stack       {name}: {plural(count, 'image')}, {where}")
    else:
        shown = ", ".join(missing[:MOST_NAMES]) + (", ..." if len(missing) > MOST_NAMES else "")
        where = f"{len(missing)} not found: {shown}" if missing else "all there"
        report.say(f"stacks      {len(counts)}, {where}")
    report.note(
        stacks=[
            {"name": name, "n_images": count, "path": str(paths[name]) if name in paths else None}
            for name, count in counts.items()
        ]
    )
    _warn_of_cut_stacks(list(paths.values()), report)
    if not missing:
        try:
            ParticleImages(particles.image_names, file.parent)
        except (OSError, ValueError) as error:
            report.warn(str(error))


def _warn_of_cut_stacks(stacks: list[Path], report: Report) -> None:
    """Say which stacks end before their headers say: the first of them, and how many."""
    described = []
    for stack in stacks:
        # What has no header is found, and said, with the images.
        with contextlib.suppress(OSError, ValueError):
            if reason := describe_cut(stack, read_map_header(stack)):
                described.append(f"{stack}: {reason}")
    if described:
        rest = f" (of {len(described)} stacks that are damaged)" if len(described) > 1 else ""
        report.warn(f"{described[0]}{rest}")
