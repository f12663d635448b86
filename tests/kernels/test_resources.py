"""CPUs and memory of a process: the smallest limit of its control groups counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import pytest

import numbavol
from numbavol import arguments
from numbavol.kernels.resources import Memory, find_memory, usable_cpus

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def be_in(tmp_path: Path, *lines: str) -> tuple[Path, Path]:
    memberships = tmp_path / "memberships"
    memberships.write_text("".join(f"{line}\n" for line in lines))
    return tmp_path / "groups", memberships


def limit_memory(folder: Path, limit: str, used: int, of_files: int = 0) -> None:
    stat = f"anon 5\nactive_file {of_files}\ninactive_file 0\n"
    write(folder, memory__max=limit, memory__current=str(used), memory__stat=stat)


@pytest.mark.parametrize(
    ("quota", "cpus"), [("max 100000", None), ("50000 100000", 1), ("100000 100000", 1)]
)
def test_a_quota_limits_the_cpus(quota: str, cpus: int | None, tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "0::/")
    write(groups, cpu__max=f"{quota}\n")
    affinity = len(os.sched_getaffinity(0))
    assert usable_cpus(groups, memberships) == (affinity if cpus is None else cpus)


def test_without_groups_the_system_limits(tmp_path: Path) -> None:
    nowhere = (tmp_path / "none", tmp_path / "none")
    assert usable_cpus(*nowhere) == len(os.sched_getaffinity(0))
    assert find_memory(*nowhere).total == psutil.virtual_memory().total


@pytest.mark.parametrize("limited", ["", "batch", "batch/job", "batch/job/step"])
def test_the_smallest_limit_up_to_the_root_counts(limited: str, tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "0::/batch/job/step")
    for folder in ("batch", "batch/job", "batch/job/step"):
        limit_memory(groups / folder, "max", 3 * MIB)
        write(groups / folder, cpu__max="max 100000")
    limit_memory(groups / limited, str(8 * MIB), 3 * MIB)
    write(groups / limited, cpu__max="1000 100000")
    assert find_memory(groups, memberships) == Memory(free=5 * MIB, total=8 * MIB)
    assert usable_cpus(groups, memberships) == 1


def test_groups_of_others_limit_nothing(tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "0::/mine")
    limit_memory(groups / "mine", str(8 * MIB), 0)
    limit_memory(groups / "theirs", str(MIB), 0)
    assert find_memory(groups, memberships).total == 8 * MIB


@pytest.mark.parametrize("place", ["/../../elsewhere", "/docker/not-seen-from-inside"])
def test_a_place_that_is_not_seen_leaves_the_root(place: str, tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, f"0::{place}")
    limit_memory(groups, str(8 * MIB), 0)
    limit_memory(tmp_path / "elsewhere", str(MIB), 0)
    assert find_memory(groups, memberships).total == 8 * MIB


def test_copies_of_files_are_free(tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "0::/")
    limit_memory(groups, str(8 * MIB), 7 * MIB, of_files=4 * MIB)
    assert find_memory(groups, memberships).free == 5 * MIB


def test_what_is_used_beyond_a_limit_leaves_nothing(tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "0::/")
    limit_memory(groups, str(8 * MIB), 9 * MIB)
    assert find_memory(groups, memberships) == Memory(free=0, total=8 * MIB)


def test_groups_of_version_1_limit_too(tmp_path: Path) -> None:
    groups, memberships = be_in(tmp_path, "5:cpu,cpuacct:/job", "4:memory:/job", "0::/")
    write(
        groups / "memory" / "job",
        memory__limit_in_bytes=str(8 * MIB),
        memory__usage_in_bytes=str(3 * MIB),
        memory__stat=f"active_file 0\ntotal_active_file {MIB}\ntotal_inactive_file {MIB}\n",
    )
    write(groups / "cpu" / "job", cpu__cfs_quota_us="1000", cpu__cfs_period_us="100000")
    write(groups / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    assert find_memory(groups, memberships) == Memory(free=7 * MIB, total=8 * MIB)
    assert usable_cpus(groups, memberships) == 1


def test_what_does_not_fit_into_the_groups_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arguments, "find_memory", lambda: Memory(100 * MIB, 200 * MIB))
    numbavol.make_radial_frequency_grid((200, 200, 200))
    with pytest.raises(MemoryError, match=r"shape: .* and 0\.1 GiB of memory are free"):
        numbavol.make_radial_frequency_grid((400, 400, 400))
