"""The table (name, device) -> kernel; the only place that knows the folders of the devices."""

from __future__ import annotations

import functools
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from numbavol.kernels.devices import Cpu, is_on_cuda
from numbavol.kernels.tasks import run_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from numbavol.kernels.devices import Device

# The module, in the folder of every device, that a kernel is in.
MODULES = {
    "add_gaussian_filtered": "filters",
    "add_noise": "noise",
    "draw_counts": "counts",
    "expand_half_transform": "transforms",
    "fill_uniforms": "noise",
    "insert_slices": "slices",
    "interpolate_points": "interpolation",
    "locate_gaussians": "gaussians",
    "lower_to_distances": "spheres",
    "prepare_slices": "slices",
    "project_gaussians": "projected_gaussians",
    "render_gaussians": "gaussians",
    "sample_planes": "planes",
    "sample_surfaces": "planes",
    "scale_gaussians": "projected_gaussians",
    "shift_half_transforms": "transforms",
    "solve_bricks": "slices",
    "spread_in_plane": "spreading",
    "sum_fourier_shells": "shells",
    "sum_real_shells": "shells",
    "transfer_contrast": "contrast",
}
DEVICES = ("cpu", "cuda")
CPU = Cpu()


def check_device(device: str) -> str:
    """Return the name of a device that can be used.

    Parameters
    ----------
    device
        What a user asks for: one of ``DEVICES``, or ``"auto"`` for ``"cuda"`` where that can be
        used, and ``"cpu"`` where it cannot.

    Returns
    -------
    str
        One of ``DEVICES``.

    Raises
    ------
    ValueError
        If it is another name.
    RuntimeError
        If CUDA cannot be used. The message says what is missing.
    """
    if device == "cpu":
        return device
    if device not in ("cuda", "auto"):
        msg = f"device: expected 'cpu', 'cuda' or 'auto', got {device!r}"
        raise ValueError(msg)
    missing = find_what_is_missing()
    if missing is None:
        return "cuda"
    if device == "auto":
        return "cpu"
    raise RuntimeError(missing)


@functools.cache
def find_what_is_missing() -> str | None:
    """Say once in a process why CUDA cannot be used, or return None where it can.

    Every renderer and integrator asks, and drivers take their time.
    """
    from numbavol.kernels.finding import describe_what_is_missing

    return run_task(describe_what_is_missing)


def find_device(name: str) -> Device:
    """Return a device by the name that `check_device` returned.

    Parameters
    ----------
    name
        One of ``DEVICES``.

    Returns
    -------
    Device
        Where arrays live and kernels run.
    """
    if name == "cpu":
        return CPU
    device: Device = _import_off_the_main_thread("numbavol.kernels.cuda.device").get_device()
    return device


def find_device_of(*arrays: object) -> Device:
    """Return the device that arrays live on.

    Parameters
    ----------
    *arrays
        Arrays of one device, or other things, which are taken to be of the host.

    Returns
    -------
    Device
        Where they are.

    Raises
    ------
    ValueError
        If some are on a device, and some are not.
    """
    on_cuda = [is_on_cuda(array) for array in arrays]
    if not any(on_cuda):
        return CPU
    if not all(on_cuda):
        msg = "expected arrays of one device, got some on CUDA and some not: see to_device"
        raise ValueError(msg)
    return find_device("cuda")


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
    kernel: Callable[..., Any] = getattr(
        _import_off_the_main_thread(f"numbavol.kernels.{device}.{MODULES[name]}"), name
    )
    return kernel


def _import_off_the_main_thread(module: str) -> ModuleType:
    if module in sys.modules:
        return import_module(module)
    # An interrupt in the midst of Numba's import becomes an ImportError, or is lost.
    return run_task(lambda: import_module(module))
