"""A simulation in shards: stacks that are written whole or not at all, each on its own."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import errno
import glob
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from numbavol.io import read_map_header, resume_image_stack, write_image_stack
from numbavol.io.partial_file import name_part_of, read_mark_of
from numbavol.io.stack_names import name_image
from numbavol.projection.draws import Places
from numbavol.simulation.files import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from numbavol.io import ImageStack
    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.images import Simulator

# Of which memory holds poses and transfer functions together.
PARTICLES_AT_A_TIME = 2**14
MOST_SHARDS = 999_999
OF_SOMETHING_ELSE = "it is of another simulation, or of none; overwrite=True would replace it"
LABEL = "Simulated by numbavol; of what it was made, the SHA-256:"


@dataclasses.dataclass(frozen=True)
class Shard:
    """Some particles in a row, and the stack that they are written to."""

    path: Path
    start: int
    """Number of the first one."""
    stop: int
    """Number after the last one."""


class WriteShard(Protocol):
    """Writes one shard, or goes on with it, as `write_shard` does."""

    def __call__(
        self,
        simulator: Simulator,
        shard: Shard,
        key: str,
        *,
        report: Callable[[int, int], object] | None = None,
    ) -> None:
        """Write it, by what makes its images and the key from `fingerprint`."""


def make_shards(number: int, output: Path, n_shards: int) -> list[Shard]:
    """Share particles among stacks, as evenly as can be.

    Parameters
    ----------
    number
        Of particles.
    output
        The stack, if there is one; of several, their names have numbers after its stem.
    n_shards
        How many.

    Raises
    ------
    ValueError
        If there are fewer particles than shards, or no shard.
    """
    ends = share_evenly(number, n_shards)
    if n_shards == 1:
        return [Shard(output, 0, number)]
    return [
        Shard(output.with_name(f"{output.stem}_{n + 1:06d}{output.suffix}"), *ends[n : n + 2])
        for n in range(n_shards)
    ]


def find_others(shards: list[Shard], output: Path) -> list[Path]:
    """Find stacks that a run of another number of shards would have written.

    Parameters
    ----------
    shards
        Of this run.
    output
        As in `make_shards`.
    """
    numbered = output.parent.glob(f"{glob.escape(output.stem)}_{'[0-9]' * 6}{output.suffix}")
    known = {shard.path for shard in shards}
    return [path for path in (output, *sorted(numbered)) if path not in known and path.is_file()]


def share_evenly(number: int, n_shards: int) -> list[int]:
    """Share things in a row as evenly as can be.

    Parameters
    ----------
    number
        Of things.
    n_shards
        How many shards.

    Returns
    -------
    list of int
        Where shards begin, and where the last one ends.

    Raises
    ------
    ValueError
        If there are fewer things than shards, or no shard.
    """
    most = min(number, MOST_SHARDS)
    if not 1 <= n_shards <= most:
        msg = f"shards: expected a number from 1 to {most}, got {n_shards!r}"
        raise ValueError(msg)
    return [number * n // n_shards for n in range(n_shards + 1)]


def fingerprint(config: SimulationConfig, device: str) -> str:
    """Write down everything that the images of a simulation depend on.

    Parameters
    ----------
    config
        The simulation. How many particles there are changes none of them.
    device
        Where they are made: other devices have other last digits.

    Raises
    ------
    OSError
        If one of its files cannot be read.
    """
    named = replace_files(
        config, lambda _, name: os.path.realpath(name) if Path(name).is_dir() else _hash(name)
    )
    choices = dataclasses.asdict(dataclasses.replace(named, number=1))
    # Where hydrogens are added by a library that is not named.
    library = os.environ.get("CLIBD_MON", "")
    adds = any(volume.hydrogens == "add" for volume in config.volume)
    return json.dumps([version("numbavol"), choices, device, library if adds else ""])


def _hash(filename: str) -> str:
    with Path(filename).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_missing(shards: list[Shard], key: str, *, overwrite: bool) -> list[Shard]:
    """List the shards that are still to be written.

    Parameters
    ----------
    shards
        All of them.
    key
        From `fingerprint`.
    overwrite
        Whether stacks of something else may be replaced.

    Raises
    ------
    FileExistsError
        If a stack of another simulation has the name of one of them, and may not be replaced.
    """
    missing = []
    for shard in shards:
        found = look_for(shard, key)
        if found is Found.OTHER and not overwrite:
            raise FileExistsError(errno.EEXIST, OF_SOMETHING_ELSE, os.fspath(shard.path))
        if found is not Found.WHOLE:
            if not overwrite:
                _check_part(shard, key)
            missing.append(shard)
    return missing


def is_begun(shard: Shard, key: str) -> bool:
    """Tell whether a run of this simulation left a part of a shard's stack."""
    try:
        mark = read_mark_of(name_part_of(shard.path))
    except FileNotFoundError:
        return False
    return mark is not None and mark.fingerprint == _hash_key(shard, key)


def _check_part(shard: Shard, key: str) -> None:
    part = name_part_of(shard.path)
    try:
        is_empty = part.stat().st_size == 0
    except FileNotFoundError:
        return
    # What another run makes at this moment is there before it is marked.
    if not is_empty and not is_begun(shard, key):
        msg = (
            f"{part}: left by a run of another simulation, or damaged; overwrite=True would "
            "replace it"
        )
        raise ValueError(msg)


def key_of(shard: Shard, key: str) -> str:
    """Write down everything that the bytes of one shard depend on."""
    return json.dumps([key, shard.start, shard.stop])


def make_labels(shard: Shard, key: str) -> tuple[str, str]:
    """Say in a stack's header what it was made of."""
    return LABEL, _hash_key(shard, key)


def _hash_key(shard: Shard, key: str) -> str:
    return hashlib.sha256(key_of(shard, key).encode()).hexdigest()


class Found(enum.Enum):
    """What has the name of a shard's stack."""

    NOTHING = enum.auto()
    WHOLE = enum.auto()
    """The stack."""
    CUT_SHORT = enum.auto()
    """What a disk or a copy left of the stack."""
    OTHER = enum.auto()
    """Something else, perhaps of another simulation."""


def look_for(shard: Shard, key: str) -> Found:
    """Look what has the name of a shard's stack.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    if not shard.path.exists():
        return Found.NOTHING
    try:
        header = read_map_header(shard.path)
    except ValueError:
        # No MRC file.
        return Found.OTHER
    if not set(make_labels(shard, key)) <= set(header.labels):
        return Found.OTHER
    assert header.actual_bytes is not None
    assert header.expected_bytes is not None
    if header.actual_bytes > header.expected_bytes:
        return Found.OTHER
    return Found.WHOLE if header.actual_bytes == header.expected_bytes else Found.CUT_SHORT


def write_shard(
    simulator: Simulator,
    shard: Shard,
    key: str,
    *,
    overwrite: bool = False,
    report: Callable[[int, int], object] | None = None,
) -> None:
    """Write the stack of a shard, or go on with what an interrupted run left of it.

    Parameters
    ----------
    simulator
        Makes the images.
    shard
        Which.
    key
        From `fingerprint`.
    overwrite
        Whether to replace a stack of something else.
    report
        Called as the work goes on, with the number of images done and of all.

    Raises
    ------
    BlockingIOError
        If another process writes it.
    OSError, ValueError
        If it cannot be written, or a run of another simulation left a part of it that may not be
        replaced.
    """
    # Another process may have finished it since they were listed.
    if not find_missing([shard], key, overwrite=overwrite):
        return
    is_ours = look_for(shard, key) is Found.CUT_SHORT
    with _open_stack(simulator.config, shard, key, overwrite=overwrite or is_ours) as stack:
        n_all = shard.stop - shard.start
        for start in range(stack.n_already_written, n_all, PARTICLES_AT_A_TIME):
            places = np.arange(start, min(start + PARTICLES_AT_A_TIME, n_all))

            def count(n_done: int, _: int, start: int = start) -> None:
                if report is not None:
                    report(start + n_done, n_all)

            particles = simulator.source.take(shard.start + places)
            simulator.image(particles, Places(stack, places), report=count)


@contextlib.contextmanager
def _open_stack(
    config: SimulationConfig, shard: Shard, key: str, *, overwrite: bool
) -> Iterator[ImageStack]:
    """Go on with a stack, or begin it, also where a part of something else may be replaced."""
    shape = (shard.stop - shard.start, config.box, config.box)
    keywords: Any = {
        "resume_key": key_of(shard, key),
        "dtype": config.dtype,
        "overwrite": overwrite,
        "labels": make_labels(shard, key),
    }
    with contextlib.ExitStack() as closing:
        try:
            opening = resume_image_stack(shard.path, shape, config.pixel_size, **keywords)
            stack = closing.enter_context(opening)
        except ValueError:
            if not (overwrite and name_part_of(shard.path).exists()):
                raise
            opening = write_image_stack(shard.path, shape, config.pixel_size, **keywords)
            stack = closing.enter_context(opening)
        yield stack


def name_images(shards: list[Shard], numbers: NDArray[np.int64]) -> list[str]:
    """Name the images of particles as RELION does, seen from the folder of the stacks."""
    starts = np.array([shard.start for shard in shards])
    shard_of_each = np.searchsorted(starts, numbers, "right") - 1
    places = numbers - starts[shard_of_each] + 1
    return [
        name_image(place, shards[shard].path.name)
        for place, shard in zip(places.tolist(), shard_of_each.tolist(), strict=True)
    ]
