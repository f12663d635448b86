"""Functions of arrays on CUDA, a card or Numba's simulator of one, against the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing

MISSING = describe_what_is_missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]
RNG = np.random.default_rng(5)
MAP = RNG.standard_normal((4, 5, 6)).astype(np.float32)
OTHER = MAP + RNG.standard_normal(MAP.shape).astype(np.float32)


@pytest.fixture
def card():
    return find_device("cuda")


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 5)])
def test_transforms_and_back(card, shape):
    array = RNG.standard_normal(shape)
    there = card.send(array)
    for transform in (numbavol.fftn, numbavol.rfftn):
        made = card.fetch(transform(there))
        np.testing.assert_allclose(made, transform(array), rtol=0, atol=1e-12)
    back = numbavol.irfftn(numbavol.rfftn(there), shape)
    np.testing.assert_allclose(card.fetch(back), array, rtol=0, atol=1e-12)
    back = numbavol.ifftn(numbavol.fftn(there))
    np.testing.assert_allclose(card.fetch(back), array, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["fill", "clip", "wrap"])
@pytest.mark.parametrize("order", [0, 1])
def test_interpolation(card, order, mode):
    places = RNG.uniform(-2.0, 7.0, (3, 9))
    made = numbavol.map_coordinates(card.send(MAP), places, order, mode, cval=2.5)
    expected = numbavol.map_coordinates(MAP, places, order, mode, cval=2.5)
    assert hasattr(made, "__cuda_array_interface__")
    np.testing.assert_allclose(card.fetch(made), expected, rtol=0, atol=1e-6)


def test_spline_interpolation(card):
    coefficients = numbavol.compute_spline_coefficients(MAP)
    places = RNG.uniform(0.0, 3.0, (3, 9))
    made = numbavol.map_coordinates_spline(card.send(coefficients), places)
    expected = numbavol.map_coordinates_spline(coefficients, places)
    np.testing.assert_allclose(card.fetch(made), expected, rtol=0, atol=1e-6)


def test_radial_average(card):
    made = numbavol.compute_radial_average(card.send(MAP))
    np.testing.assert_allclose(made.values, numbavol.compute_radial_average(MAP).values, rtol=1e-12)


def test_fourier_shell_correlation(card):
    made = numbavol.compute_fourier_shell_correlation(card.send(MAP), card.send(OTHER))
    expected = numbavol.compute_fourier_shell_correlation(MAP, OTHER)
    np.testing.assert_allclose(made.correlation, expected.correlation, rtol=1e-6)


def test_a_map_here_and_a_map_there_are_an_error(card):
    with pytest.raises(ValueError, match="some on CUDA and some not"):
        numbavol.compute_fourier_shell_correlation(card.send(MAP), OTHER)


class Foreign:
    """An array of the device that is of another library."""

    def __init__(self, array):
        self.kept, self.__cuda_array_interface__ = array, array.__cuda_array_interface__


def test_arrays_of_other_libraries_are_taken(card):
    there = Foreign(card.send(MAP))
    np.testing.assert_allclose(
        card.fetch(numbavol.rfftn(there)), numbavol.rfftn(MAP), rtol=0, atol=1e-4
    )
    transform = numbavol.fftn(MAP)
    there = Foreign(card.send(transform))
    np.testing.assert_allclose(card.fetch(numbavol.ifftn(there)), MAP, rtol=0, atol=1e-6)
    plane = [[[0.0, 0.0, 0.0], [0.2, 0.0, 0.0], [0.0, 0.1, 0.1]]]
    np.testing.assert_allclose(
        card.fetch(numbavol.sample_fourier_planes(there, plane, (3, 2))),
        numbavol.sample_fourier_planes(transform, plane, (3, 2)),
        rtol=0,
        atol=1e-5,
    )
    np.testing.assert_array_equal(numbavol.to_device(Foreign(card.send(MAP)), "cpu"), MAP)


@pytest.mark.parametrize(
    "volume_class", [numbavol.FourierVoxelGridVolume, numbavol.FourierVoxelSplineVolume]
)
def test_a_map_of_the_device_becomes_a_volume(card, volume_class):
    made = volume_class.from_real_voxel_grid(card.send(MAP), pad_scale=1.5)
    assert made == volume_class.from_real_voxel_grid(MAP, pad_scale=1.5)


def test_boxes_are_cropped_where_they_are(card):
    for shape in ((3, 5, 4), (2, 2, 2)):
        made = numbavol.crop_to_shape(card.send(MAP), shape)
        np.testing.assert_array_equal(card.fetch(made), numbavol.crop_to_shape(MAP, shape))
    made = numbavol.RealVoxelGridVolume.from_real_voxel_grid(card.send(MAP), crop_scale=1.5)
    expected = numbavol.RealVoxelGridVolume.from_real_voxel_grid(MAP, crop_scale=1.5)
    assert numbavol.to_device(made, "cpu") == expected


HALF = np.fft.rfft2(MAP[0])
OF_THE_HOST = {
    "pad_to_shape": lambda there: numbavol.pad_to_shape(there(MAP), (6, 6, 6)),
    "rescale_voxel_size": lambda there: numbavol.rescale_voxel_size(there(MAP), 1.0, 2.0),
    "fourier_resample_to_shape": lambda there: numbavol.fourier_resample_to_shape(
        there(MAP), (2, 3, 4)
    ),
    "convert_fftn_to_rfftn": lambda there: numbavol.convert_fftn_to_rfftn(there(HALF)),
    "CustomFilter": lambda there: numbavol.CustomFilter(there(HALF)),
    "call of a filter": lambda there: numbavol.CustomFilter(HALF)(there(HALF)),
    "CustomMask": lambda there: numbavol.CustomMask(there(MAP)),
    "call of a mask": lambda there: numbavol.CustomMask(MAP)(there(MAP)),
    "WhiteningFilter": lambda there: numbavol.WhiteningFilter(there(MAP)),
    "WhiteningFilter.from_volume": lambda there: numbavol.WhiteningFilter.from_volume(there(MAP)),
    "translate_image": lambda there: numbavol.EulerAnglePose().translate_image(
        there(HALF), np.ones(HALF.shape), MAP[0].shape
    ),
    "write_map": lambda there: numbavol.write_map("never.mrc", there(MAP), 1.0),
}


@pytest.mark.parametrize("call", OF_THE_HOST.values(), ids=OF_THE_HOST)
def test_what_only_the_host_does_says_so(card, call):
    with pytest.raises(ValueError, match="expected an array of the host, got one of a CUDA device"):
        call(card.send)


def test_what_only_the_host_can_do_says_so(card):
    with pytest.raises(ValueError, match="data: expected an array of the host"):
        numbavol.compute_spline_coefficients(card.send(MAP))
    with pytest.raises(ValueError, match="coordinates: expected an array of the host"):
        numbavol.map_coordinates(card.send(MAP), [card.send(np.zeros(2))] * 3, 1)
