"""The files that a simulation reads."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numbavol.simulation.config import SimulationConfig

WHITE = "white"
# Of groups, and of each volume: which choices are names of files, or of a folder.
OF_GROUPS = (("poses", "file"), ("noise", "spectrum"), ("detector", "mtf"), ("detector", "dqe"))
OF_VOLUMES = ("file", "monomer_library")


def list_files(config: SimulationConfig) -> dict[tuple[str | int, ...], str]:
    """List the files that a simulation reads, by the paths of their choices."""
    files: dict[tuple[str | int, ...], str | None] = {
        ("volume", n, key): getattr(volume, key)
        for n, volume in enumerate(config.volume)
        for key in OF_VOLUMES
    }
    files |= {(group, key): getattr(getattr(config, group), key) for group, key in OF_GROUPS}
    return {path: file for path, file in files.items() if file not in (None, WHITE)}


def replace_files(
    config: SimulationConfig, place: Callable[[tuple[str | int, ...], str], str]
) -> SimulationConfig:
    """Name the files of a simulation otherwise.

    Parameters
    ----------
    config
        The simulation.
    place
        Makes the new name of a choice's path, and the name that it has.
    """
    named = {path: place(path, file) for path, file in list_files(config).items()}

    def put(choices: Any, path: tuple[str | int, ...], keys: Iterable[str]) -> Any:
        changes = {key: named[*path, key] for key in keys if (*path, key) in named}
        return dataclasses.replace(choices, **changes) if changes else choices

    volumes = (put(each, ("volume", n), OF_VOLUMES) for n, each in enumerate(config.volume))
    groups = {group for group, _ in OF_GROUPS}
    changed = {
        group: put(getattr(config, group), (group,), [key for g, key in OF_GROUPS if g == group])
        for group in groups
    }
    return dataclasses.replace(config, volume=tuple(volumes), **changed)


@contextlib.contextmanager
def name_file_of_poses(config: SimulationConfig) -> Iterator[None]:
    """Let errors of names that RELION cannot read name the file that has them, if one has."""
    try:
        yield
    except ValueError as error:
        if config.poses.file is None or not str(error).startswith(("micrograph", "optics_group")):
            raise
        msg = f"{config.poses.file}: {error}"
        raise ValueError(msg) from error
