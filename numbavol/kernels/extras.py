"""Packages that not everybody has, and how to get them."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """Say how an extra of this package is installed: from a checkout, as it is not released."""
    return f'pip install ".[{extra}]", in the checkout of numbavol'
