"""The renderer that a volume needs, and maps as volumes."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import numbavol
from numbavol.rendering import costs

SHAPE, VOXEL_SIZE = (10, 11, 12), (1.0, 1.1, 1.2)
GAUSSIANS = numbavol.GaussianMixtureVolume([[0.0, 1.0, -1.0]], 3.0, 2.0)
GROUPS = numbavol.IndependentAtomVolume([[0.0, 1.0, -1.0]], numbavol.FourierGaussian(3.0, 160.0))


@pytest.mark.parametrize(
    ("volume", "render_fn"),
    [
        (GAUSSIANS, numbavol.GaussianMixtureRenderFn(SHAPE, VOXEL_SIZE, tolerance=1e-3)),
        (GROUPS, numbavol.FFTAtomRenderFn(SHAPE, VOXEL_SIZE, eps=1e-4)),
    ],
)
@pytest.mark.parametrize("outputs", [{}, {"outputs_real_space": False, "outputs_rfft": True}])
def test_a_volume_is_rendered_by_the_renderer_of_its_class(volume, render_fn, outputs) -> None:
    auto = numbavol.AutoVolumeRenderFn(SHAPE, VOXEL_SIZE, tolerance=1e-3, eps=1e-4)
    assert auto.choose(volume) == render_fn
    np.testing.assert_array_equal(auto(volume, **outputs), render_fn(volume, **outputs))
    if not outputs:
        options = {"tolerance": 1e-3, "eps": 1e-4}
        rendered = numbavol.render(volume, SHAPE, VOXEL_SIZE, **options)
        np.testing.assert_array_equal(rendered, render_fn(volume))


def test_precision_reaches_both_renderers() -> None:
    for volume in (GAUSSIANS, GROUPS):
        assert numbavol.render(volume, SHAPE, VOXEL_SIZE, dtype=np.float64).dtype == np.float64
        assert numbavol.render(volume, SHAPE, VOXEL_SIZE).dtype == np.float32


def test_what_makes_a_volume_is_not_rendered_and_the_error_says_how() -> None:
    ensemble = numbavol.EnsembleVolume([GAUSSIANS, GAUSSIANS])
    with pytest.raises(TypeError, match="got EnsembleVolume; its get_representation makes one"):
        numbavol.render(ensemble, SHAPE, 1.0)  # type: ignore[arg-type]
    assert numbavol.render(ensemble.get_representation(rng=0), SHAPE, 1.0).shape == SHAPE


def test_a_volume_of_voxels_has_no_renderer() -> None:
    volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
    with pytest.raises(TypeError, match=r"expected a GaussianMixtureVolume or .*RealVoxelGrid.*e$"):
        numbavol.render(volume, SHAPE, VOXEL_SIZE)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tolerance": 2.0}, "^tolerance: "), ({"eps": 0.0}, "^eps: "), ({"dtype": "i4"}, "^dtype: ")],
)
def test_wrong_options_are_named_before_there_is_a_volume(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        numbavol.AutoVolumeRenderFn(SHAPE, VOXEL_SIZE, **options)


def test_the_automatic_renderer_is_a_value() -> None:
    auto = numbavol.AutoVolumeRenderFn(list(SHAPE), VOXEL_SIZE)
    assert auto == numbavol.AutoVolumeRenderFn(SHAPE, VOXEL_SIZE)
    assert pickle.loads(pickle.dumps(auto)) == auto
    assert hash(dataclasses.replace(auto, eps=1e-3)) != hash(auto)


@pytest.mark.parametrize(
    "output_type",
    [
        numbavol.FourierVoxelGridVolume,
        numbavol.FourierVoxelSplineVolume,
        numbavol.RealVoxelGridVolume,
    ],
)
@pytest.mark.parametrize("volume", [GAUSSIANS, GROUPS])
def test_a_rendered_volume_holds_the_map_and_its_voxel_size(output_type, volume) -> None:
    auto = numbavol.AutoVolumeRenderFn(SHAPE, VOXEL_SIZE)
    held = numbavol.render_voxel_volume(volume, auto, output_type)
    assert held == output_type.from_real_voxel_grid(auto(volume), voxel_size=VOXEL_SIZE)
    assert held.voxel_size == VOXEL_SIZE


def test_options_reach_the_volume_of_voxels() -> None:
    auto = numbavol.AutoVolumeRenderFn(SHAPE, 1.0)
    held = numbavol.render_voxel_volume(
        GAUSSIANS, auto, numbavol.FourierVoxelGridVolume, pad_scale=2.0
    )
    assert held.shape == (20, 22, 24)


def test_only_atoms_become_volumes_of_voxels() -> None:
    auto = numbavol.AutoVolumeRenderFn(SHAPE, 1.0)
    voxels = numbavol.render_voxel_volume(GAUSSIANS, auto, numbavol.RealVoxelGridVolume)
    with pytest.raises(TypeError, match="atom_volume: expected a volume of atoms, got RealVoxel"):
        numbavol.render_voxel_volume(voxels, auto, numbavol.RealVoxelGridVolume)
    with pytest.raises(TypeError, match="output_type: expected a class of voxel volumes"):
        numbavol.render_voxel_volume(GAUSSIANS, auto, numbavol.GaussianMixtureVolume)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_averages_that_agree_do(tolerance: float) -> None:
    # The narrowest Gaussian that is said to agree, and one that is not.
    narrowest = -np.log(tolerance) / (2 * (np.pi * 0.5) ** 2)
    errors = []
    for variance in (narrowest * 1.001, narrowest * 0.5):
        volume = numbavol.GaussianMixtureVolume([[0.3, 0.1, -0.4]], 1.0, variance)
        factor = numbavol.FourierGaussian(1.0, variance * 8 * np.pi**2)
        same = numbavol.IndependentAtomVolume([[0.3, 0.1, -0.4]], factor)
        one = numbavol.GaussianMixtureRenderFn((24,) * 3, 1.0, tolerance=0, dtype=np.float64)
        other = numbavol.FFTAtomRenderFn((24,) * 3, 1.0, eps=1e-10, dtype=np.float64)
        difference = np.linalg.norm(one(volume) - other(same)) / np.linalg.norm(one(volume))
        errors.append((difference, costs.averages_agree(volume, 1.0, tolerance)))
    (agreeing, is_agreeing), (differing, is_differing) = errors
    assert (is_agreeing, is_differing) == (True, False)
    assert agreeing <= tolerance
    assert differing > agreeing


def test_predictions_grow_with_the_work() -> None:
    wide = numbavol.GaussianMixtureVolume(np.zeros((10, 3)), 1.0, 20.0)
    narrow = numbavol.GaussianMixtureVolume(np.zeros((10, 3)), 1.0, 1.0)
    predict = costs.predict_gaussian_mixture
    assert predict(wide, 1.0, 5.0) > predict(narrow, 1.0, 5.0) < predict(narrow, 0.5, 5.0)
    predict_fft = costs.predict_fft_atoms
    smallest = predict_fft((64, 64, 64), 1, 100, 1e-3)
    assert predict_fft((128, 64, 64), 1, 100, 1e-3) > 1.5 * smallest
    assert predict_fft((64, 64, 64), 2, 200, 1e-3) == pytest.approx(2 * smallest)
    # Double precision.
    assert predict_fft((64, 64, 64), 1, 100, 1e-6) > 1.5 * smallest
