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
