"""How much hypothesis tries, what this machine cannot show, and what tests share."""

from __future__ import annotations

import functools
import platform

import numba
import numpy as np
import pytest
import scipy.fft
from hypothesis import HealthCheck, settings
from races import watch_for_races

import numbavol
from numbavol.kernels.dispatch import find_what_is_missing
from numbavol.kernels.finding import is_simulated

# Without Numba's compiler a map takes a thousand times longer; what is drawn does not change.
settings.register_profile("compiled", deadline=None, max_examples=60)
settings.register_profile(
    "uncompiled", deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("uncompiled" if numba.config.DISABLE_JIT else "compiled")


def pytest_addoption(parser):
    parser.addoption(
        "--ptx", action="store_true", help="the PTX of kernels of CUDA, run by the processor"
    )


def pytest_configure(config):
    if config.getoption("--ptx"):
        from ptx.card import take_the_place_of_a_card

        take_the_place_of_a_card()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    # Examples are of whole structures and stacks, which take minutes without the compiler; what
    # kernels do uncompiled is for tests to show.
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.compiled)


@functools.cache
def transforms_round_alike():
    """Whether SciPy rounds lines that it transforms in groups and those left over alike.

    Which are left over depends on the number of threads, and of arrays. Compilers for x86 fuse no
    multiplications and additions unless they are told to, and those for ARM may in either.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        return True
    array = np.random.default_rng(0).normal(size=(17, 13, 11)).astype(np.float32)
    one, two = (scipy.fft.rfftn(array, workers=n) for n in (1, 2))
    return np.array_equal(one, two)


def pytest_runtest_setup(item):
    if item.get_closest_marker("same_bits") and not transforms_round_alike():
        pytest.skip("SciPy's transforms depend here on what is transformed together")


@pytest.fixture(scope="session")
def is_compiled():
    """Whether kernels are machine code in this run, so that large inputs are affordable."""
    return not numba.config.DISABLE_JIT


@pytest.fixture
def _number_of_threads_is_restored():
    yield
    numbavol.set_num_threads(None)


@pytest.fixture
def _what_there_is_of_cuda_is_asked_again():
    find_what_is_missing.cache_clear()
    yield
    find_what_is_missing.cache_clear()


@pytest.fixture(autouse=True)
def _races_are_errors(request, monkeypatch):
    if is_simulated() and request.node.get_closest_marker("cuda"):
        watch_for_races(monkeypatch)
