"""What there is of CUDA on this machine, and what is missing."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

from numbavol.kernels.extras import how_to_install

PACKAGES = {"numba-cuda": "numba_cuda", "cupy": "cupy", "cufinufft": "cufinufft"}


@dataclasses.dataclass(frozen=True)
class FoundCuda:
    """What was looked for, and what was found."""

    missing_packages: tuple[str, ...]
    """Packages that are not installed."""
    driver: str | None
    """Version of CUDA that the driver is for; None if there is no driver."""
    cards: tuple[str, ...]
    """Names and memory of the cards."""
    problem: str | None
    """What went wrong when they were asked for, in the driver's words."""
    is_simulated: bool
    """Whether Numba's simulator takes the place of a card."""

    @property
    def is_usable(self) -> bool:
        """Whether ``device="cuda"`` works."""
        is_found = bool(self.cards) and not self.missing_packages and self.problem is None
        return self.is_simulated or is_found


def is_simulated() -> bool:
    """Whether Numba's simulator is to take the place of a card (``NUMBA_ENABLE_CUDASIM``)."""
    from numba import config

    # Numba makes its settings when it is imported.
    return bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]


def find_cuda() -> FoundCuda:
    """Look for the packages of the extra, the driver and the cards.

    Returns
    -------
    FoundCuda
        What there is.
    """
    missing = tuple(
        name for name, module in PACKAGES.items() if importlib.util.find_spec(module) is None
    )
    driver: str | None = None
    cards: tuple[str, ...] = ()
    problem: str | None = None
    if "cupy" not in missing:
        driver, cards, problem = _ask_the_driver()
    return FoundCuda(missing, driver, cards, problem, is_simulated())


def _ask_the_driver() -> tuple[str | None, tuple[str, ...], str | None]:
    try:
        import cupy
    except (ImportError, OSError) as error:
        return None, (), f"CuPy cannot be imported: {error}"
    runtime: Any = cupy.cuda.runtime
    driver = None
    try:
        # Without a driver this is 0.
        if number := runtime.driverGetVersion():
            driver = f"{number // 1000}.{number % 1000 // 10}"
        cards = tuple(
            _describe_card(runtime.getDeviceProperties(n)) for n in range(runtime.getDeviceCount())
        )
    except (runtime.CUDARuntimeError, ImportError, OSError) as error:
        return driver, (), str(error)
    return driver, cards, _ask_numba() if cards else None


def _ask_numba() -> str | None:
    """Say what of its own Numba lacks, or None."""
    from numba import cuda

    if cuda.is_available():
        return None
    return f"Numba cannot use it: {cuda.cuda_error()}"


def _describe_card(properties: dict[str, Any]) -> str:
    name = properties["name"]
    text = name.decode() if isinstance(name, bytes) else str(name)
    return f"{text}, {properties['totalGlobalMem'] / 2**30:.0f} GiB"


def describe_what_is_missing(found: FoundCuda | None = None) -> str | None:
    """Say why ``device="cuda"`` does not work, or return None where it does.

    Parameters
    ----------
    found
        What there is; it is looked for by default.
    """
    found = find_cuda() if found is None else found
    if found.is_usable:
        return None
    if found.missing_packages:
        what = f"{', '.join(found.missing_packages)} not installed: {how_to_install('cuda')}"
    elif found.cards:
        what = f"{found.cards[0]} was found"
    elif found.driver is None:
        what = "no NVIDIA driver was found on this machine"
    else:
        what = f"the driver (CUDA {found.driver}) has no device"
    reason = f" ({found.problem})" if found.problem else ""
    return f"device: 'cuda' cannot be used, {what}{reason}; numbavol info --device says more"
