"""Images formed on CUDA, a card or Numba's simulator of one, against those of the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol import CTF, Detector, DetectorCurve, ImageFormation, NoiseSpectrum
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing

MISSING = describe_what_is_missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

CONTRAST = np.random.default_rng(0).normal(0.0, 0.3, (3, 6, 7)).astype(np.float32)
DETECTOR = Detector(DetectorCurve([0.0, 0.5], [1.0, 0.4]), DetectorCurve([0.0, 0.5], [0.9, 0.4]))
TILTED = CTF([9000.0, 1e4, 1.1e4], beam_tilt_in_milliradians=(1.0, 0.5))


@pytest.mark.parametrize(
    ("ctf", "formation"),
    [
        (None, ImageFormation(noise=NoiseSpectrum.white(1.0))),
        (CTF(9000.0), ImageFormation()),
        (TILTED, ImageFormation(ice=numbavol.VitreousIce(200.0))),
        (TILTED, ImageFormation("weak_phase", detector=DETECTOR, dose=20.0)),
    ],
    ids=["noise", "ctf", "ice and tilt", "counts"],
)
def test_images_are_formed_where_projections_are(ctf, formation):
    device = find_device("cuda")
    expected = numbavol.form_images(CONTRAST, 1.5, ctf, formation, seed=3)
    made = numbavol.form_images(device.send(CONTRAST), 1.5, ctf, formation, seed=3)
    assert isinstance(made, type(device.send(CONTRAST)))
    # Counts differ by what the filters after them round.
    np.testing.assert_allclose(device.fetch(made), expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("at_a_time", [1, 2**23])
def test_electrons_are_counted_where_contrast_is(monkeypatch, at_a_time):
    monkeypatch.setattr("numbavol.imaging.detector.PIXELS_AT_A_TIME_ON_CUDA", at_a_time)
    device = find_device("cuda")
    expected = DETECTOR.expose(CONTRAST, 1.5, 20.0, seed=1, numbers=range(3))
    made = DETECTOR.expose(device.send(CONTRAST), 1.5, 20.0, seed=1, numbers=range(3))
    np.testing.assert_allclose(device.fetch(made), expected, rtol=1e-6)


def test_what_cannot_be_exposed_on_cuda_is_named():
    wrong = CONTRAST.copy()
    wrong[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="contrast_images: expected finite values, image 1 has"):
        Detector().expose(find_device("cuda").send(wrong), 1.5, 20.0, seed=1, numbers=range(3))
