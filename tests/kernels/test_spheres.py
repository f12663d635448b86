"""Distances from spheres, against every distance."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numbavol.kernels.dispatch import find_kernel

lower_to_distances = find_kernel("lower_to_distances", "cpu")


def draw_spheres(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-2, 6, (n, 3)), rng.uniform(0, 2, n), rng.uniform(0.4, 1.2, 3)


@given(
    st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 5), st.integers(0, 999), st.floats(0.0, 6.0)
)
def test_points_in_reach_have_the_distance_from_the_nearest_sphere(
    shape: tuple[int, int, int], n: int, seed: int, reach: float
) -> None:
    centers, radii, steps = draw_spheres(seed, n)
    distances = np.full(shape, 7.5, np.float32)
    lower_to_distances(distances, centers, radii, reach, steps, 0, shape[0])
    points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)[..., ::-1] * steps
    from_centers = np.linalg.norm(points[..., np.newaxis, :] - centers, axis=-1)
    # Whether a point is in reach is decided by the last bit where it is just that far.
    for slack in (-1e-9, 1e-9):
        values = np.where(from_centers <= reach + slack, from_centers - radii, 7.5)
        expected = np.minimum(values.min(axis=-1, initial=7.5), 7.5)
        if np.allclose(distances, expected, rtol=0, atol=2e-6):
            return
    raise AssertionError


def test_only_the_planes_asked_for_are_lowered() -> None:
    centers, radii, steps = draw_spheres(0, 4)
    whole, parts = (np.full((6, 5, 4), np.inf, np.float32) for _ in range(2))
    lower_to_distances(whole, centers, radii, 9.0, steps, 0, 6)
    lower_to_distances(parts, centers, radii, 9.0, steps, 2, 4)
    np.testing.assert_array_equal(parts[2:4], whole[2:4])
    assert np.isinf(parts[:2]).all()
    assert np.isinf(parts[4:]).all()
    lower_to_distances(parts, centers, radii, 9.0, steps, 0, 2)
    lower_to_distances(parts, centers, radii, 9.0, steps, 4, 6)
    np.testing.assert_array_equal(parts, whole)
