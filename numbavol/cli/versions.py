"""The versions of what matters to results and speed."""

from __future__ import annotations

import importlib.metadata
import platform

import numbavol

# Distributions; those that are extras stand last.
DISTRIBUTIONS = (
    "numpy", "scipy", "numba", "llvmlite", "finufft", "gemmi", "mrcfile",
    "matplotlib", "numba-cuda", "cupy-cuda12x", "cufinufft",
)  # fmt: skip


def find_versions() -> dict[str, str | None]:
    """Find the versions of numbavol, Python and the packages below it.

    Returns
    -------
    dict
        By the name of the distribution; None for what is not installed.
    """
    versions: dict[str, str | None] = {
        "numbavol": numbavol.__version__,
        "Python": platform.python_version(),
    }
    for name in DISTRIBUTIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def describe_versions() -> str:
    """Write the versions of what is installed, numbavol's on a line of its own."""
    installed = {name: version for name, version in find_versions().items() if version}
    first = f"numbavol {installed.pop('numbavol')}"
    return f"{first}\n{', '.join(f'{name} {version}' for name, version in installed.items())}"
