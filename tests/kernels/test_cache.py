"""The cache of compiled code: many processes, broken files and folders, and changes of source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numba
import pytest

from numbavol.kernels import cache
from numbavol.kernels.jit import FLAGS, cache_is_supported

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiled

PROGRAM = """
import sys
import numpy as np
import numbavol
from numbavol.kernels.cpu.gaussians import render_gaussians
volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 2.0, 1.0)
real_voxel_grid = numbavol.GaussianMixtureRenderFn((16, 16, 16), 1.0, dtype=sys.argv[1])(volume)
assert abs(real_voxel_grid.sum() - 2.0) < 1e-5
print("hits", sum(render_gaussians.stats.cache_hits.values()))
"""


def start(dtype: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, dtype],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output.strip()


def test_kernels_are_loaded_by_the_threads_of_tasks_alone() -> None:
    # An interrupt that reaches the main thread where LLVM calls back is lost, or ends the process.
    program = (
        "import threading\n"
        "from numbavol.kernels.cache import KernelCache\n"
        "labels, by_caller, load = set(), set(), KernelCache.load_overload\n"
        "def note(self, *arguments):\n"
        "    is_caller = threading.current_thread() is threading.main_thread()\n"
        "    (by_caller if is_caller else labels).add(self._label)\n"
        "    return load(self, *arguments)\n"
        "KernelCache.load_overload = note\n"
        "import numbavol\n"
        "numbavol.warmup()\n"
        "print(len(labels) > 15, sorted(by_caller))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert finish(process) == "True []"


def test_numba_is_a_version_the_cache_was_tried_with() -> None:
    # When this fails: try the cache with the new version, then add it, or pin the old one.
    assert cache_is_supported(numba.__version__)


def test_other_versions_of_numba_go_without_a_cache() -> None:
    assert not cache_is_supported("0.60.2")
    assert not cache_is_supported("1.0.0")


def test_a_second_process_finds_what_the_first_compiled(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=folder)) == "hits 0"
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=folder)) == "hits 1"
    for file in tmp_path.rglob("*.kernel"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=folder)) == "hits 0"
    # What was cut short has been written anew.
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=folder)) == "hits 1"


def test_a_changed_bit_is_a_miss(tmp_path: Path) -> None:
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=str(tmp_path))) == "hits 0"
    for file in tmp_path.rglob("*.kernel"):
        content = bytearray(file.read_bytes())
        content[-100] ^= 1
        file.write_bytes(bytes(content))
    assert finish(start("float32", NUMBAVOL_CACHE_DIR=str(tmp_path))) == "hits 0"


def test_a_home_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    # Also for root, whom no permission stops: there is no folder below a file.
    home = tmp_path / "home"
    home.write_text("not a folder")
    environment = {"HOME": str(home), "XDG_CACHE_HOME": "", "NUMBAVOL_CACHE_DIR": ""}
    assert finish(start("float32", **environment)) == "hits 0"


@pytest.mark.heavy
def test_twenty_processes_on_an_empty_cache_and_twenty_more(tmp_path: Path) -> None:
    for expected in ({"hits 0", "hits 1"}, {"hits 1"}):
        processes = [
            start(dtype, NUMBAVOL_CACHE_DIR=str(tmp_path), NUMBAVOL_NUM_THREADS="1")
            for dtype in ("float32", "float64") * 10
        ]
        assert {finish(process) for process in processes} <= expected
    assert not list(tmp_path.rglob(".writing-*"))


def test_a_changed_source_has_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(cache.KERNELS_FOLDER, sources)
    monkeypatch.setattr(cache, "KERNELS_FOLDER", sources)
    before = cache.stamp_folder(tmp_path / "before")
    helper = sources / "math.py"
    helper.write_text(helper.read_text() + "\n# changed\n")
    after = cache.stamp_folder(tmp_path / "after")
    assert before.name != after.name


def test_other_settings_of_numba_have_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {cache.stamp_folder(tmp_path / "as it is").name}
    for name in cache.SETTINGS:
        # A setting that numba has no longer would be left out without a word.
        monkeypatch.setattr(numba.config, name, "another")
        folders.add(cache.stamp_folder(tmp_path / name).name)
        monkeypatch.undo()
    assert len(folders) == 1 + len(cache.SETTINGS)


def test_what_a_killed_process_was_writing_is_removed_after_a_while(tmp_path: Path) -> None:
    folder = cache.stamp_folder(tmp_path)
    folder.mkdir()
    old, new = (folder / f"{cache.UNFINISHED}{name}" for name in ("old", "new"))
    for file in (old, new):
        file.write_bytes(b"cut short")
    then = time.time() - 2 * cache.STAMPS_ARE_KEPT_FOR_SECONDS
    os.utime(old, (then, then))
    cache.stamp_folder.cache_clear()
    cache.stamp_folder(tmp_path)
    assert not old.exists()
    assert new.exists()


def test_other_flags_have_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path))
    codegen = numba.core.registry.cpu_target.target_context.codegen()
    signature = (numba.float32,)
    paths = {
        cache.KernelCache(name, flags)._path(signature, codegen)
        for name in ("module.one", "module.other")
        for flags in (FLAGS, {**FLAGS, "fastmath": True})
    }
    assert len(paths) == 4


def test_only_folders_unused_for_long_are_removed(tmp_path: Path) -> None:
    old, recent = tmp_path / f"stamp-{'0' * 16}", tmp_path / f"stamp-{'1' * 16}"
    foreign = tmp_path / "data"
    long_ago = time.time() - 2 * cache.STAMPS_ARE_KEPT_FOR_SECONDS
    for folder in (old, recent, foreign):
        folder.mkdir()
        (folder / "some.kernel").write_text("")
    for folder in (old, foreign):
        os.utime(folder, (long_ago, long_ago))
    cache.stamp_folder(tmp_path)
    assert not old.exists()
    assert recent.exists()
    assert foreign.exists()


def test_a_user_without_a_home_is_no_error() -> None:
    # As in a container that runs under a number that no user has.
    without_home = "import pwd\ndef fail(_): raise KeyError\npwd.getpwuid = fail\n"
    environment = {"HOME": "", "XDG_CACHE_HOME": "", "NUMBAVOL_CACHE_DIR": ""}
    kept = {name: value for name, value in os.environ.items() if name not in environment}
    process = subprocess.Popen(
        [sys.executable, "-c", without_home + PROGRAM, "float32"],
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert finish(process) == "hits 0"
