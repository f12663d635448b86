"""What a renderer takes and returns: kinds of arrays, kinds of maps, values and errors."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from strategies import scenes

import numbavol
from numbavol import AbstractVolumeRenderFn, GaussianMixtureRenderFn, GaussianMixtureVolume

SHAPE = (5, 6, 19)
POSITIONS = np.array([[0, 0, 0], [-3, 1, 2], [8, -1, -2], [9, 3, 3]])
AMPLITUDES = np.array([[1, 2], [3, -4], [5, 6], [-7, 8]])
VARIANCES = np.array([[1, 2], [4, 1], [3, 2], [1, 1]])


def make_volume():
    return GaussianMixtureVolume(POSITIONS, AMPLITUDES, VARIANCES)


def make_readonly(array, _):
    array = array.astype(float)
    array.setflags(write=False)
    return array


def make_memory_map(array, folder):
    path = folder / f"{array.sum()}.npy"
    np.save(path, array.astype(float))
    return np.load(path, mmap_mode="r")


KINDS_OF_ARRAYS = {
    "list": lambda array, _: array.tolist(),
    "read-only": make_readonly,
    "big-endian": lambda array, _: array.astype(">f8"),
    "big-endian float32": lambda array, _: array.astype(">f4"),
    "float32": lambda array, _: array.astype(np.float32),
    "float16": lambda array, _: array.astype(np.float16),
    "int64": lambda array, _: array.astype(np.int64),
    "int8": lambda array, _: array.astype(np.int8),
    "big-endian int16": lambda array, _: array.astype(">i2"),
    "Fortran order": lambda array, _: np.asfortranarray(array.astype(float)),
    "every second": lambda array, _: np.repeat(array.astype(float), 2, axis=1)[:, ::2],
    "backwards": lambda array, _: array.astype(float)[::-1, ::-1].copy()[::-1, ::-1],
    "memory-mapped": make_memory_map,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS_OF_ARRAYS)
def test_any_kind_of_array_renders_the_same(kind, dtype, tmp_path):
    make = KINDS_OF_ARRAYS[kind]
    arrays = [make(array, tmp_path) for array in (POSITIONS, AMPLITUDES, VARIANCES)]
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0, dtype=dtype)
    rendered = render_fn(GaussianMixtureVolume(*arrays))
    np.testing.assert_array_equal(rendered, render_fn(make_volume()))


def test_input_is_not_changed_nor_kept():
    arrays = [array.astype(float) for array in (POSITIONS, AMPLITUDES, VARIANCES)]
    volume = GaussianMixtureVolume(*arrays)
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0)
    expected = render_fn(volume)
    for array, original in zip(arrays, (POSITIONS, AMPLITUDES, VARIANCES), strict=True):
        np.testing.assert_array_equal(array, original)
        array[:] = 9  # It can still be written to, and the volume does not notice.
    np.testing.assert_array_equal(render_fn(volume), expected)


def test_rendering_twice_gives_the_same_bits_in_two_arrays():
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0)
    first, second = render_fn(make_volume()), render_fn(make_volume())
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, second)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "f4", "d", float, np.dtype("float32")])
def test_the_map_has_the_shape_and_dtype_asked_for(dtype):
    rendered = GaussianMixtureRenderFn(SHAPE, 1.0, dtype=dtype)(make_volume())
    assert rendered.dtype == np.dtype(dtype)
    assert rendered.shape == SHAPE
    assert rendered.flags.c_contiguous
    assert rendered.flags.writeable


def test_maps_are_float32_unless_asked():
    assert GaussianMixtureRenderFn(SHAPE, 1.0)(make_volume()).dtype == np.float32


def test_one_voxel_size_is_three_equal_ones():
    once = GaussianMixtureRenderFn(SHAPE, 1.5)(make_volume())
    thrice = GaussianMixtureRenderFn(SHAPE, [1.5, 1.5, 1.5])(make_volume())
    np.testing.assert_array_equal(once, thrice)


@given(
    scenes(n_gaussians=st.sampled_from([1, 5]), where=("inside",)),
    st.booleans(),
    st.booleans(),
    strategies.dtypes,
)
def test_the_transform_is_numpys_of_the_map_with_its_origin_in_the_corner(
    scene, outputs_rfft, fftshifted, dtype
):
    render_fn = GaussianMixtureRenderFn(scene.shape, scene.voxel_size, dtype=dtype)
    transform = render_fn(
        scene.volume, outputs_real_space=False, outputs_rfft=outputs_rfft, fftshifted=fftshifted
    )
    origin_in_corner = np.fft.ifftshift(render_fn(scene.volume).astype(np.float64))
    if outputs_rfft:
        expected = np.fft.rfftn(origin_in_corner)
        if fftshifted:
            expected = np.fft.fftshift(expected, axes=(0, 1))
    else:
        expected = np.fft.fftn(origin_in_corner)
        if fftshifted:
            expected = np.fft.fftshift(expected)
    assert transform.dtype == (np.complex64 if dtype == np.float32 else np.complex128)
    # No sample is larger than the sum of the map; log2(16000) passes each round by half an ulp.
    atol = 14 * np.finfo(dtype).eps * np.abs(origin_in_corner).sum()
    np.testing.assert_allclose(transform, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("outputs_rfft", [False, True])
@pytest.mark.parametrize("fftshifted", [False, True])
def test_in_real_space_the_options_of_the_transform_do_nothing(outputs_rfft, fftshifted):
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0)
    rendered = render_fn(make_volume(), outputs_rfft=outputs_rfft, fftshifted=fftshifted)
    np.testing.assert_array_equal(rendered, render_fn(make_volume()))


def test_the_options_of_a_call_and_of_the_constructor_are_keywords():
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0)
    with pytest.raises(TypeError, match="positional"):
        render_fn(make_volume(), False)  # noqa: FBT003
    with pytest.raises(TypeError, match="positional"):
        GaussianMixtureRenderFn(SHAPE, 1.0, {"batch_size": 1})


def make_render_fn(**changes):
    options = {
        "batch_options": {"batch_size": 2, "n_batches": 3},
        "tolerance": 1e-3,
        "dtype": np.float64,
    }
    return GaussianMixtureRenderFn(SHAPE, (1.0, 2.0, 3.0), **options | changes)


def test_a_render_function_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_render_fn().shape = (1, 1, 1)


def test_attributes_are_what_was_given():
    render_fn = GaussianMixtureRenderFn(np.array([5, 6, 7]), np.array([1, 2, 3]), dtype="f8")
    assert render_fn.shape == (5, 6, 7)
    assert all(type(length) is int for length in render_fn.shape)
    assert render_fn.voxel_size == (1.0, 2.0, 3.0)
    assert type(GaussianMixtureRenderFn(SHAPE, np.float32(1.5)).voxel_size) is float
    assert render_fn.dtype == np.float64
    assert render_fn.tolerance == 1e-6
    assert render_fn.batch_options is None
    assert render_fn.device == "cpu"


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda fn: pickle.loads(pickle.dumps(fn))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_a_duplicate_is_equal_and_renders_the_same(duplicate):
    render_fn = make_render_fn()
    other = duplicate(render_fn)
    assert other == render_fn
    assert hash(other) == hash(render_fn)
    np.testing.assert_array_equal(other(make_volume()), render_fn(make_volume()))


def test_replace_changes_one_field_and_checks_it():
    changed = dataclasses.replace(make_render_fn(), voxel_size=4)
    assert changed == GaussianMixtureRenderFn(
        SHAPE, 4.0, batch_options={"batch_size": 2, "n_batches": 3}, tolerance=1e-3, dtype="f8"
    )
    with pytest.raises(ValueError, match="voxel_size"):
        dataclasses.replace(make_render_fn(), voxel_size=0)


@pytest.mark.parametrize(
    "changes",
    [{"tolerance": 0}, {"dtype": np.float32}, {"batch_options": None}],
    ids=lambda changes: next(iter(changes)),
)
def test_render_functions_that_differ_are_not_equal(changes):
    assert make_render_fn(**changes) != make_render_fn()


def test_comparison_with_anything_else_is_false():
    for other in (None, 1, "map", make_volume()):
        assert (make_render_fn() == other) is False
        assert (make_render_fn() != other) is True


def test_the_repr_of_a_render_function_names_every_option():
    assert repr(make_render_fn()) == (
        "GaussianMixtureRenderFn(shape=(5, 6, 19), voxel_size=(1.0, 2.0, 3.0), "
        "batch_options={'batch_size': 2, 'n_batches': 3}, tolerance=0.001, "
        "dtype=dtype('float64'), device='cpu')"
    )


def test_it_is_an_abstract_render_function_of_which_there_is_none():
    assert isinstance(make_render_fn(), AbstractVolumeRenderFn)
    with pytest.raises(TypeError, match="abstract"):
        AbstractVolumeRenderFn()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shape", (5, 6), r"expected 3 whole numbers above 0, got \(5, 6\)"),
        ("shape", 5, "expected 3 whole numbers above 0, got 5"),
        ("shape", (5, 6, 7, 8), r"expected 3 whole numbers above 0, got \(5, 6, 7, 8\)"),
        ("shape", (5, 0, 7), r"expected 3 whole numbers above 0, got \(5, 0, 7\)"),
        ("shape", (5, -1, 7), r"expected 3 whole numbers above 0, got \(5, -1, 7\)"),
        ("shape", (5.0, 6.0, 7.0), r"expected 3 whole numbers above 0, got \(5.0, 6.0, 7.0\)"),
        ("shape", "abc", "expected 3 whole numbers above 0, got 'abc'"),
        ("shape", None, "expected 3 whole numbers above 0, got None"),
        ("voxel_size", 0.0, "expected finite lengths above 0, got 0.0"),
        ("voxel_size", -1.0, "expected finite lengths above 0, got -1.0"),
        ("voxel_size", np.nan, "expected finite lengths above 0, got nan"),
        ("voxel_size", (1, np.inf, 1), r"expected finite lengths above 0, got \[1.0, inf, 1.0\]"),
        ("voxel_size", (1, 2), r"expected one number or three \(x, y, z\), got shape \(2,\)"),
        ("voxel_size", "1 A", "expected real numbers, got dtype <U3"),
        ("voxel_size", 1j, "expected real numbers, got dtype complex128"),
        ("tolerance", -1e-9, r"expected a number in \[0, 1\), got -1e-09"),
        ("tolerance", 1, r"expected a number in \[0, 1\), got 1"),
        ("tolerance", np.nan, r"expected a number in \[0, 1\), got nan"),
        ("tolerance", np.inf, r"expected a number in \[0, 1\), got inf"),
        ("dtype", np.float16, "expected float32 or float64, got float16"),
        ("dtype", int, "expected float32 or float64, got int64"),
        ("dtype", np.complex64, "expected float32 or float64, got complex64"),
        ("dtype", np.longdouble, "expected float32 or float64, got (float128|longdouble)"),
        ("device", "tpu", "expected 'cpu', 'cuda' or 'auto', got 'tpu'"),
        ("device", None, "expected 'cpu', 'cuda' or 'auto', got None"),
        ("batch_options", {"batch": 1}, r"expected keys among .*batch_size.*, got \['batch'\]"),
        ("batch_options", {"batch_size": 0}, "batch_size is a whole number above 0, got 0"),
        ("batch_options", {"n_batches": -2}, "n_batches is a whole number above 0, got -2"),
        ("batch_options", {"batch_size": 6}, "batch_size is 6, for 5 z-planes"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_it(name, value, message):
    arguments = {"shape": SHAPE, "voxel_size": 1.0} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        GaussianMixtureRenderFn(**arguments)


def test_more_groups_than_positions_are_an_error():
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0, batch_options={"n_batches": 5})
    with pytest.raises(ValueError, match=r"^batch_options: n_batches is 5, for 4 positions"):
        render_fn(make_volume())


def test_another_kind_of_volume_is_an_error():
    with pytest.raises(TypeError, match=r"^volume_representation: .*Mixture.*, got .*ndarr"):
        GaussianMixtureRenderFn(SHAPE, 1.0)(np.zeros(SHAPE))


@pytest.mark.parametrize("shape", [(10**6,) * 3, (2**31, 2**31, 2**31)])
def test_a_map_that_does_not_fit_into_memory_is_an_error(shape):
    render_fn = GaussianMixtureRenderFn(shape, 1.0)
    message = f"^shape: float32 of shape {re.escape(str(shape))} takes .* GiB, and .* free"
    with pytest.raises(MemoryError, match=message):
        render_fn(make_volume())


def test_the_public_names_are_those_of_the_modules():
    assert numbavol.GaussianMixtureRenderFn is GaussianMixtureRenderFn
    assert numbavol.rendering.GaussianMixtureRenderFn is GaussianMixtureRenderFn


@pytest.mark.parametrize("kind", [GaussianMixtureRenderFn, numbavol.AutoVolumeRenderFn])
@pytest.mark.parametrize("name", ["outputs_real_space", "outputs_rfft", "fftshifted"])
def test_a_word_is_not_taken_for_a_flag(kind, name):
    volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    with pytest.raises(TypeError, match=f"{name}: expected True or False, got 'no'"):
        kind((4, 4, 4), 1.0)(volume, **{name: "no"})


def test_what_renders_no_gaussians_is_named():
    volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    with pytest.raises(TypeError, match="render_fn: expected a GaussianMixtureRenderFn, got int"):
        numbavol.render_gaussian_mixture(3, volume)
