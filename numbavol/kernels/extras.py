"""Packages that not everybody has, and how to get them."""

from __future__ import annotations

import importlib
from typing import Any


def how_to_install(extra: str) -> str:
    """Say how an extra of this package is installed: from a checkout, as it is not released."""
    return f'pip install ".[{extra}]", in the checkout of numbavol'


def import_extra(module: str, needing: str, extra: str) -> Any:
    """Import a module that not everybody has.

    Parameters
    ----------
    module
        Its name.
    needing
        How errors begin: ``"pictures need"``.
    extra
        Of this package, that brings it.

    Raises
    ------
    ModuleNotFoundError
        If it is missing. The message says how to get it.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = f"{needing} {package}: {how_to_install(extra)}"
        raise ModuleNotFoundError(msg, name=package) from error
