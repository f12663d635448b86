"""What the compiler makes of the CUDA kernels, without a card: nothing is slow by mistake."""

from __future__ import annotations

import importlib
import pkgutil
import re
import types

import numba
import numpy as np
import pytest
from numba import (
    boolean,
    complex64,
    complex128,
    float32,
    float64,
    int32,
    int64,
    uint16,
    uint32,
    uint64,
)
from ptx.card import CAPABILITY

import numbavol.kernels.cuda
from numbavol.kernels.finding import is_simulated

pytest.importorskip("numba_cuda")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        is_simulated() or bool(numba.config.DISABLE_JIT), reason="nothing is compiled"
    ),
]


def array(dtype, n_axes):
    return numba.types.Array(dtype, n_axes, "C")


def whole(n):
    return numba.types.UniTuple(int64, n)


points, rotations, offsets, vector = (array(float64, n) for n in (2, 3, 2, 1))
# Complex numbers, as pairs that are read as one.
pairs = array(uint64, 3)
samples = (pairs, array(float32, 1), array(uint64, 1), whole(3))
frames, tiles = array(float64, 3), (array(int64, 2), *whole(4))
halves = array(complex64, 3)
corner = numba.types.UniTuple(float64, 3)


def planes(order, *curvatures):
    return (*samples, whole(order), frames, *curvatures, whole(2), corner, corner, *tiles)


def spread(real):
    return (
        *(array(int64, 4), points, array(real, 1), rotations, offsets, vector, vector, whole(2)),
        *(int64, array(real, 2), vector),
    )


def terms(real, pair):
    return (
        *(array(real, 3), array(int32, 1), array(int64, 1), array(uint64, 1), array(pair, 1)),
        whole(3),
    )


def profiles(real, pair, k):
    return (
        *(array(pair, 1), real, int64, int64, int64, array(int64, 1), array(uint64, 2)),
        *(array(int64, 1), points, array(float64, 2), array(float64, 2), corner, float64, int64),
        *(float64, whole(k)),
    )


# For each kernel: how often float32 becomes float64, and what it is compiled for.
KERNELS = {
    "filters._add_filtered": (
        False,
        [(*(array(float32, n) for n in (3, 3, 2, 2, 2)), int64)],
    ),
    # Phases are found in double precision, and narrowed.
    "contrast._transfer": (
        False,
        [
            (
                *(halves, halves, int64, vector, rotations, vector, vector),
                array(float32, 2),
            )
        ],
    ),
    "gaussians._add_terms_single": (False, [terms(float32, uint64)]),
    "gaussians._add_terms_double": (False, [terms(float64, complex128)]),
    "gaussians._locate": (
        False,
        [
            (
                *(points, array(float64, 2), corner, float64, whole(3), int64, int64),
                *(points, array(int64, 2), array(uint16, 1)),
            )
        ],
    ),
    "interpolation._interpolate": (
        False,
        [
            (
                *(array(float32, 2), array(float32, 1), whole(3), whole(3), array(float64, 2)),
                *(int64, int64, array(float32, 1), int64, int64),
            )
        ],
    ),
    "map_profiles._fill_profiles": (False, [profiles(float32, uint64, k) for k in (1, 5)]),
    # Windows are found in double precision.
    "map_profiles._find_windows": (
        False,
        [
            (
                *(array(uint64, 2), array(int64, 2), array(int64, 1), points, array(float64, 2)),
                *(corner, float64, int64, int64, whole(3), whole(5)),
            )
        ],
    ),
    "map_terms._find_begins": (False, [(array(int32, 1), array(uint16, 1), array(int64, 1))]),
    "map_terms._list_terms": (
        False,
        [
            (
                *(array(part, 1), array(uint64, 1), int64, int64, int64, int64),
                *(array(int64, 1), array(int64, 1), array(uint64, 2), whole(3)),
            )
            for part in (uint16, uint32)
        ],
    ),
    "noise._add_noise": (
        False,
        [(array(float32, 4), array(float32, 2), int64, uint64, uint64, array(uint64, 1))],
    ),
    "counts._draw_counts": (False, [(rotations, uint64, uint64, array(uint64, 1))]),
    "noise._fill_uniforms": (False, [(points, uint64, uint64, array(uint64, 1))]),
    "planes._sample_planes": (False, [planes(order) for order in (1, 3)]),
    "planes._sample_surfaces": (False, [planes(order, array(float64, 2)) for order in (1, 3)]),
    "patches._add_whole_numbers": (False, [(array(float64, 3), array(int64, 4), vector)]),
    # Sums become whole numbers in double precision.
    "projected_gaussians._add_patches": (
        True,
        [
            (
                *(array(int64, 4), points, points, array(float32, 2), array(float32, 2)),
                *(array(float32, 3), boolean, rotations, offsets, vector, whole(k)),
            )
            for k in (1, 5)
        ],
    ),
    "projected_gaussians._fit": (False, [(array(float32, 3), array(float32, 2), boolean)]),
    "projected_gaussians._scale": (
        False,
        [
            (
                *(array(int64, 1), points, points, points, float64, float64, float64),
                *(points, points, array(float32, 2), array(float32, 2)),
            )
        ],
    ),
    # Places are found in double precision, weights and what is added are narrowed.
    "slices._insert": (
        False,
        [
            (
                *(array(float32, 5), array(int64, 2), array(int64, 3), array(float32, 4)),
                *(array(float64, 4), float64, int64, int64),
            )
        ],
    ),
    # The weights of shells are summed in double precision, and so are cells of several bricks.
    "slices._prepare": (
        True,
        [
            (
                *(array(float32, 4), array(float64, 2), halves, int64, offsets, transfers),
                *(boolean, array(float64, 2), float64),
            )
            for transfers in (array(float32, 3), halves)
        ],
    ),
    "slices._solve": (
        True,
        [(halves, array(float32, 5), array(int64, 3), float64, vector, vector, int64, int64)],
    ),
    # Sums are in double precision: real and imaginary part of both transforms, and the element.
    "shells._sum_fourier": (
        True,
        [(array(float64, 2), halves, halves, int64, vector, int64, int64)],
    ),
    "shells._sum_real": (True, [(array(float64, 2), array(float32, 3), vector, int64, int64)]),
    # Distances are found in double precision, and narrowed.
    "spheres._lower": (
        False,
        [(array(float32, 3), points, vector, float64, vector, int64, int64)],
    ),
    "spreading._fold": (False, [(array(float64, 3), int64, array(int64, 4), whole(2), vector)]),
    "spreading._spread_single": (True, [spread(float32)]),
    "spreading._spread_double": (False, [spread(float64)]),
    "transforms._expand": (False, [(halves, halves, int64, int64, int64)]),
    # Phases are found in double precision, and narrowed.
    "transforms._shift": (False, [(pairs, pairs, int64, array(float64, 2), float64)]),
    "transforms._make_self_conjugate": (False, [(array(complex64, 4), int64, int64)]),
}
# The neighbours of a point are as many as its order says, which is known when it runs; and the sine
# and cosine of a very large angle need a table of NVIDIA's.
IN_LOCAL_MEMORY = {"interpolation._interpolate", "slices._prepare", "transforms._shift"}


@pytest.fixture
def compile_to_ptx(monkeypatch):
    import numba.cuda.dispatcher
    from numba import cuda

    # What a kernel is compiled for is asked of a card that is not there.
    device = types.SimpleNamespace(compute_capability=CAPABILITY)
    monkeypatch.setattr(numba.cuda.dispatcher, "get_current_device", lambda: device)

    def compile_one(function, signature):
        ptx, _ = cuda.compile_ptx(function, numba.void(*signature), cc=CAPABILITY)
        return ptx

    return compile_one


def find_kernel(name):
    module, function = name.split(".")
    return getattr(importlib.import_module(f"numbavol.kernels.cuda.{module}"), function)


def count_widenings(ptx):
    return len(re.findall(r"\bcvt(?:\.\w+)*\.f64\.f32\b", ptx))


def is_in_local_memory(ptx):
    return ".local" in ptx


def test_every_kernel_is_looked_at():
    found = set()
    for module in pkgutil.iter_modules(numbavol.kernels.cuda.__path__):
        whole_name = f"numbavol.kernels.cuda.{module.name}"
        for name, value in vars(importlib.import_module(whole_name)).items():
            if (
                getattr(value, "__module__", None) == whole_name
                and hasattr(value, "py_func")
                and not value.targetoptions["device"]
            ):
                found.add(f"{module.name}.{name}")
    assert found == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_stays_in_its_precision_and_in_registers(compile_to_ptx, name):
    widens, signatures = KERNELS[name]
    for signature in signatures:
        ptx = compile_to_ptx(find_kernel(name).py_func, signature)
        # Where it is wanted, the compiler repeats it in unrolled loops.
        assert (count_widenings(ptx) > 0) == bool(widens)
        assert is_in_local_memory(ptx) == (name in IN_LOCAL_MEMORY)


def test_a_literal_that_widens_is_found(compile_to_ptx):
    def widen(out, values):
        out[0] = 0.1 * values[0] + 1.0

    def stay(out, values):
        out[0] = np.float32(0.1) * values[0] + np.float32(1.0)

    signature = (array(float32, 1), array(float32, 1))
    assert count_widenings(compile_to_ptx(widen, signature)) == 1
    assert count_widenings(compile_to_ptx(stay, signature)) == 0


def test_an_array_in_local_memory_is_found(compile_to_ptx):
    from numba import cuda

    def choose(out, numbers):
        values = cuda.local.array(4, numba.float32)
        for n in range(4):
            values[n] = out[n]
        # Registers have no numbers that are known when it runs.
        out[0] = values[numbers[0]]

    signature = (array(float32, 1), array(int64, 1))
    assert is_in_local_memory(compile_to_ptx(choose, signature))


def test_the_warning_that_is_silenced_is_the_one_that_numba_gives() -> None:
    from numba.cuda import dispatcher

    from numbavol.kernels.cuda import launch

    assert launch.NumbaPerformanceWarning is dispatcher.errors.NumbaPerformanceWarning
