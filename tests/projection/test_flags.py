"""Flags are True or False: a word like "no" would be taken for True."""

from __future__ import annotations

import pytest

import numbavol

FLAGS = [
    (numbavol.GaussianMixtureProjection, {}, "antialias"),
    (numbavol.FFTAtomProjection, {}, "antialias"),
    (numbavol.FourierSliceExtraction, {}, "outputs_integral"),
    (numbavol.EwaldSphereExtraction, {}, "outputs_integral"),
    (numbavol.FFTAtomRenderFn, {"shape": (4, 4, 4), "voxel_size": 1.0}, "antialias"),
    (numbavol.FFTAtomRenderFn, {"shape": (4, 4, 4), "voxel_size": 1.0}, "periodic"),
]


@pytest.mark.parametrize(("kind", "options", "flag"), FLAGS)
def test_flags_are_true_or_false(kind, options, flag):
    with pytest.raises(TypeError, match=f"{flag}: expected True or False, got 'no'"):
        kind(**options, **{flag: "no"})
    for value in (True, False):
        assert getattr(kind(**options, **{flag: value}), flag) is value


@pytest.mark.parametrize("flag", ["outputs_real_space", "outputs_rfft", "fftshifted"])
@pytest.mark.parametrize(
    "renderer",
    [numbavol.GaussianMixtureRenderFn, numbavol.FFTAtomRenderFn, numbavol.AutoVolumeRenderFn],
)
def test_flags_of_every_renderers_call_are_true_or_false(renderer, flag):
    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    with pytest.raises(TypeError, match=f"{flag}: expected True or False, got 'no'"):
        renderer((4, 4, 4), 1.0)(volume, **{flag: "no"})
