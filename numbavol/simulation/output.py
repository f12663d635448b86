"""What a simulation writes: which files, which of them are there, and how the others come there."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import filecmp
import functools
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io import write_cs
from numbavol.io.locked_parts import write_locked_part
from numbavol.io.partial_file import name_part_of
from numbavol.io.stack_names import CS_SUFFIX
from numbavol.io.star_writing import write_particle_blocks
from numbavol.io.whole_file import give_name, name_file_in_errors, resolve_name
from numbavol.simulation.clusters import write_on_cluster
from numbavol.simulation.files import list_files, name_file_of_poses, replace_files
from numbavol.simulation.shards import (
    OF_SOMETHING_ELSE,
    Found,
    Shard,
    find_missing,
    fingerprint,
    is_begun,
    look_for,
    make_shards,
    name_images,
    write_shard,
)
from numbavol.simulation.zarr_output import (
    find_missing_in_zarr,
    is_group_of,
    make_zarr_shards,
    write_zarr_group,
    write_zarr_shard,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client

    from numbavol.io import ParticleTable
    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.images import Simulator
    from numbavol.simulation.shards import WriteShard

STACK, ZARR = ".mrcs", ".zarr"
# Of a table, as many as are text at a time.
ROWS_AT_A_TIME = 2**15


@dataclasses.dataclass(frozen=True)
class Output:
    """The files of a simulation: stacks and tables, or a Zarr group."""

    path: Path
    shards: list[Shard]
    missing: list[Shard]
    """Those that are still to be written."""
    key: str
    """From `fingerprint`."""
    device: str
    cs: bool
    overwrite: bool

    @classmethod
    def plan(
        cls,
        config: SimulationConfig,
        path: Path,
        n_shards: int,
        device: str,
        *,
        cs: bool,
        overwrite: bool,
    ) -> Output:
        """Look at what is there, and at what is to be.

        Parameters
        ----------
        config
            The simulation.
        path
            The stack, or the Zarr group if its name ends so.
        n_shards
            How many parts are written on their own.
        device
            Where images are made.
        cs
            Whether to write a file for cryoSPARC besides that for RELION.
        overwrite
            Whether to replace files of something else.

        Raises
        ------
        FileExistsError
            If there is something else, and it may not be replaced.
        OSError, ValueError
            If a file of the simulation cannot be read, or choices do not go together.
        """
        if path.suffix.lower() not in (STACK, ZARR):
            msg = (
                f"output: expected a name that ends in {STACK}, which RELION reads as a stack, or "
                f"in {ZARR}, got {path}"
            )
            raise ValueError(msg)
        if cs:
            _check_cs(config, path)
        if not path.parent.is_dir():
            msg = f"{path}: there is no folder {path.parent}"
            raise ValueError(msg)
        key = fingerprint(config, device)
        if path.suffix.lower() == ZARR:
            shards = make_zarr_shards(config, path, n_shards)
            missing = find_missing_in_zarr(config, shards, path, key, overwrite=overwrite)
        else:
            shards = make_shards(config.number, path, n_shards)
            missing = find_missing(shards, key, overwrite=overwrite)
        planned = cls(path, shards, missing, key, device, cs, overwrite)
        inputs = [Path(name) for name in list_files(config).values()]
        for output in (*planned.paths, *planned.tables):
            if output.exists() and any(output.samefile(name) for name in inputs):
                msg = f"{output}: that is one of the files that are read"
                raise ValueError(msg)
        return planned

    @property
    def is_zarr(self) -> bool:
        """Whether it is a Zarr group."""
        return self.path.suffix.lower() == ZARR

    @property
    def paths(self) -> list[Path]:
        """The group, or all stacks."""
        return [self.path] if self.is_zarr else [shard.path for shard in self.shards]

    def find_begun(self) -> list[Path]:
        """List the parts that an interrupted run left, and that are gone on with."""
        if self.is_zarr:
            part = name_part_of(self.path)
            return [part] if self._is_group(part) else []
        return [name_part_of(each.path) for each in self.missing if is_begun(each, self.key)]

    def find_whole(self) -> list[Path]:
        """List the stacks that are whole by now, or the group."""
        if self.is_zarr:
            return [self.path] if self._is_group(self.path) else []
        return [each.path for each in self.shards if look_for(each, self.key) is Found.WHOLE]

    def _is_group(self, path: Path) -> bool:
        return is_group_of(path, self.shards[-1].stop, self.key)

    @property
    def is_begun(self) -> bool:
        """Whether an earlier run wrote images of this simulation: all of them, or some."""
        return len(self.missing) < len(self.shards) or bool(self.find_begun())

    @property
    def is_one_file(self) -> bool:
        """Whether there is one group, or one stack."""
        return len(self.paths) == 1

    @property
    def tables(self) -> list[Path]:
        """Files of particles that are written beside stacks."""
        if self.is_zarr:
            return []
        return [self.path.with_suffix(suffix) for suffix in (".star", CS_SUFFIX)[: 1 + self.cs]]

    def write(
        self,
        simulator: Simulator,
        *,
        dask: str | Client | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> None:
        """Write what is missing.

        Parameters
        ----------
        simulator
            Makes the images, but for those of a cluster.
        dask
            As `simulate` takes it.
        report
            Called as the work goes on, with the number of images done and of all that are missing.
        """
        write: WriteShard = (
            write_zarr_shard
            if self.is_zarr
            else functools.partial(write_shard, overwrite=self.overwrite)
        )
        writing = (
            write_zarr_group(simulator, self.path, self.key, overwrite=self.overwrite)
            if self.is_zarr
            else write_tables(simulator, self.shards, self.tables, overwrite=self.overwrite)
        )
        with writing:
            if dask is None:
                write_missing(simulator, self.missing, self.key, write, report=report)
            else:
                write_on_cluster(
                    simulator.config, self.missing, self.key, write,
                    dask=dask, device=self.device, report=report,
                )  # fmt: skip

    def take_table(self, simulator: Simulator) -> ParticleTable:
        """Say what is known of all particles."""
        if self.is_zarr:
            config = simulator.config
            return simulator.source.take(np.arange(config.number)).to_table(config)
        return take_table(simulator, self.shards, 0, self.shards[-1].stop)


def _check_cs(config: SimulationConfig, path: Path) -> None:
    if path.suffix.lower() == ZARR:
        msg = f"cs: expected a stack as output; {path} is a Zarr group, which has all that is known"
        raise ValueError(msg)
    aberrations = ("beam_tilt", "trefoil", "odd_zernike", "even_zernike")
    told = [name for name in aberrations if np.any(getattr(config.microscope, name))]
    if told and config.microscope.ctf:
        msg = f"cs: it is not known for certain how files of cryoSPARC say microscope.{told[0]}"
        raise ValueError(msg)


def write_missing(
    simulator: Simulator,
    missing: list[Shard],
    key: str,
    write: WriteShard,
    *,
    report: Callable[[int, int], object] | None,
) -> None:
    """Write shards one after another.

    Parameters
    ----------
    simulator
        Makes the images.
    missing
        The shards.
    key
        From `fingerprint`.
    write
        Writes one of them.
    report
        Called as the work goes on, with the number of images done and of all these shards.
    """
    n_all = sum(shard.stop - shard.start for shard in missing)
    n_before = 0
    for shard in missing:
        before = n_before

        def count(n_done: int, _: int, before: int = before) -> None:
            if report is not None:
                report(before + n_done, n_all)

        write(simulator, shard, key, report=count)
        n_before += shard.stop - shard.start


@contextlib.contextmanager
def write_tables(
    simulator: Simulator, parts: list[Shard], tables: list[Path], *, overwrite: bool
) -> Iterator[None]:
    """Write the particles of all shards beside the stacks, once these are there.

    What cannot be written is found before the stacks are made; and a table never lies there without
    its stacks.

    Parameters
    ----------
    simulator
        Knows the particles.
    parts
        All shards.
    tables
        Their names: of RELION, and of cryoSPARC if it ends so.
    overwrite
        Whether to replace tables of something else.
    """
    with contextlib.ExitStack() as cleaning:
        written = {}
        for table in tables:
            target = resolve_name(table, overwrite=True)
            is_cs = target.suffix == CS_SUFFIX
            write = functools.partial(write_table, simulator, parts, is_cs=is_cs)
            part = write_locked_part(target, write, cleaning)
            is_same = target.is_file() and filecmp.cmp(target, part, shallow=False)
            if target.exists() and not is_same and not overwrite:
                raise FileExistsError(errno.EEXIST, OF_SOMETHING_ELSE, os.fspath(table))
            written[target] = None if is_same else part
        yield
        for target, made in written.items():
            if made is not None:
                if not made.exists():
                    # Where a file system has no locks, another run may have taken it away.
                    write_table(simulator, parts, made, is_cs=target.suffix == CS_SUFFIX)
                with name_file_in_errors(target):
                    give_name(made, target, overwrite=overwrite)


def write_table(simulator: Simulator, parts: list[Shard], filename: Path, *, is_cs: bool) -> None:
    """Write the particles of shards as one file, in blocks for RELION.

    Parameters
    ----------
    simulator
        Knows the particles.
    parts
        The shards.
    filename
        The file.
    is_cs
        Whether it is one of cryoSPARC.
    """
    config = simulator.config
    if is_cs:
        # A particle is white where its density is.
        sign = -1 if config.contrast == "weak_phase" else 1
        table = take_table(simulator, parts, 0, parts[-1].stop)
        write_cs(filename, table, contrast_sign=sign, overwrite=True)
        return
    # Of several optics groups, no block need have all.
    n_rows = parts[-1].stop if simulator.source.is_of_file else ROWS_AT_A_TIME
    blocks = (
        take_table(simulator, parts, start, min(start + n_rows, parts[-1].stop))
        for start in range(0, parts[-1].stop, n_rows)
    )
    with name_file_of_poses(config):
        write_particle_blocks(filename, blocks, comment=_describe(simulator), overwrite=True)


def take_table(simulator: Simulator, parts: list[Shard], start: int, stop: int) -> ParticleTable:
    """Say of particles ``start`` to ``stop``, and of their images, what tables say.

    Parameters
    ----------
    simulator
        Knows the particles.
    parts
        All shards.
    start, stop
        Numbers of particles.
    """
    numbers = np.arange(start, stop)
    table = simulator.source.take(numbers).to_table(simulator.config)
    return dataclasses.replace(table, image_names=tuple(name_images(parts, numbers)))


def _describe(simulator: Simulator) -> str:
    """Say in one line what particles were made of: what RELION has no columns for."""
    named = replace_files(simulator.config, lambda _, name: Path(name).name)
    noise = simulator.formation.noise
    facts = dataclasses.asdict(named)
    if noise is not None:
        variance = noise.variance(named.image_config.padded_shape, named.pixel_size)
        # Fewer digits than measurements on other processors differ by.
        facts["noise"]["variance"] = float(f"{variance:.4g}")
    return f"numbavol {version('numbavol')} simulate {json.dumps(facts)}"
