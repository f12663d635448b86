"""Compiled code on disk, shared by any number of processes.

Numba's own ``cache=True`` keeps one index a function, which does not see a helper changed in
another file, mixes compiler flags, races between processes and raises where no folder is
writable. Here each compiled signature is one file under a hash of everything that made it, written
beside its final name and moved there whole; whatever cannot be read is compiled again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import re
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite
import numba
import platformdirs
from numba.core.caching import CompileResultCacheImpl, NullCache
from numba.core.serialize import dumps

if TYPE_CHECKING:
    from collections.abc import Hashable

ENVIRONMENT_VARIABLE = "NUMBAVOL_CACHE_DIR"
KERNELS_FOLDER = Path(__file__).parent
STAMPS_ARE_KEPT_FOR_SECONDS = 30 * 24 * 3600
STAMP = re.compile(r"stamp-[0-9a-f]{16}")
UNFINISHED = ".writing-"
DIGEST_SIZE = hashlib.sha256().digest_size
# What the environment tells Numba that changes its code, but not the flags of a function.
SETTINGS = (
    "OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX", "DISABLE_INTEL_SVML",
    "DEBUGINFO_DEFAULT", "DEBUG_JIT", "EXTEND_VARIABLE_LIFETIMES", "ENABLE_PROFILING",
    "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS",
)  # fmt: skip


def cache_folder() -> Path:
    """Folder of the compiled code, in ``NUMBAVOL_CACHE_DIR`` or the user's cache folder.

    Returns
    -------
    pathlib.Path
        The folder; it need not exist.

    Raises
    ------
    RuntimeError
        If the user has no home, and the variable is not set.
    """
    configured = os.environ.get(ENVIRONMENT_VARIABLE)
    if configured:
        return Path(configured) / "numbavol-kernels"
    users = platformdirs.user_cache_path()
    # Of a user without a home, platformdirs before 4.12 says "~/.cache".
    if not users.is_absolute():
        message = f"the user's cache folder is {str(users)!r}: there is no home, set HOME"
        raise RuntimeError(message)
    return users / "numbavol-kernels"


@functools.cache
def stamp_folder(parent: Path) -> Path:
    """Folder of what the present sources and versions compile to, its unused siblings removed.

    Parameters
    ----------
    parent
        The cache folder.

    Returns
    -------
    pathlib.Path
        A folder named by a hash of every kernel source, and of the versions and settings that
        compile them.
    """
    digest = hashlib.sha256()
    for source in sorted(KERNELS_FOLDER.rglob("*.py")):
        digest.update(source.relative_to(KERNELS_FOLDER).as_posix().encode())
        digest.update(source.read_bytes())
    versions = (sys.version, numba.__version__, llvmlite.__version__, platform.machine())
    settings = [getattr(numba.config, name, None) for name in SETTINGS]
    digest.update(repr((versions, settings)).encode())
    folder = parent / f"stamp-{digest.hexdigest()[:16]}"
    with contextlib.suppress(OSError):
        os.utime(folder)
    _remove_unused(parent, keep=folder)
    return folder


def _remove_unused(parent: Path, keep: Path) -> None:
    oldest = time.time() - STAMPS_ARE_KEPT_FOR_SECONDS
    # Another process may remove the same folders, or hold them where nothing may be removed.
    with contextlib.suppress(OSError):
        for folder in parent.iterdir():
            is_stamp = STAMP.fullmatch(folder.name) is not None
            if is_stamp and folder != keep and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        # What a killed process was writing.
        for file in keep.glob(f"{UNFINISHED}*"):
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)


class CacheDescription(NamedTuple):
    """What is kept on disk of the present sources and versions."""

    folder: Path | None
    """None if there is no home for it."""
    n_kernels: int
    n_bytes: int
    is_writable: bool


def describe_cache() -> CacheDescription:
    """Look at the folder of compiled code.

    Returns
    -------
    CacheDescription
        Of what other versions have left, nothing is counted.
    """
    try:
        folder = stamp_folder(cache_folder())
    except RuntimeError:
        return CacheDescription(None, 0, 0, is_writable=False)
    sizes: list[int] = []
    # A folder that may not be looked at gives this process nothing; another may remove its files.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        sizes += [entry.stat().st_size for entry in entries if entry.name.endswith(".kernel")]
    return CacheDescription(folder, len(sizes), sum(sizes), _is_writable(folder))


def _is_writable(folder: Path) -> bool:
    """Whether a folder can be written, or made."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return folder != folder.parent and _is_writable(folder.parent)
    except OSError:  # it may not be looked at, or cannot be
        return False
    return stat.S_ISDIR(mode) and os.access(folder, os.W_OK | os.X_OK)


class _CompileResults(CompileResultCacheImpl):
    """Numba's reduction of compiled code to picklable parts, without its file locator."""

    def __init__(self) -> None:
        """Do nothing: Numba's constructor looks for a writable folder, and raises without one."""


class KernelCache(NullCache):
    """What Numba's dispatcher asks for compiled code, and hands compiled code to.

    Parameters
    ----------
    name
        Qualified name of the function.
    flags
        The compiler flags it is compiled with.
    """

    def __init__(self, name: str, flags: dict[str, Any]) -> None:
        self._label = name.rpartition(".")[2]
        self._identity = (name, sorted(flags.items(), key=lambda item: item[0]))
        self._parts = _CompileResults()

    @property
    def cache_path(self) -> str | None:
        """Folder the compiled code is kept in, if there is a home for it."""
        with contextlib.suppress(RuntimeError):
            return str(stamp_folder(cache_folder()))
        return None

    def load_overload(self, signature: Hashable, target_context: Any) -> Any:
        """Compiled code for a signature, or None where none can be had."""
        target_context.refresh()
        # Whatever the reason (no file, no permission, a truncated file, code that does not link),
        # the function is then compiled, as without a cache.
        with contextlib.suppress(Exception):
            content = self._path(signature, target_context.codegen()).read_bytes()
            digest, payload = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
            if digest == hashlib.sha256(payload).digest():
                return self._parts.rebuild(target_context, pickle.loads(payload))
        return None

    def save_overload(self, signature: Hashable, compiled: Any) -> None:
        """Write compiled code under its own name, whole or not at all."""
        if compiled.library.has_dynamic_globals or compiled.lifted:
            return
        payload = dumps(self._parts.reduce(compiled))
        # A folder that cannot be written, or a user without a home, costs the next process a
        # compilation, nothing else.
        with contextlib.suppress(OSError, RuntimeError):
            path = self._path(signature, compiled.codegen)
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(hashlib.sha256(payload).digest() + payload)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _path(self, signature: Hashable, codegen: Any) -> Path:
        made_for = repr((self._identity, signature, codegen.magic_tuple()))
        key = hashlib.sha256(made_for.encode()).hexdigest()[:24]
        return stamp_folder(cache_folder()) / f"{self._label}-{key}.kernel"
