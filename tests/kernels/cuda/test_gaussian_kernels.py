"""Gaussians on CUDA against the CPU and loops that anyone can check: maps, images and grids."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import cuda
from strategies import Scene, make_scene, scenes

from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume
from numbavol.kernels.cuda import gaussians, map_profiles, map_terms
from numbavol.kernels.cuda.launch import THREADS_A_BLOCK, launch_for_each
from numbavol.kernels.cuda.map_profiles import PART
from numbavol.kernels.cuda.warps import WARP
from numbavol.kernels.dispatch import find_device, find_kernel
from numbavol.kernels.jit import cuda_kernel
from numbavol.rendering.slabs import BLOCK_NUMBER
from numbavol.rendering.windows import MOST_FUSED_GAUSSIANS, reach_in_deviations

pytestmark = pytest.mark.cuda

REAL = [np.float32, np.float64]
# Of the highest value: some roundings of the profiles, in float64 those of the naive error function
# as well.
TOLERANCES = {np.float32: 3e-6, np.float64: 1e-12}
SHAPE = (3, 2, 5)
# Loops of Python over more, as many as blocks of a card have threads, take minutes.
MOST_FOR_LOOPS = 100
# Numba's simulator takes a tenth of a second for a block.
few = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
small_shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))


def draw_scene(rng, n, k, shape=SHAPE, voxel_size=1.0, spread=1.0, width=(0.5, 1.5)):
    """Gaussians in and beside a map."""
    sides = np.array(shape[::-1]) * voxel_size
    return Scene(
        shape=shape,
        voxel_size=voxel_size,
        positions=spread * rng.uniform(-0.7, 0.7, (n, 3)) * sides,
        amplitudes=rng.uniform(-1.0, 2.0, (n, k)),
        variances=rng.uniform(*width, (n, k)) ** 2,
    )


def check_rendering(scene, dtype, **options):
    on_cuda = scene.render(dtype=dtype, device="cuda", tolerance=0.0, **options)
    assert on_cuda.dtype == dtype
    assert on_cuda.shape == scene.shape
    if len(scene.positions) <= MOST_FOR_LOOPS:
        on_cpu = scene.render(dtype=dtype, device="cpu", tolerance=0.0, **options)
        expected, highest = scene.compute(), scene.compute_highest_voxel()
        tolerance = TOLERANCES[dtype] * highest
        np.testing.assert_allclose(on_cuda, on_cpu, rtol=0, atol=tolerance)
    else:
        expected, positive = (
            each.render(dtype=np.float64, device="cpu", tolerance=0.0)
            for each in (scene, scene.replace(amplitudes=np.abs(scene.amplitudes)))
        )
        tolerance = TOLERANCES[dtype] * positive.max()
    np.testing.assert_allclose(on_cuda, expected, rtol=0, atol=tolerance)
    return on_cuda


@few
@given(
    scenes(
        shapes=small_shapes,
        n_positions=st.integers(1, 3),
        n_gaussians=st.sampled_from([1, 2, 6, 7]),
    ),
    st.sampled_from(REAL),
)
def test_maps(scene, dtype):
    check_rendering(scene, dtype)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("position", [(0.0, 0.0, 0.0), (0.5, -0.5, 1.5), (0.3, -1.2, 0.7)])
def test_one_atom(position, dtype):
    check_rendering(make_scene(SHAPE, position, [1.0]), dtype)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("k", [1, MOST_FUSED_GAUSSIANS, MOST_FUSED_GAUSSIANS + 1])
def test_some_gaussians_a_position(rng, k, dtype):
    check_rendering(draw_scene(rng, 2, k, (2, 2, 4)), dtype)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(
    "voxel_size", [(0.5, 1.0, 1.7), (1.0, 0.7, 1.0), (1.0, 0.7, 0.7), (0.7, 0.7, 1.0)]
)
def test_unequal_sides_of_voxels(rng, voxel_size, dtype):
    check_rendering(draw_scene(rng, 3, 2, voxel_size=voxel_size), dtype)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(
    "width", [0.01, 0.1, math.sqrt(0.5), 30.0, 3000.0], ids="width {} voxels".format
)
def test_sharp_and_wide_gaussians(rng, width, dtype):
    check_rendering(draw_scene(rng, 2, 1, (2, 3, 5), width=(width, width)), dtype)


@pytest.mark.parametrize("dtype", REAL)
def test_atoms_outside(rng, dtype):
    scene = draw_scene(rng, 6, 1)
    # One flank reaches in, and two are far away.
    scene.positions[:4] = [(-4.0, 0, 0), (0, 1e6, 0), (0, 0, -1e300), (30.0, 30.0, 30.0)]
    check_rendering(scene, dtype)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_gaussian_in_the_box(rng, n):
    scene = draw_scene(rng, n, 2)
    scene.positions[:] += 1000.0
    for output in ("host", "device"):
        found = GaussianMixtureRenderFn(SHAPE, 1.0, device="cuda")(scene.volume, output=output)
        np.testing.assert_array_equal(find_device("cuda").fetch(found), np.zeros(SHAPE))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(
    "n", [WARP, WARP + 1, THREADS_A_BLOCK, THREADS_A_BLOCK + 1, 3 * THREADS_A_BLOCK + 1]
)
def test_as_many_positions_as_a_block_has_threads_and_more(rng, n, dtype):
    check_rendering(draw_scene(rng, n, 1, (2, 2, 4)), dtype)


def test_many_positions_of_which_few_are_in_a_part(rng):
    n = 3 * THREADS_A_BLOCK
    scene = draw_scene(rng, n, 1, (2, 2, 4 * PART), width=(0.1, 0.2))
    check_rendering(scene, np.float32)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", ["MOST_PAIRS", "MOST_TERMS"])
@pytest.mark.parametrize("most", [1, 20])
def test_what_does_not_fit_into_memory_together(rng, k, dtype, name, most, monkeypatch):
    monkeypatch.setattr(map_profiles, name, most)
    n_batches = []

    def split(windows):
        batches = map_profiles.split(windows)
        n_batches.append(len(batches))
        return batches

    monkeypatch.setattr(gaussians, "split", split)
    # Some windows are as wide as the map, and some are narrow; some are of no voxel.
    shape = (3, 2, 2 * PART + 3)
    check_rendering(draw_scene(rng, 17, k, shape, spread=1.5, width=(0.3, 3.0)), dtype)
    assert min(n_batches) > 1


def find_windows_of(scene, first_plane=0, n_own=None):
    device, reach = find_device("cuda"), reach_in_deviations(1e-6, np.float64)
    centres, _, blocks = locate("cuda", scene, reach)
    k = scene.amplitudes.shape[1]
    mixture = map_profiles.Mixture(
        device.xp.argsort(blocks, kind="stable"), centres, device.send(scene.amplitudes),
        device.send(scene.variances), (1.0, 1.0, 1.0), (0,) * k,
    )  # fmt: skip
    own = (scene.shape[0] if n_own is None else n_own, *scene.shape[1:])
    return map_profiles.find_windows(mixture, own, first_plane, scene.shape[0], reach)


def test_windows_of_nothing_have_no_length(rng):
    # Below the planes, in them, above them, and beside the map.
    scene = draw_scene(rng, 4, 1, (3 * PART, 3, 4), width=(0.1, 0.1))
    scene.positions[:] = [(0, 0, -PART), (0, 0, 0.3), (0, 0, PART), (99.0, 0, 0)]
    windows = find_windows_of(scene, PART, PART)
    edges = find_device("cuda").fetch(windows.edges)
    first, end = edges & np.uint64(2**32 - 1), edges >> np.uint64(32)
    assert np.all(first <= end)
    np.testing.assert_array_equal(np.any(first == end, axis=0), [True, False, True, True])


@pytest.mark.parametrize("most_pairs", [7, 40, 10**6])
@pytest.mark.parametrize("most_terms", [1, 5, 10**6])
def test_batches_have_every_pair_and_term_once(rng, most_pairs, most_terms, monkeypatch):
    monkeypatch.setattr(map_profiles, "MOST_PAIRS", most_pairs)
    monkeypatch.setattr(map_profiles, "MOST_TERMS", most_terms)
    scene = draw_scene(rng, 13, 2, (3, PART + 1, 3 * PART), spread=1.2, width=(0.3, 3.0))
    scene.positions[-3:] += 1000.0
    windows = find_windows_of(scene)
    fetch = find_device("cuda").fetch
    pairs = fetch(windows.pair_begins)
    terms = fetch(windows.term_begins) - pairs[-1]
    batches = map_profiles.split(windows)
    n_pairs = n_terms = 0
    for batch in batches:
        assert batch.first < batch.end
        assert (batch.pairs_before, batch.terms_before - pairs[-1]) == (n_pairs, n_terms)
        n_pairs, n_terms = n_pairs + batch.n_pairs, n_terms + batch.n_terms
        assert (n_pairs, n_terms) == (pairs[batch.end], terms[batch.end])
        # No more than what is allowed without the last one, of which no part is left out.
        assert pairs[batch.end - 1] - batch.pairs_before <= most_pairs
        assert terms[batch.end - 1] + pairs[-1] - batch.terms_before <= most_terms
    assert (n_pairs, n_terms) == (pairs[-1], terms[-1])
    assert (len(batches) == 1) == (n_pairs <= most_pairs and n_terms <= most_terms)


def test_numbers_of_parts_fit_into_16_bits_where_they_have_no_more():
    assert np.iinfo(np.uint16).max >= map_terms.PARTS_IN_16_BITS - 1


def test_a_warp_has_whole_rounds_of_terms():
    assert WARP % gaussians.TERMS_AT_ONCE == 0


@pytest.mark.parametrize("most", [1, 2**16])
def test_terms_of_a_part_are_those_of_the_gaussians_that_reach_it(rng, most, monkeypatch):
    monkeypatch.setattr(map_terms, "PARTS_IN_16_BITS", most)
    shape = (PART, PART + 1, 2 * PART + 1)
    scene = draw_scene(rng, 9, 2, shape, spread=1.5, width=(0.3, 1.0))
    windows = find_windows_of(scene)
    fetch = find_device("cuda").fetch
    (batch,) = map_profiles.split(windows)
    n_z, n_y, n_x = map_terms.count_parts(shape)
    terms = map_terms.find_terms(batch, windows, (n_z, n_y, n_x))
    begins, order = fetch(terms.begins), fetch(terms.order)
    assert begins.size == n_z * n_y * n_x + 1
    assert (begins[0], begins[-1]) == (0, batch.n_terms)
    np.testing.assert_array_equal(np.sort(order), np.arange(batch.n_terms))
    places, pair_begins = fetch(terms.places), fetch(windows.pair_begins)
    edges, low = fetch(windows.edges), np.uint64(2**32 - 1)
    first, end = (edges & low).astype(int), (edges >> np.uint64(32)).astype(int)
    is_empty = np.any(first == end, axis=0)
    first, end = first // PART, -(-end // PART)
    for part, (start, stop) in enumerate(itertools.pairwise(begins)):
        of_part = part % n_x, part // n_x % n_y, part // (n_x * n_y)
        expected = []
        for number in range(first.shape[1]):
            lengths = end[:, number] - first[:, number]
            within = np.array(of_part) - first[:, number]
            if not is_empty[number] and np.all(within >= 0) and np.all(within < lengths):
                before = np.cumsum([0, *lengths[:2]])
                expected.append(pair_begins[number] + (before + within) * (PART // 2))
        # Along x, and in the upper half the steps from there, in parts.
        along_x, steps = np.divmod(places[order[start:stop]].astype(int), 2**32)[::-1]
        steps_z, steps_y = np.divmod(steps, 2**16)
        found = along_x + PART // 2 * np.stack([0 * steps, steps_y, steps_z])
        np.testing.assert_array_equal(found.T, np.reshape(expected, (-1, 3)))


@cuda_kernel
def join_and_split(places, joined, split):
    p = cuda.grid(1)
    if p < joined.size:
        joined[p] = map_terms.join_places(places[p, 0], places[p, 1], places[p, 2])
        split[p, 0], split[p, 1], split[p, 2] = map_terms.split_places(joined[p])


def test_places_of_a_term_are_kept_whole_up_to_the_longest_axes():
    most = map_terms.MOST_PARTS_OF_AXES * PART // 2
    steps = np.array([[0, 1, 2], [0, 1, most], [0, most, most], [7, 9, most // 2], [0, 0, 0]])
    places = (np.array([[3], [2**30], [0], [2**26], [5]]) + PART // 2 * (steps * 2 // PART)).astype(
        np.int32
    )
    device = find_device("cuda")
    joined = device.xp.zeros(len(places), np.uint64)
    split = device.xp.zeros(places.shape, np.int32)
    launch_for_each(join_and_split, len(places), device.send(places), joined, split)
    np.testing.assert_array_equal(device.fetch(split), places)


def test_a_map_whose_parts_a_term_cannot_count_is_an_error():
    shape = (1, 1, (map_terms.MOST_PARTS_OF_AXES - 1) * PART)
    volume = GaussianMixtureVolume(np.zeros((1, 3)), 1.0, 1.0)
    most, n_parts = map_terms.MOST_PARTS_OF_AXES, map_terms.MOST_PARTS_OF_AXES + 1
    message = rf"^shape: on CUDA, .* up to {most} parts of {PART} voxels .*, which has {n_parts}$"
    with pytest.raises(ValueError, match=message):
        GaussianMixtureRenderFn(shape, 1.0, device="cuda")(volume)


@pytest.mark.parametrize("options", [{"n_batches": 2}, {"batch_size": 1, "n_batches": 3}])
def test_batches(rng, options):
    scene = draw_scene(rng, 3, 2)
    batched = check_rendering(scene, np.float64, batch_options=options)
    np.testing.assert_allclose(batched, scene.render(dtype=np.float64, tolerance=0.0), atol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-6, 1e-2])
def test_what_is_left_out_is_the_same(rng, tolerance):
    scene = draw_scene(rng, 3, 2, (2, 2, 9))
    found, expected = (
        scene.render(dtype=np.float64, device=device, tolerance=tolerance)
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", REAL)
def test_a_map_is_the_same_to_the_bit_whenever_it_is_computed(rng, dtype):
    scene = draw_scene(rng, 2 * WARP + 1, 2, (2, 3, 4))
    render_fn = GaussianMixtureRenderFn(scene.shape, 1.0, dtype=dtype, device="cuda")
    np.testing.assert_array_equal(render_fn(scene.volume), render_fn(scene.volume))


def test_outputs(rng):
    volume = draw_scene(rng, 1, 1).volume
    render_fn = GaussianMixtureRenderFn(SHAPE, 1.0, device="cuda")
    on_host, on_device = render_fn(volume, output="host"), render_fn(volume, output="device")
    assert type(on_host) is np.ndarray
    assert not isinstance(on_device, np.ndarray)
    assert hasattr(on_device, "__cuda_array_interface__")
    np.testing.assert_array_equal(find_device("cuda").fetch(on_device), on_host)
    with pytest.raises(ValueError, match="output"):
        render_fn(volume, output="card")


@pytest.mark.parametrize("fftshifted", [False, True])
@pytest.mark.parametrize("outputs_rfft", [False, True])
@pytest.mark.parametrize("dtype", REAL)
def test_transforms(rng, dtype, outputs_rfft, fftshifted):
    scene = draw_scene(rng, 1, 1)
    options = {
        "outputs_real_space": False,
        "outputs_rfft": outputs_rfft,
        "fftshifted": fftshifted,
    }
    found, expected = (
        GaussianMixtureRenderFn(SHAPE, 1.0, dtype=dtype, device=device)(scene.volume, **options)
        for device in ("cuda", "cpu")
    )
    assert found.dtype == expected.dtype
    tolerance = TOLERANCES[dtype] * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def locate(device_name, scene, reach):
    device = find_device(device_name)
    n = len(scene.positions)
    located = (
        device.xp.zeros((n, 3)),
        device.xp.zeros((n, 2), np.int64),
        device.xp.zeros(n, BLOCK_NUMBER),
    )
    find_kernel("locate_gaussians", device_name)(
        device.send(scene.positions), device.send(scene.variances), scene.voxel_sizes.copy(),
        reach, scene.shape, 2, *located,
    )  # fmt: skip
    return located


def test_places_in_a_map(rng):
    scene = draw_scene(rng, 2 * THREADS_A_BLOCK + 1, 2, voxel_size=(0.5, 1.0, 1.7), spread=4.0)
    reach = reach_in_deviations(1e-3, np.float64)
    expected, found = locate("cpu", scene, reach), locate("cuda", scene, reach)
    centres, planes, blocks = map(find_device("cuda").fetch, found)
    assert 0 < np.count_nonzero(blocks == np.iinfo(BLOCK_NUMBER).max) < len(scene.positions)
    np.testing.assert_allclose(centres, expected[0], rtol=1e-14)
    np.testing.assert_array_equal(planes, expected[1])
    np.testing.assert_array_equal(blocks, expected[2])


@pytest.mark.parametrize(
    ("n_planes", "first_plane", "n_own"),
    [
        (4, 0, 2), (4, 1, 1), (4, 1, 3), (4, 3, 1),
        # Whole parts lie beyond the planes that are added to, or before them.
        (3 * PART, 0, 2), (3 * PART, 2 * PART + 1, 2), (2 * PART + 2, PART + 1, PART + 1),
        # What is added to ends after the map does.
        (4, 2, 4), (4, 4, 2), (4, 9, 2),
    ],
)  # fmt: skip
def test_planes_of_a_map_are_added_to(rng, n_planes, first_plane, n_own):
    scene = draw_scene(rng, 5, 2, (n_planes, 3, 4))
    reach = reach_in_deviations(1e-6, np.float64)
    before = rng.standard_normal((n_own, 3, 4))
    maps = []
    for name in ("cpu", "cuda"):
        device = find_device(name)
        centres, _, blocks = locate(name, scene, reach)
        out, order = device.send(before.copy()), device.xp.argsort(blocks, kind="stable")
        find_kernel("render_gaussians", name)(
            out, first_plane, n_planes, order, centres, device.send(scene.amplitudes),
            device.send(scene.variances), np.ones(3), reach, np.empty(1), (0, 0),
        )  # fmt: skip
        maps.append(device.fetch(out))
    np.testing.assert_allclose(maps[1], maps[0], rtol=0, atol=1e-12)


@pytest.fixture
def rng():
    return np.random.default_rng(22)
