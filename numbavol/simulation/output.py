"""What a simulation writes: which files, which of them are there, and how the others come there."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import os
import secrets
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io import write_cs, write_particles
from numbavol.io.whole_file import give_name
from numbavol.simulation.clusters import write_on_cluster
from numbavol.simulation.shards import (
    OF_SOMETHING_ELSE,
    Shard,
    find_missing,
    fingerprint,
    make_shards,
    name_images,
    write_shard,
)
from numbavol.simulation.zarr_output import (
    find_missing_in_zarr,
    make_zarr_shards,
    write_zarr_group,
    write_zarr_shard,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from distributed import Client

    from numbavol.io import ParticleTable
    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.images import Simulator
    from numbavol.simulation.shards import WriteShard

STACK, ZARR = ".mrcs", ".zarr"


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
        key = fingerprint(config, device)
        if path.suffix.lower() == ZARR:
            shards = make_zarr_shards(config, path, n_shards)
            missing = find_missing_in_zarr(config, shards, path, key, overwrite=overwrite)
        else:
            shards = make_shards(config.number, path, n_shards)
            missing = find_missing(shards, key, overwrite=overwrite)
        return cls(path, shards, missing, key, device, cs, overwrite)

    @property
    def is_zarr(self) -> bool:
        """Whether it is a Zarr group."""
        return self.path.suffix.lower() == ZARR

    @property
    def paths(self) -> list[Path]:
        """The group, or all stacks."""
        return [self.path] if self.is_zarr else [shard.path for shard in self.shards]

    @property
    def is_one_file(self) -> bool:
        """Whether there is one group, or one stack."""
        return len(self.paths) == 1

    @property
    def tables(self) -> list[Path]:
        """Files of particles that are written beside stacks."""
        if self.is_zarr:
            return []
        return [self.path.with_suffix(suffix) for suffix in (".star", ".cs")[: 1 + self.cs]]

    def write(
        self,
        simulator: Simulator,
        *,
        dask: str | Client | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> ParticleTable:
        """Write what is missing.

        Parameters
        ----------
        simulator
            Makes the images, but for those of a cluster.
        dask
            As `simulate` takes it.
        report
            Called as the work goes on, with the number of images done and of all that are missing.

        Returns
        -------
        ParticleTable
            All particles.
        """
        write: WriteShard = (
            write_zarr_shard
            if self.is_zarr
            else functools.partial(write_shard, overwrite=self.overwrite)
        )
        writing = (
            write_zarr_group(simulator, self.path, self.key, overwrite=self.overwrite)
            if self.is_zarr
            else write_tables(
                simulator, self.shards, self.path, cs=self.cs, overwrite=self.overwrite
            )
        )
        with writing as table:
            if dask is None:
                write_missing(simulator, self.missing, self.key, write, report=report)
            else:
                write_on_cluster(
                    simulator.config, self.missing, self.key, write,
                    dask=dask, device=self.device, report=report,
                )  # fmt: skip
        return table


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
    simulator: Simulator, parts: list[Shard], output: Path, *, cs: bool, overwrite: bool
) -> Iterator[ParticleTable]:
    """Write the particles of all shards beside the stacks, once these are there.

    What cannot be written is found before the stacks are made; and a table never lies there without
    its stacks.

    Parameters
    ----------
    simulator
        Knows the particles.
    parts
        All shards.
    output
        The tables have its stem.
    cs
        Whether to write a file for cryoSPARC besides that for RELION.
    overwrite
        Whether to replace tables of something else.
    """
    config = simulator.config
    folder = output.resolve().parent
    names = tuple(name_images(parts, folder))
    table = simulator.source.take(np.arange(config.number)).to_table(config)
    table = dataclasses.replace(table, image_names=names)
    targets: dict[Path, Callable[..., None]] = {output.with_suffix(".star"): write_particles}
    if cs:
        sign = -1 if config.contrast == "weak_phase" else 1
        targets[output.with_suffix(".cs")] = functools.partial(write_cs, contrast_sign=sign)
    with contextlib.ExitStack() as cleaning:
        written = {}
        for target, write in targets.items():
            part = target.with_name(f".numbavol-{secrets.token_hex(8)}.part")
            cleaning.callback(part.unlink, missing_ok=True)
            write(part, table, overwrite=True)
            is_same = target.is_file() and target.read_bytes() == part.read_bytes()
            if target.exists() and not is_same and not overwrite:
                raise FileExistsError(errno.EEXIST, OF_SOMETHING_ELSE, os.fspath(target))
            written[target] = None if is_same else part
        yield table
        for target, made in written.items():
            if made is not None:
                give_name(made, target, overwrite=overwrite)
