"""What a change of the input does to a map, and what changes nothing."""

from __future__ import annotations

import itertools
import math

import naive
import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from strategies import Scene, make_scene, scenes

import numbavol
from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume
from numbavol.rendering import gaussian_mixture, render_gaussian_mixture

# Of the highest voxel: two ways to one value, each with the error that test_accuracy.py allows.
ROUNDING = {np.float32: 2e-6, np.float64: 2e-12}
# Sums in another order: an addition of float32 rounds by 6e-8, and there are at most 48.
ROUNDING_OF_SUMS = {np.float32: 48 * 6e-8, np.float64: 48 * 1.1e-16}

whole_steps = st.tuples(*[st.integers(-5, 5)] * 3)
# In 64ths of a voxel, so that moving by whole voxels is exact in float64.
exact_positions = st.tuples(*[st.integers(-64, 64).map(lambda i: i / 64)] * 3)


def assert_close(actual, expected, scene, rounding=ROUNDING):
    """To rounding of the highest voxel of a scene."""
    atol = rounding[actual.dtype.type] * scene.compute_highest_voxel()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


def crop(array, shape):
    """Keep the middle: voxel n // 2 becomes voxel m // 2."""
    starts = [n // 2 - m // 2 for n, m in zip(array.shape, shape, strict=True)]
    return array[tuple(slice(s, s + m) for s, m in zip(starts, shape, strict=True))]


@given(
    scenes(
        shapes=st.tuples(st.integers(28, 31), st.integers(28, 31), st.integers(64, 67)),
        voxel_sizes=strategies.exact_voxel_sizes,
        n_positions=st.just(1),
        widths=st.floats(0.1, 1.0),
    ),
    exact_positions,
    whole_steps,
    strategies.dtypes,
    st.sampled_from([1e-6, 1e-2]),
)
def test_moving_one_position_by_whole_voxels_moves_every_bit(scene, start, steps, dtype, tolerance):
    voxel_size = scene.voxel_sizes
    # No Gaussian is wider than the shortest side of a voxel: a window reaches 5.6 voxels to either
    # side, and with start and steps to 11.6 from the middle. Rows are long enough for whole lanes.
    scene = scene.replace(variances=np.minimum(scene.variances, voxel_size.min() ** 2))
    before = scene.replace(positions=np.array([start]) * voxel_size)
    after = scene.replace(positions=np.add([start], steps) * voxel_size)
    moved = np.roll(before.render(tolerance=tolerance, dtype=dtype), steps[::-1], axis=(0, 1, 2))
    # Nothing comes near the border: what is rolled in is 0.
    np.testing.assert_array_equal(after.render(tolerance=tolerance, dtype=dtype), moved)


@given(
    scenes(voxel_sizes=strategies.exact_voxel_sizes, where=("inside",)),
    whole_steps,
    strategies.dtypes,
)
def test_moving_all_positions_by_whole_voxels_moves_the_map(scene, steps, dtype):
    moved = scene.replace(positions=scene.positions + np.array(steps) * scene.voxel_sizes)
    before, after = (s.render(tolerance=0, dtype=dtype) for s in (scene, moved))
    # Voxels that were in the map before and after.
    indices = [np.arange(n) for n in scene.shape]
    stay = [i[np.isin(i + step, i)] for i, step in zip(indices, steps[::-1], strict=True)]
    before = before[np.ix_(*stay)]
    after = after[np.ix_(*[i + step for i, step in zip(stay, steps[::-1], strict=True)])]
    assert_close(after, before, scene)


@given(scenes(), strategies.shapes, strategies.dtypes, strategies.tolerances)
@example(
    # The last voxels of the smaller map's rows end a row of 16 that begins before the window.
    make_scene((6, 6, 40), (5.0, 0, 0), 1.0),
    (6, 6, 16),
    np.float32,
    1e-6,
)
def test_a_smaller_map_is_the_middle_of_a_larger(scene, smaller, dtype, tolerance):
    smaller = tuple(np.minimum(smaller, scene.shape).tolist())
    large = scene.render(dtype=dtype, tolerance=tolerance)
    small = scene.replace(shape=smaller).render(dtype=dtype, tolerance=tolerance)
    assert_close(small, crop(large, smaller), scene)


def turn_quarter_about_x(array):
    return np.swapaxes(array[::-1], 0, 1)


def turn_quarter_about_y(array):
    return np.swapaxes(array[:, :, ::-1], 0, 2)


def turn_quarter_about_z(array):
    return np.swapaxes(array[:, ::-1], 1, 2)


@pytest.mark.parametrize(
    ("rotation", "turn", "order"),
    [
        (naive.rotation_x, turn_quarter_about_x, [0, 2, 1]),
        (naive.rotation_y, turn_quarter_about_y, [2, 1, 0]),
        (naive.rotation_z, turn_quarter_about_z, [1, 0, 2]),
    ],
    ids="xyz",
)
@given(scene=scenes(shapes=strategies.odd_shapes, where=("inside", "beside")), data=st.data())
def test_a_quarter_turn_of_the_positions_swaps_axes(rotation, turn, order, scene, data):
    dtype = data.draw(strategies.dtypes)
    tolerance = data.draw(st.sampled_from([0, 1e-6]))
    turned = scene.replace(
        # The cosine of 90 degrees is 6e-17.
        positions=scene.positions @ np.rint(rotation(90)).T,
        voxel_size=tuple(scene.voxel_sizes[order].tolist()),
        shape=turn(np.empty(scene.shape)).shape,
    )
    rendered = turned.render(dtype=dtype, tolerance=tolerance)
    assert_close(rendered, turn(scene.render(dtype=dtype, tolerance=tolerance)), scene)


@given(scenes(), strategies.dtypes, st.sampled_from([2.0, -1.0, -0.25, 1024.0]))
def test_a_power_of_two_times_the_amplitudes_multiplies_every_bit(scene, dtype, factor):
    once = scene.render(dtype=dtype)
    multiplied = scene.replace(amplitudes=factor * scene.amplitudes).render(dtype=dtype)
    # Every bit of any value above 1e-22; tails below 1e-38 have fewer bits in float32.
    np.testing.assert_allclose(multiplied, factor * once, rtol=0, atol=1e-30)


@given(scenes(), st.floats(-3, 3), strategies.dtypes)
def test_a_multiple_of_the_amplitudes_is_a_multiple_of_the_map(scene, factor, dtype):
    multiplied = scene.replace(amplitudes=factor * scene.amplitudes)
    highest = scene.replace(amplitudes=3 * scene.amplitudes)
    expected = dtype(factor) * scene.render(dtype=dtype)
    assert_close(multiplied.render(dtype=dtype), expected, highest)


@given(scenes(), st.integers(0, 6), strategies.dtypes, strategies.tolerances)
def test_the_map_of_a_union_is_the_sum_of_the_maps(scene, n_first, dtype, tolerance):
    def render(part):
        some = scene.replace(
            positions=scene.positions[part],
            amplitudes=scene.amplitudes[part],
            variances=scene.variances[part],
        )
        return some.render(dtype=dtype, tolerance=tolerance)

    parts = render(slice(n_first)) + render(slice(n_first, None))
    assert_close(render(slice(None)), parts, scene, ROUNDING_OF_SUMS)


@given(scenes(), st.randoms(), strategies.dtypes, strategies.tolerances)
def test_the_order_of_positions_changes_rounding_only(scene, random, dtype, tolerance):
    order = random.sample(range(len(scene.positions)), len(scene.positions))
    reordered = scene.replace(
        positions=scene.positions[order],
        amplitudes=scene.amplitudes[order],
        variances=scene.variances[order],
    )
    expected = scene.render(dtype=dtype, tolerance=tolerance)
    rendered = reordered.render(dtype=dtype, tolerance=tolerance)
    assert_close(rendered, expected, scene, ROUNDING_OF_SUMS)


@given(scenes(n_gaussians=st.sampled_from([2, 5, 6, 7])), strategies.dtypes)
def test_gaussians_of_one_position_are_gaussians_at_equal_positions(scene, dtype):
    k = scene.amplitudes.shape[1]
    apart = scene.replace(
        positions=np.repeat(scene.positions, k, axis=0),
        amplitudes=scene.amplitudes.reshape(-1, 1),
        variances=scene.variances.reshape(-1, 1),
    )
    expected = apart.render(dtype=dtype, tolerance=0)
    assert_close(scene.render(dtype=dtype, tolerance=0), expected, scene, ROUNDING_OF_SUMS)


@given(scenes(n_gaussians=st.sampled_from([1, 5, 6, 7])), strategies.dtypes)
def test_gaussians_of_amplitude_zero_change_nothing(scene, dtype):
    nothing = np.zeros((len(scene.positions), 1))
    more = scene.replace(
        amplitudes=np.hstack([scene.amplitudes, nothing]),
        variances=np.hstack([scene.variances, nothing + 1]),
    )
    expected = scene.render(dtype=dtype, tolerance=0)
    assert_close(more.render(dtype=dtype, tolerance=0), expected, scene, ROUNDING_OF_SUMS)


# Without its compiler Numba's kernels take a second for these.
N_ATOMS = 40


def make_crowd(shape, k, n=N_ATOMS):
    rng = np.random.default_rng(7)
    sides = np.array(shape[::-1])
    positions = rng.uniform(-sides / 2 - 2, sides / 2 + 2, (n, 3))
    return GaussianMixtureVolume(positions, rng.normal(size=(n, k)), rng.uniform(0.3, 6, (n, k)))


@pytest.mark.usefixtures("_number_of_threads_is_restored")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "k"), [((33, 17, 40), 5), ((5, 18, 21), 7), ((1, 30, 30), 1), ((2, 1, 1), 2)], ids=str
)
def test_the_number_of_threads_changes_no_bit(shape, k, dtype, monkeypatch):
    volume = make_crowd(shape, k)
    render_fn = GaussianMixtureRenderFn(shape, 1.0, dtype=dtype)
    maps, n_slabs = [], []
    monkeypatch.setattr(gaussian_mixture, "MOST_IN_SINGLE_PRECISION", np.inf)
    for n_threads, longest in [(1, np.inf), (2, np.inf), (3, np.inf), (7, np.inf), (2, 1e-9)]:
        numbavol.set_num_threads(n_threads)
        monkeypatch.setattr(gaussian_mixture, "LONGEST_TASK_IN_SECONDS", longest)
        reports = []
        maps.append(render_gaussian_mixture(render_fn, volume, lambda *r, to=reports: to.append(r)))
        n_slabs.append(len(reports))
        assert reports == [(done, len(reports)) for done in range(1, len(reports) + 1)]
    # The work was in fact divided, into as many parts as there are threads and planes for.
    expected = [1, 2, 3, 7, shape[0]]
    assert all(a <= min(b, shape[0]) for a, b in zip(n_slabs, expected, strict=True))
    assert n_slabs[0] == 1
    assert shape[0] < 10 or n_slabs[1:4] == [2, 3, 7]
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])


@pytest.mark.usefixtures("_number_of_threads_is_restored")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scenes(), st.integers(2, 9), strategies.dtypes, strategies.tolerances)
def test_no_scene_depends_on_the_number_of_threads(scene, n_threads, dtype, tolerance):
    numbavol.set_num_threads(1)
    alone = scene.render(dtype=dtype, tolerance=tolerance)
    numbavol.set_num_threads(n_threads)
    np.testing.assert_array_equal(scene.render(dtype=dtype, tolerance=tolerance), alone)


@given(scenes(), st.data(), strategies.dtypes, strategies.tolerances)
def test_the_planes_worked_on_together_change_no_bit(scene, data, dtype, tolerance):
    expected = scene.render(dtype=dtype, tolerance=tolerance)
    size = data.draw(st.integers(1, scene.shape[0]))
    rendered = scene.render(dtype=dtype, tolerance=tolerance, batch_options={"batch_size": size})
    np.testing.assert_array_equal(rendered, expected)


@given(scenes(), st.data(), strategies.dtypes, strategies.tolerances)
def test_groups_of_positions_change_rounding_only(scene, data, dtype, tolerance):
    expected = scene.render(dtype=dtype, tolerance=tolerance)
    batch_options = {"n_batches": data.draw(st.integers(1, len(scene.positions)))}
    if data.draw(st.booleans()):
        batch_options["batch_size"] = data.draw(st.integers(1, scene.shape[0]))
    rendered = scene.render(dtype=dtype, tolerance=tolerance, batch_options=batch_options)
    assert_close(rendered, expected, scene, ROUNDING_OF_SUMS)


def test_batches_are_as_many_as_asked_for():
    shape = (10, 4, 4)
    volume = make_crowd(shape, 1)
    for batch_size in (1, 3, 10):
        render_fn = GaussianMixtureRenderFn(shape, 1.0, batch_options={"batch_size": batch_size})
        reports = []
        render_gaussian_mixture(render_fn, volume, lambda *r, to=reports: to.append(r))
        assert reports[-1] == (math.ceil(10 / batch_size),) * 2


def test_two_halves_of_a_voxel_average_to_the_voxel():
    # Voxels of 2 A, and the same eighths by voxels of 1 A, whose grid is half a voxel further on.
    rng = np.random.default_rng(3)
    positions = rng.uniform(-6, 6, (5, 3))
    amplitudes, variances = rng.normal(size=(5, 2)), rng.uniform(0.05, 9, (5, 2))
    coarse = Scene((6, 7, 8), 2.0, positions, amplitudes, variances)
    fine = coarse.replace(shape=(12, 14, 16), voxel_size=1.0)
    # Six voxels begin at -7, twelve halves at -6.5; seven begin at -7, fourteen halves at -7.5.
    fine = fine.replace(positions=positions + np.array([0.5, -0.5, 0.5]))
    halves = fine.render(tolerance=0, dtype=np.float64)
    averaged = sum(halves[z::2, y::2, x::2] for z, y, x in itertools.product(range(2), repeat=3))
    assert_close(coarse.render(tolerance=0, dtype=np.float64), averaged / 8, coarse)
