"""What machine code takes of a call on CUDA, without a card: numbers for its parameters."""

from __future__ import annotations

import re
import types

import numba
import numpy as np
import pytest

from numbavol.kernels.finding import is_simulated

pytest.importorskip("numba_cuda")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        is_simulated() or bool(numba.config.DISABLE_JIT), reason="nothing is compiled"
    ),
]


class ArrayThere:
    """What CuPy says of an array."""

    __cuda_array_interface__ = None

    def __init__(self, array, address=4096):
        self.dtype, self.ndim, self.shape = array.dtype, array.ndim, array.shape
        self.size, self.itemsize, self.strides = array.size, array.itemsize, array.strides
        self.flags = types.SimpleNamespace(
            c_contiguous=array.flags.c_contiguous, f_contiguous=array.flags.f_contiguous
        )
        self.data = types.SimpleNamespace(ptr=address)


def flatten(*arguments):
    from numbavol.kernels.cuda.launch import flatten

    key, numbers = [], []
    for argument in arguments:
        flatten(argument, key, numbers)
    return key, numbers


def list_parameters(function, *kinds):
    """Widths in bits of the parameters of the machine code of a kernel."""
    from numba import cuda

    ptx, _ = cuda.compile_ptx(function, numba.void(*kinds), cc=(9, 0))
    entry = ptx.split(".entry", 1)[1].split("{", 1)[0]
    return [int(width) for width in re.findall(r"\.param \.[a-z](\d+)", entry)]


def width_of(number):
    import ctypes

    if isinstance(number, bool):
        return 8
    # Numbers of Python are as wide as addresses.
    return 64 if isinstance(number, int) else 8 * ctypes.sizeof(number)


ARRAY = np.zeros((2, 3), np.float32)
CASES = {
    "array": (ArrayThere(ARRAY), numba.float32[:, ::1]),
    "transposed": (ArrayThere(ARRAY.T), numba.float32[::1, :]),
    "array with gaps": (ArrayThere(ARRAY[:, ::2]), numba.float32[:, :]),
    "integer": (7, numba.int64),
    "float": (0.5, numba.float64),
    "boolean": (True, numba.boolean),
    "seed": (np.uint64(2**63), numba.uint64),
    "float32": (np.float32(0.5), numba.float32),
    "int32": (np.int32(-5), numba.int32),
    "tuple": ((1, 2, 3), numba.types.UniTuple(numba.int64, 3)),
    "nothing": ((), numba.types.Tuple(())),
    "pairs": (((1, 0.5), 2), numba.types.Tuple([numba.types.Tuple([numba.int64, numba.float64]),
                                               numba.int64])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_call_has_the_numbers_that_machine_code_takes(name):
    argument, kind = CASES[name]

    def nothing(before, argument, after):
        pass

    _, numbers = flatten(1, argument, 2.0)
    expected = list_parameters(nothing, numba.int64, kind, numba.float64)
    assert [width_of(number) for number in numbers] == expected


def test_an_array_is_its_size_its_address_its_shape_and_its_strides():
    _, numbers = flatten(ArrayThere(ARRAY[:, ::2], address=2**40))
    assert numbers == [0, 0, 4, 4, 2**40, 2, 2, 12, 8]


def test_values_are_kept():
    _, numbers = flatten(-3, 0.1, np.float32(0.1), np.uint64(2**64 - 1), False)  # noqa: FBT003
    values = [number if isinstance(number, bool) else number.value for number in numbers]
    assert values == [-3, 0.1, float(np.float32(0.1)), 2**64 - 1, False]


def test_types_have_keys_of_their_own():
    arguments = [
        *(argument for argument, _ in CASES.values()),
        ArrayThere(ARRAY.astype(np.float64)),
        ArrayThere(ARRAY[0]),
        (1, 2),
        (1, 2.0),
    ]
    keys = [tuple(flatten(argument)[0]) for argument in arguments]
    assert len(set(keys)) == len(keys)


def test_values_have_the_same_key():
    assert flatten(3, (1, 2), 0.5)[0] == flatten(4, (5, 6), 1.5)[0]


def test_what_is_no_argument_is_an_error():
    with pytest.raises(TypeError, match="str"):
        flatten("text")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (("0.30.4", "1.2.2"), True),
        (("0.31.0", "1.2.2"), False),
        (("1.30.0", "1.2.2"), False),
        (("0.30.4", "0.7.0"), False),
        (("0.30.4", None), False),
        ((None, "1.2.2"), False),
    ],
)
def test_versions_that_were_tried(versions, expected):
    from numbavol.kernels.cuda.launch import flattens_calls

    assert flattens_calls(*versions) == expected


def test_what_is_installed_was_tried():
    from numbavol.kernels.cuda.launch import FLATTENS_CALLS

    assert FLATTENS_CALLS
