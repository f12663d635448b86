"""Particles as a Zarr group, for training loops: images in chunks, and all that is known of them.

A group has its name when it is whole, as every file of this package. Until then it has ``.part``
after it, and a marker for each chunk of images that is on the disk, so that any number of processes
write and any later run goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.io.partial_file import PartialFile, name_part_of
from numbavol.io.partial_stack import measure_range
from numbavol.io.whole_file import name_errors_without_a_name, sync_folder
from numbavol.kernels.extras import import_extra
from numbavol.simulation.files import replace_files
from numbavol.simulation.shards import OF_SOMETHING_ELSE, Shard, share_evenly
from numbavol.simulation.zarr_columns import find_columns, unit_of_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.images import Simulator

# A chunk is what a training loop reads at once, and a file.
BYTES_OF_A_CHUNK = 2**24
FEWEST_IN_A_CHUNK, MOST_IN_A_CHUNK = 32, 512
MARKERS, LOCK = ".written", "lock"


def make_zarr_shards(config: SimulationConfig, output: Path, n_shards: int) -> list[Shard]:
    """Share particles among shards that begin where chunks do.

    Parameters
    ----------
    config
        The simulation.
    output
        The group.
    n_shards
        How many. The group does not depend on it.

    Raises
    ------
    ValueError
        If there are fewer chunks than shards, or no shard.
    """
    n_in_chunk = _count_in_chunk(config)
    ends = share_evenly(-(-config.number // n_in_chunk), n_shards)
    stops = [min(end * n_in_chunk, config.number) for end in ends]
    part = name_part_of(output)
    return [Shard(part, *stops[n : n + 2]) for n in range(n_shards)]


def find_missing_in_zarr(
    config: SimulationConfig, shards: list[Shard], output: Path, key: str, *, overwrite: bool
) -> list[Shard]:
    """List the shards that are still to be written.

    Parameters
    ----------
    config
        The simulation.
    shards
        All of them.
    output
        The group.
    key
        From `fingerprint`.
    overwrite
        Whether a group of something else may be replaced.

    Raises
    ------
    FileExistsError
        If something else has the name of the group, and may not be replaced: what is no Zarr group
        never is.
    ModuleNotFoundError
        If Zarr is not installed.
    """
    import_extra("zarr", "Zarr groups need", "zarr")
    part, wanted = name_part_of(output), _label(config.number, key)
    if output.exists():
        if _read_label(output) == wanted:
            return []
        if not (output / "zarr.json").is_file():
            raise FileExistsError(errno.EEXIST, "it is no Zarr group", os.fspath(output))
        if not overwrite:
            raise FileExistsError(errno.EEXIST, OF_SOMETHING_ELSE, os.fspath(output))
    if not (part / "zarr.json").exists():
        return shards
    if (left := _read_label(part)) != wanted:
        # One without a label, but with a lock, was interrupted before it had images.
        markers = [*(part / MARKERS).glob("*")]
        if not (overwrite or (left is None and markers == [part / MARKERS / LOCK])):
            raise FileExistsError(errno.EEXIST, OF_SOMETHING_ELSE, os.fspath(part))
        return shards
    n_in_chunk = _count_in_chunk(config)
    return [
        shard
        for shard in shards
        if not all(
            _marker(part, start // n_in_chunk).exists()
            for start in range(shard.start, shard.stop, n_in_chunk)
        )
    ]


def is_group_of(group: Path, number: int, key: str) -> bool:
    """Tell whether a group, whole or begun, is there, and of a simulation.

    Parameters
    ----------
    group
        What may be the group.
    number
        Of particles.
    key
        From `fingerprint`.
    """
    return _read_label(group) == _label(number, key)


@contextlib.contextmanager
def write_zarr_group(
    simulator: Simulator, output: Path, key: str, *, overwrite: bool
) -> Iterator[None]:
    """Write what is known of all particles, and give the group its name once images are there.

    The images are to be written by `write_zarr_shard` meanwhile.

    Parameters
    ----------
    simulator
        Knows the particles.
    output
        The group.
    key
        From `fingerprint`.
    overwrite
        Whether to replace a group of something else.

    Raises
    ------
    BlockingIOError
        If another process writes the group.
    OSError
        If it cannot be written.
    """
    config = simulator.config
    wanted = _label(config.number, key)
    if _read_label(output) == wanted:
        # What an interrupt at the very end left.
        shutil.rmtree(output / MARKERS, ignore_errors=True)
        yield
        return
    part = name_part_of(output)
    (part / MARKERS).mkdir(parents=True, exist_ok=True)
    lock = PartialFile(part / MARKERS / LOCK)
    try:
        if _read_label(part) != wanted:
            _remove_all_but(part, MARKERS)
            for marker in (part / MARKERS).glob("[0-9]*"):
                marker.unlink()
        with name_errors_without_a_name(part):
            _write_columns(part, simulator, wanted)
        yield
        _give_name(part, Path(os.path.realpath(output)), overwrite=overwrite)
        shutil.rmtree(output / MARKERS)
    finally:
        lock.close()


def _give_name(part: Path, output: Path, *, overwrite: bool) -> None:
    """Give a finished group its name; one that it replaces gets it back if that fails.

    In between neither has it: folders cannot be replaced as files can. Of a killed run, the next
    one finds the old group by its other name, and removes it when it has finished the new one.
    """
    old = output.with_name(f".{output.name}.replaced")
    if output.exists() and overwrite:
        shutil.rmtree(old, ignore_errors=True)
        output.rename(old)
        try:
            part.rename(output)
        except BaseException:
            if not output.exists():
                old.rename(output)
            raise
    else:
        part.rename(output)
    sync_folder(output.parent)
    shutil.rmtree(old, ignore_errors=True)


def write_zarr_shard(
    simulator: Simulator,
    shard: Shard,
    key: str,  # noqa: ARG001  # the group has it
    *,
    report: Callable[[int, int], object] | None = None,
) -> None:
    """Write the images of a shard, but for chunks that are there.

    Parameters
    ----------
    simulator
        Makes the images.
    shard
        Which, from `make_zarr_shards`.
    key
        From `fingerprint`.
    report
        Called as the work goes on, with the number of images done and of all.

    Raises
    ------
    OSError, ValueError
        If the images cannot be written.
    """
    import zarr

    config = simulator.config
    images = zarr.open_array(shard.path / "images", mode="r+", config={"write_empty_chunks": True})
    n_in_chunk, n_all = images.chunks[0], shard.stop - shard.start
    for start in range(shard.start, shard.stop, n_in_chunk):
        stop = min(start + n_in_chunk, shard.stop)
        marker = _marker(shard.path, start // n_in_chunk)
        if marker.exists():
            continue

        def count(n_done: int, _: int, start: int = start) -> None:
            if report is not None:
                report(start - shard.start + n_done, n_all)

        made = np.empty((stop - start, config.box, config.box), np.float32)
        simulator.image(simulator.source.take(np.arange(start, stop)), made, report=count)
        chunk = images.metadata.encode_chunk_key((start // n_in_chunk, 0, 0))
        # Zarr's errors have no name, of a full disk for one.
        with name_errors_without_a_name(shard.path):
            images[start:stop] = _round(made, start, images.dtype)
            _sync(shard.path, f"images/{chunk}")
            marker.touch()


def _marker(part: Path, chunk: int) -> Path:
    return part / MARKERS / f"{chunk:06d}"


def _count_in_chunk(config: SimulationConfig) -> int:
    """Count the images of a chunk: a power of two, or all that there are."""
    fitting = BYTES_OF_A_CHUNK // (config.box**2 * np.dtype(config.dtype).itemsize)
    n = 1 << max(fitting, 1).bit_length() - 1
    return min(max(n, FEWEST_IN_A_CHUNK), MOST_IN_A_CHUNK, config.number)


def _label(number: int, key: str) -> str:
    """Say what a group is of, in short."""
    return hashlib.sha256(json.dumps([key, number]).encode()).hexdigest()


def _read_label(group: Path) -> str | None:
    """Read what a group is of; None if there is none, or another program's."""
    try:
        read = json.loads((group / "zarr.json").read_text())
        label: str = read["attributes"]["numbavol"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return label


def _remove_all_but(folder: Path, name: str) -> None:
    for path in folder.iterdir():
        if path.name == name:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _round(
    images: NDArray[np.float32], first: int, dtype: np.dtype[Any]
) -> NDArray[np.floating[Any]]:
    with np.errstate(over="ignore"):  # `measure_range` finds what overflows
        rounded = images.astype(dtype, copy=False)
    for n, image in enumerate(rounded):
        measure_range(first + n, image.astype(np.float32, copy=False), rounded.dtype)
    return rounded


def _sync(group: Path, name: str) -> None:
    """Wait until a file of a group is on the disk, so that no marker is there before it."""
    with (group / name).open("rb") as file:
        os.fsync(file.fileno())
    for folder in Path(name).parents:
        sync_folder(group / folder)


def _write_columns(part: Path, simulator: Simulator, label: str) -> None:
    """Write all but the images; what an interrupted run left of it is written again."""
    import zarr

    config = simulator.config
    particles = simulator.source.take(np.arange(config.number))
    table = particles.to_table(config)
    n, box = config.number, config.box
    # The label comes last: without it nobody goes on with a group.
    group = zarr.open_group(part, mode="a", zarr_format=3)
    if "images" not in group:
        group.create_array(
            "images",
            shape=(n, box, box),
            chunks=(_count_in_chunk(config), box, box),
            dtype=config.dtype,
            compressors=None,  # noise has nothing that could be left out
            dimension_names=("particle", "y", "x"),
            attributes={"unit": unit_of_images(config)},
        )
    for name, (values, attributes) in find_columns(particles, table).items():
        dimensions = ("particle", *(f"{name}_{axis}" for axis in range(values.ndim - 1)))
        column = group.create_array(
            name, shape=values.shape, chunks=values.shape, dtype=values.dtype, compressors=None,
            dimension_names=dimensions, attributes={**attributes}, overwrite=True,
        )  # fmt: skip
        column[...] = values
    names = list(simulator.volumes.names)
    for volume in config.volume:
        folder = f"{Path(volume.file).parent}{os.sep}"
        names = [name.removeprefix(folder) for name in names]
    group.attrs.put(
        {
            # Other folders of the same files change no byte.
            "configuration": dataclasses.asdict(
                replace_files(config, lambda _, name: Path(name).name)
            ),
            "volumes": names,
            "numbavol": {"version": version("numbavol"), "sha256": label},
        }
    )
