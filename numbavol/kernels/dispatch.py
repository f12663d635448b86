"""The table (name, device) -> kernel; the only place that knows a device."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from numbavol.kernels.threads import run_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

MODULES = {
    ("add_gaussian_filtered", "cpu"): "numbavol.kernels.cpu.filters",
    ("expand_half_transform", "cpu"): "numbavol.kernels.cpu.transforms",
    ("interpolate_points", "cpu"): "numbavol.kernels.cpu.interpolation",
    ("locate_gaussians", "cpu"): "numbavol.kernels.cpu.gaussians",
    ("project_gaussians", "cpu"): "numbavol.kernels.cpu.projected_gaussians",
    ("render_gaussians", "cpu"): "numbavol.kernels.cpu.gaussians",
    ("sample_planes", "cpu"): "numbavol.kernels.cpu.planes",
    ("sample_surfaces", "cpu"): "numbavol.kernels.cpu.planes",
    ("shift_half_transforms", "cpu"): "numbavol.kernels.cpu.transforms",
    ("spread_in_plane", "cpu"): "numbavol.kernels.cpu.spreading",
    ("sum_fourier_shells", "cpu"): "numbavol.kernels.cpu.shells",
    ("sum_real_shells", "cpu"): "numbavol.kernels.cpu.shells",
}
DEVICES = tuple(sorted({device for _, device in MODULES}))


def check_device(device: str) -> str:
    """Return a device's name, if there are kernels for it.

    Parameters
    ----------
    device
        What a user asks for.

    Returns
    -------
    str
        The same name.

    Raises
    ------
    ValueError
        If it is none of ``DEVICES``.
    """
    if device not in DEVICES:
        known = " or ".join(repr(name) for name in DEVICES)
        msg = f"device: expected {known}, got {device!r}"
        raise ValueError(msg)
    return device


def find_kernel(name: str, device: str) -> Callable[..., Any]:
    """Import a kernel when it is used, for Numba takes half a second to import.

    Parameters
    ----------
    name
        The kernel's name, the same on every device.
    device
        One of ``DEVICES``.

    Returns
    -------
    callable
        The compiled function.
    """
    kernel: Callable[..., Any] = getattr(_import_off_the_main_thread(MODULES[name, device]), name)
    return kernel


def _import_off_the_main_thread(module: str) -> ModuleType:
    if module in sys.modules:
        return import_module(module)
    # An interrupt in the midst of Numba's import becomes an ImportError, or is lost.
    return run_task(lambda: import_module(module))
