"""Maps made of images on CUDA, a card or Numba's simulator of one, against those of the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.kernels.finding import describe_what_is_missing

MISSING = describe_what_is_missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]


@pytest.mark.parametrize("angles", [(0.0, -180.0, 0.0), (90.0, 90.0, 0.0), (-180.0, 0.0, -180.0)])
def test_slices_along_the_axes_are_inserted_whole(angles):
    """They lie on the borders of bricks, but for rounding."""
    image = np.random.default_rng(0).standard_normal((16, 16))
    poses = numbavol.EulerAnglePose.from_relion_angles(*angles)
    expected, made = (
        numbavol.backproject(image, poses, 1.5, dtype=np.float64, device=d) for d in ("cpu", "cuda")
    )
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("symmetry", ["C1", "C2"])
@pytest.mark.parametrize("side", [5, 6])
def test_a_map_is_the_same_on_every_device(side, symmetry):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, side, side)).astype(np.float32)
    poses = numbavol.draw_random_poses(4, rng)
    options = {
        "ctf": numbavol.CTF([9000.0, 1e4, 1.1e4, 1.2e4], beam_tilt_in_milliradians=(1.0, 0.0)),
        "noise_spectrum": numbavol.NoiseSpectrum.white(1.0),
        "signal_to_noise": 0.5,
        "symmetry": symmetry,
    }
    expected = numbavol.backproject(images, poses, 1.5, **options)
    made = numbavol.backproject(images, poses, 1.5, device="cuda", **options)
    np.testing.assert_allclose(made, expected, rtol=0, atol=2e-5 * np.abs(expected).max())
