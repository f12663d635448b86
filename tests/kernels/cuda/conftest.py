"""Tests of kernels on CUDA, or what stands for a card: small shapes and few examples."""

from __future__ import annotations

import pytest

from numbavol.kernels.finding import describe_what_is_missing


def pytest_collection_modifyitems(items):
    missing = describe_what_is_missing()
    for item in items:
        if item.get_closest_marker("cuda") and missing is not None:
            item.add_marker(pytest.mark.skip(reason=missing))
