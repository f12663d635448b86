"""What a dose leaves of signal, against values of the publication and sums over frames."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol import DoseWeighting, compute_critical_exposure, compute_dose_filter

SHAPE, PIXEL_SIZE = (6, 9), 1.2

weightings = st.builds(
    DoseWeighting,
    dose_per_frame=st.floats(0.05, 20.0),
    n_frames=st.integers(1, 30),
    voltage_in_kilovolts=st.sampled_from([300.0, 200.0, 100.0]),
    pre_exposure=st.floats(0.0, 20.0),
)


def critical_exposure(k: float, voltage: float) -> float:
    at_300 = 0.24499 * k**-1.6649 + 2.8141
    return {300.0: 1.0, 200.0: 0.8, 100.0: 0.64}[voltage] * at_300


def frequencies() -> list[tuple[tuple[int, int], float]]:
    half = (SHAPE[0], SHAPE[1] // 2 + 1)
    return [
        (index, naive.frequency_radius(*index, SHAPE, PIXEL_SIZE)) for index in np.ndindex(half)
    ]


@pytest.mark.parametrize(
    ("resolution", "exposure"),
    # Of the publication's curve, 0.245 k^-1.665 + 2.81, rounded.
    [(3.0, 4.34), (5.0, 6.38), (10.0, 14.14), (20.0, 38.72)],
)
def test_exposures_are_those_of_the_publication(resolution: float, exposure: float) -> None:
    assert compute_critical_exposure(1 / resolution) == pytest.approx(exposure, rel=0.002)
    rounded = 0.245 * resolution**1.665 + 2.81
    assert compute_critical_exposure(1 / resolution) == pytest.approx(rounded, rel=0.002)


@pytest.mark.parametrize(("voltage", "share"), [(300, 1.0), (200.0, 0.8), (np.float32(100), 0.64)])
def test_slower_electrons_do_more_harm(voltage: float, share: float) -> None:
    k = np.array([[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_allclose(
        compute_critical_exposure(k, voltage), share * compute_critical_exposure(k), rtol=1e-12
    )


@given(dose=st.floats(0.0, 200.0), voltage=st.sampled_from([300.0, 200.0, 100.0]))
def test_the_filter_leaves_one_over_e_of_the_power_after_the_critical_exposure(
    dose: float, voltage: float
) -> None:
    left = compute_dose_filter(dose, SHAPE, PIXEL_SIZE, voltage)
    assert left.shape == (6, 5)
    assert left[0, 0] == 1.0
    for index, k in frequencies()[1:]:
        assert left[index] ** 2 == pytest.approx(math.exp(-dose / critical_exposure(k, voltage)))


@given(weighting=weightings)
def test_weights_are_filters_that_keep_the_noise(weighting: DoseWeighting) -> None:
    filters = [
        compute_dose_filter(
            weighting.pre_exposure + (i + 1) * weighting.dose_per_frame, SHAPE, PIXEL_SIZE,
            weighting.voltage_in_kilovolts,
        )
        for i in range(weighting.n_frames)
    ]  # fmt: skip
    weights = weighting.evaluate_weights(SHAPE, PIXEL_SIZE)
    np.testing.assert_allclose(weights, filters / np.sqrt(np.sum(np.square(filters), 0)), rtol=1e-9)
    np.testing.assert_allclose(np.sum(weights**2, axis=0), 1.0, rtol=1e-12)


@given(weighting=weightings)
def test_an_envelope_is_the_sum_of_what_frames_have_of_the_signal(
    weighting: DoseWeighting,
) -> None:
    n_steps = 200
    weights = weighting.evaluate_weights(SHAPE, PIXEL_SIZE)
    weighted = weighting.evaluate_envelope(SHAPE, PIXEL_SIZE)
    plain = weighting.evaluate_envelope(SHAPE, PIXEL_SIZE, is_weighted=False)
    for index, k in frequencies():
        signals = []
        for i in range(weighting.n_frames):
            doses = weighting.pre_exposure + weighting.dose_per_frame * (
                i + (np.arange(n_steps) + 0.5) / n_steps
            )
            critical = critical_exposure(k, weighting.voltage_in_kilovolts) if k else math.inf
            signals.append(np.mean(np.exp(-doses / (2 * critical))))
        # Relative to frames without damage, of which all weights are 1 / sqrt(n).
        whole = math.sqrt(weighting.n_frames)
        assert weighted[index] == pytest.approx(
            np.dot(weights[(slice(None), *index)], signals) / whole, rel=1e-3
        )
        assert plain[index] == pytest.approx(np.mean(signals), rel=1e-3)


@given(weighting=weightings)
def test_no_sum_has_more_signal_than_the_weighted_one(weighting: DoseWeighting) -> None:
    weighted = weighting.evaluate_envelope(SHAPE, PIXEL_SIZE)
    plain = weighting.evaluate_envelope(SHAPE, PIXEL_SIZE, is_weighted=False)
    assert np.all(plain <= weighted * (1 + 1e-12))
    assert np.all(weighted <= 1 + 1e-12)
    assert weighted[0, 0] == plain[0, 0] == 1.0


def test_the_sum_of_all_frames_does_not_depend_on_how_many_there_are() -> None:
    envelopes = [
        DoseWeighting(50.0 / n, n).evaluate_envelope(SHAPE, PIXEL_SIZE, is_weighted=False)
        for n in (1, 7, 50)
    ]
    np.testing.assert_allclose(envelopes[1:], [envelopes[0]] * 2, rtol=1e-12)


def test_weights_are_known_where_no_signal_is_left() -> None:
    weights = DoseWeighting(1.0, 3, pre_exposure=1e6).evaluate_weights(SHAPE, PIXEL_SIZE)
    np.testing.assert_allclose(np.sum(weights**2, axis=0), 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dose_per_frame": 0.0}, "dose_per_frame: expected a finite number above 0, got 0"),
        ({"n_frames": 0}, "n_frames: expected a whole number above 0, got 0"),
        ({"n_frames": 2.5}, "n_frames: expected a whole number above 0, got 2.5"),
        ({"n_frames": True}, "n_frames: expected a whole number above 0, got True"),
        ({"pre_exposure": -1.0}, "pre_exposure: expected a number of at least 0"),
        ({"voltage_in_kilovolts": 120.0}, "voltage_in_kilovolts: .* 300, 200 and 100 kV, got 120"),
    ],
    ids=["dose", "none", "fraction", "bool", "before", "voltage"],
)
def test_what_is_no_exposure_is_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DoseWeighting(**{"dose_per_frame": 1.0, "n_frames": 2, **options})


def test_what_has_no_critical_exposure_is_named() -> None:
    with pytest.raises(ValueError, match=r"frequency: expected numbers of at least 0, got -0\.1"):
        compute_critical_exposure([0.1, -0.1])
    with pytest.raises(ValueError, match="voltage_in_kilovolts"):
        compute_critical_exposure(0.1, 80.0)
    with pytest.raises(ValueError, match="dose: expected a number of at least 0"):
        compute_dose_filter(-1.0, SHAPE, PIXEL_SIZE)
