"""The CPUs and the memory that this process may use: what its control groups leave of them, too.

A control group is a folder of Linux that limits the processes in it and in the groups below it:
containers and batch systems make them. The smallest limit from the group of this process up to the
root counts; a group that cannot be read, or says nothing, limits nothing that is known.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path, PurePosixPath
from typing import NamedTuple

CONTROL_GROUPS, MEMBERSHIPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# By the controller, in versions 2 and 1.
LIMITS = {
    "cpu": ("cpu.max", "cpu.cfs_quota_us"),
    "memory": ("memory.max", "memory.limit_in_bytes"),
}


class Memory(NamedTuple):
    """Memory of this process, in bytes."""

    free: int
    total: int


@functools.cache
def find_limits(
    controller: str, root: Path = CONTROL_GROUPS, memberships: Path = MEMBERSHIPS
) -> tuple[Path, ...]:
    """Find what limits the control groups of this process, of version 1 or 2, its own first.

    Parameters
    ----------
    controller
        ``"cpu"`` or ``"memory"``.
    root
        Where the groups are.
    memberships
        What says which of them this process is in.

    Returns
    -------
    tuple of pathlib.Path
        One file of each group that can have a limit.
    """
    places = {root: PurePosixPath("/")}
    with contextlib.suppress(OSError, ValueError):
        for line in memberships.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                places[root] = PurePosixPath(path)
            elif controller in controllers.split(","):
                places[root / controller] = PurePosixPath(path)
    folders = []
    for hierarchy, place in places.items():
        # A container may see names that are those outside of it; its root is then its own group.
        parts = () if ".." in place.parts else place.parts[1:]
        folders += [hierarchy.joinpath(*parts[:n]) for n in range(len(parts), -1, -1)]
    files = (folder / name for folder in folders for name in LIMITS[controller])
    return tuple(file for file in files if os.path.isfile(file))  # noqa: PTH113


def usable_cpus(root: Path = CONTROL_GROUPS, memberships: Path = MEMBERSHIPS) -> int:
    """Count the CPUs that this process may use: its affinity, and its control groups' quotas.

    Quotas are those that the process found first.

    Parameters
    ----------
    root, memberships
        As `find_limits` has them.

    Returns
    -------
    int
        At least 1.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(cpus, _count_cpus_of_quotas(root, memberships)), 1)


def find_memory(root: Path = CONTROL_GROUPS, memberships: Path = MEMBERSHIPS) -> Memory:
    """Find the memory that this process may use: the system's, and its control groups' limits.

    Parameters
    ----------
    root, memberships
        As `find_limits` has them.
    """
    import psutil

    system = psutil.virtual_memory()
    free, total = int(system.available), int(system.total)
    for file in find_limits("memory", root, memberships):
        with contextlib.suppress(OSError, ValueError):
            limit, used = int(file.read_text()), _read_used_memory(file)
            free, total = min(free, max(limit - used, 0)), min(total, limit)
    return Memory(free, total)


@functools.cache
def _count_cpus_of_quotas(root: Path, memberships: Path) -> int:
    """Count the CPUs that control groups leave, once: every call of a kernel asks."""
    cpus = sys.maxsize
    for file in find_limits("cpu", root, memberships):
        with contextlib.suppress(OSError, ValueError):
            quota, period = _read_quota(file)
            if quota > 0:
                cpus = min(cpus, -(-quota // period))
    return cpus


def _read_quota(file: Path) -> tuple[int, int]:
    """Return the time of CPUs in a period, below 0 without a limit, and the period."""
    if file.name == "cpu.max":
        quota, period = file.read_text().split()
    else:
        quota, period = file.read_text(), file.with_name("cpu.cfs_period_us").read_text()
    return int(quota), int(period)


def _read_used_memory(file: Path) -> int:
    """Return what is used for good of the memory of a group."""
    if file.name == "memory.max":
        name, prefix = "memory.current", ""
    else:
        name, prefix = "memory.usage_in_bytes", "total_"
    kinds = dict(line.split() for line in file.with_name("memory.stat").read_text().splitlines())
    # Copies of files count, but are given up for whoever asks.
    given_up = sum(int(kinds.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
    return int(file.with_name(name).read_text()) - given_up
