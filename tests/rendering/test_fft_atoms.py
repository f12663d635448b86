"""The map of `FFTAtomRenderFn` is the direct sum over atoms, to the precision asked for."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol import (
    CustomFourierOperator,
    FFTAtomRenderFn,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    IndependentAtomVolume,
    PengScatteringFactor,
    PengScatteringFactorParameters,
    ZeroMode,
)

# float32 keeps 24 bits: each value is rounded by at most 6e-8 of itself, and the sum over groups,
# that the promise leaves room for, some times more often.
ROUNDING_OF_SINGLE = 4e-7


def tilted_gaussian(k):
    """The transform of a real function: its values at k and -k are conjugates."""
    return np.exp(-5 * np.sum(k**2, axis=-1)) * (1 + 1j * (k[..., 0] - 2 * k[..., 1]))


OPERATORS = {
    "Gaussian": FourierGaussian(2.0, 30.0),
    "constant": FourierConstant(1.5),
    "growing": FourierGaussian(1.0, -5.0),
    "wide": FourierGaussian(3.0, 150.0),
    "Peng": PengScatteringFactor([1.0, 2.0, -0.5], [1.0, 10.0, 40.0], 5.0),
    "sinc": FourierSinc(1.5),
    "zero mode": 1 - ZeroMode(1.0),
    "complex": CustomFourierOperator(tilted_gaussian),
    "product": FourierGaussian(1.0, 20.0) * FourierSinc((1.0, 2.0, 0.5)),
    "combination": 2 * FourierGaussian(1.0, 20.0) - 0.5 * FourierGaussian(1.0, 90.0) + 0.1,
    "complex combination": CustomFourierOperator(tilted_gaussian) + 3 * FourierConstant(0.5),
}

lengths = st.one_of(st.sampled_from([1, 2, 15, 16]), st.integers(1, 16))
shapes = st.tuples(lengths, lengths, lengths)
precisions = st.floats(-12.0, -2.0).map(lambda exponent: 10.0**exponent)


@st.composite
def scenes(draw, operators=tuple(OPERATORS), most_groups=3):
    """A shape, voxel sides, and groups inside of the box."""
    shape, voxel_size = draw(shapes), draw(strategies.voxel_sizes)
    groups = []
    for _ in range(draw(st.integers(1, most_groups))):
        n = draw(st.integers(1, 4))
        voxels = [[draw(strategies.coordinates_inside(m)) for m in shape[::-1]] for _ in range(n)]
        groups.append((np.array(voxels) * voxel_size, OPERATORS[draw(st.sampled_from(operators))]))
    return shape, voxel_size, groups


def make_volume(groups):
    return IndependentAtomVolume(
        tuple(positions for positions, _ in groups), tuple(operator for _, operator in groups)
    )


def relative_error(rendered, expected):
    return np.linalg.norm(rendered - expected) / np.linalg.norm(expected)


def is_mostly_noise(expected, shape, voxel_size, groups):
    """Whether atoms cancel each other: an error that is relative to what is left says nothing."""
    # At a voxel's centre: half a voxel from it, an atom's own Nyquist frequency is 0.
    apart = [
        np.linalg.norm(naive.render_atoms(shape, voxel_size, [(np.zeros((1, 3)), operator)]))
        for positions, operator in groups
        for _ in positions
    ]
    return np.linalg.norm(expected) <= 0.1 * np.linalg.norm(apart)


# An edge times a voxel size, divided by it, may lie an ulp outside: see test_fft_atom_options.
def render(scene, **options):
    shape, voxel_size, groups = scene
    return FFTAtomRenderFn(shape, voxel_size, periodic=True, **options)(make_volume(groups))


one_atom = (1, 1, 1), 1.0, [(np.zeros((1, 3)), OPERATORS["Gaussian"])]
corners = (4, 5, 6), 1.0, [(np.array([[-3.5, -2.5, -2.5], [2.5, 2.5, 1.5]]), OPERATORS["Peng"])]


@given(scenes(), precisions, st.booleans())
@example(scene=one_atom, eps=1e-12, antialias=True)
@example(scene=corners, eps=1e-12, antialias=True)
def test_double_precision_is_the_direct_sum_to_eps(scene, eps, antialias):
    expected = naive.render_atoms(*scene, antialias=antialias)
    if is_mostly_noise(expected, *scene):
        return
    rendered = render(scene, eps=eps, antialias=antialias, dtype=np.float64)
    assert relative_error(rendered, expected) <= eps


@given(scenes(), precisions, st.booleans())
def test_single_precision_is_the_direct_sum_to_eps_or_its_rounding(scene, eps, antialias):
    expected = naive.render_atoms(*scene, antialias=antialias)
    if is_mostly_noise(expected, *scene):
        return
    rendered = render(scene, eps=eps, antialias=antialias)
    assert rendered.dtype == np.float32
    assert relative_error(rendered, expected) <= max(eps, ROUNDING_OF_SINGLE)


@pytest.mark.parametrize("eps", [1e-2, 1e-5, 1e-11])
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    ("shape", "voxel_size"),
    [((8, 8, 8), 1.0), ((7, 9, 5), 2.0), ((6, 7, 8), (0.5, 1.5, 1.0))],
    ids=str,
)
def test_every_operator_meets_every_eps(shape, voxel_size, name, eps):
    rng = np.random.default_rng(0)
    positions = rng.uniform(-0.49, 0.49, (10, 3)) * (np.array(shape[::-1]) - 1) * voxel_size
    scene = shape, voxel_size, [(positions, OPERATORS[name])]
    rendered = render(scene, eps=eps, dtype=np.float64)
    assert relative_error(rendered, naive.render_atoms(*scene)) <= eps


@pytest.mark.parametrize("eps", [1e-3, 1e-6, 1e-10])
def test_atoms_in_many_groups_of_three_elements(eps):
    rng = np.random.default_rng(1)
    parameters = PengScatteringFactorParameters([1, 6, 8])
    groups = [
        (rng.uniform(-5, 5, (3, 3)), PengScatteringFactor(a, b, b_factor))
        for a, b in zip(parameters.a, parameters.b, strict=True)
        for b_factor in rng.uniform(5, 200, 40)
    ]
    scene = (12, 11, 13), 1.0, groups
    rendered = render(scene, eps=eps, dtype=np.float64)
    assert relative_error(rendered, naive.render_atoms(*scene)) <= eps


def test_many_weak_scatterers_beside_a_strong_one_meet_eps():
    # 10000 factors of 1e-3 beside one of 1, each with an error of up to eps / 8: 3.4 eps in all.
    rng = np.random.default_rng(0)
    groups = [(rng.uniform(-5, 5, (1, 3)), FourierGaussian(1.0, 30.0))]
    groups += [
        (rng.uniform(-5, 5, (500, 3)), FourierGaussian(-1e-3, b_factor))
        for b_factor in rng.uniform(0, 100, 20)
    ]
    scene = (12, 12, 12), 1.0, groups
    # One group after another has no such error, and is itself tested against direct sums.
    expected = sum(render((*scene[:2], [g]), eps=1e-9, dtype=np.float64) for g in groups)
    assert relative_error(render(scene, eps=1e-3, dtype=np.float64), expected) <= 1e-3


def test_groups_that_scatter_nothing_make_a_map_of_zeros():
    nothing = [(np.zeros((1, 3)), FourierGaussian(0.0, b)) for b in (10.0, 20.0)]
    np.testing.assert_array_equal(render(((4, 4, 4), 1.0, nothing)), np.zeros((4, 4, 4)))


# Against Gaussians in real space.


def make_atoms(positions, b_factor):
    numbers = [6] * len(positions)
    parameters = PengScatteringFactorParameters(numbers)
    return (
        IndependentAtomVolume.from_atoms(positions, numbers, b_factor),
        GaussianMixtureVolume.from_tabulated_parameters(positions, parameters, b_factor),
    )


def render_both_ways(shape, positions, b_factor, eps=1e-12, antialias=True):
    atoms, mixture = make_atoms(positions, b_factor)
    fft = FFTAtomRenderFn(shape, 1.0, eps=eps, dtype=np.float64, antialias=antialias)(atoms)
    # Only voxel averages: the mixture's renderer has no other way.
    return fft, GaussianMixtureRenderFn(shape, 1.0, tolerance=0, dtype=np.float64)(mixture)


@pytest.mark.parametrize("eps", [1e-3, 1e-6])
@pytest.mark.parametrize("b_factor", [200.0, 300.0])
def test_wide_atoms_are_those_of_the_gaussian_renderer(b_factor, eps):
    # Within 3 A of the middle: a Gaussian of B = 300 (sigma = 2 A) is below 1e-7 at the sides.
    positions = np.random.default_rng(2).uniform(-3, 3, (5, 3))
    fft, gaussian = render_both_ways((28, 29, 30), positions, b_factor, eps)
    # At B = 200 what lies beyond Nyquist's frequency is 3e-7 to 7e-7 of the peak.
    assert relative_error(fft, gaussian) <= max(eps, 2e-6)


# The documentation's shares of the peak: by where the atom is in its voxel.
DOCUMENTED = {20.0: (0.025, 0.1), 100.0: (4e-5, 5e-4), 200.0: (1e-7, 9e-7)}


@pytest.mark.parametrize("b_factor", DOCUMENTED)
def test_narrow_atoms_differ_as_documented(b_factor):
    lowest, highest = DOCUMENTED[b_factor]
    for position in [(0.5, 0.5, 0.5), (0.5, 0.0, 0.0), (0.37, -0.21, 0.13), (0.0, 0.0, 0.0)]:
        fft, gaussian = render_both_ways((20, 20, 20), np.array([position]), b_factor)
        assert lowest <= np.abs(fft - gaussian).max() / gaussian.max() <= highest


# What has a closed form.


def test_a_users_gaussian_is_the_gaussian():
    variance = 2.0**2  # 3e-9 at Nyquist's frequency, and 1e-12 at the sides, 7 deviations away.
    operator = CustomFourierOperator(lambda k: np.exp(-2 * np.pi**2 * variance * (k**2).sum(-1)))
    position = np.array([[0.3, -0.4, 0.25]])
    shape = (30, 31, 32)
    rendered = render(
        (shape, 1.0, [(position, operator)]), eps=1e-7, dtype=np.float64, antialias=False
    )
    expected = naive.point_samples(shape, (1.0,) * 3, position, [[1.0]], [[variance]])
    assert relative_error(rendered, expected) <= 1e-7


def test_a_constant_is_a_product_of_periodic_sincs():
    # All odd: a point's map, of all frequencies, is a product of Dirichlet kernels.
    shape, at = (7, 9, 11), np.array([0.3, 1.7, -0.4])
    rendered = render(
        (shape, 1.0, [(at[None], FourierConstant(2.0))]),
        eps=1e-10,
        dtype=np.float64,
        antialias=False,
    )
    z, y, x = (
        np.sin(np.pi * d) / (n * np.sin(np.pi * d / n))
        for n, r in zip(shape, at[::-1], strict=True)
        for d in [np.arange(n) - n // 2 - r]
    )
    expected = 2 * np.multiply.outer(z, np.multiply.outer(y, x))
    assert relative_error(rendered, expected) <= 1e-10


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("voxels", [0.5, 1.0])
def test_a_shift_is_a_factor_of_the_transform(axis, voxels):
    # Odd, so that no frequency is its own mirror image.
    shape, voxel_size = (7, 9, 11), np.array([1.0, 0.5, 2.0])
    positions = np.array([[0.1, -0.2, 0.3], [1.0, 0.4, -0.9]])
    shift = np.zeros(3)
    shift[axis] = voxels * voxel_size[axis]
    options = {"eps": 1e-10, "dtype": np.float64}
    operator = OPERATORS["Gaussian"]
    before, after = (
        render((shape, voxel_size, [(at, operator)]), **options)
        for at in (positions, positions + shift)
    )
    k = naive.frequency_vectors(shape, voxel_size[::-1])
    moved = np.fft.rfftn(before) * np.exp(-2j * np.pi * (k @ shift))
    assert relative_error(after, np.fft.irfftn(moved, s=shape, axes=(0, 1, 2))) <= 2e-10
    if voxels == 1.0:
        assert relative_error(after, np.roll(before, 1, 2 - axis)) <= 2e-10


@given(scenes())
def test_the_sum_of_the_map_is_the_sum_of_factors_at_zero(scene):
    _, voxel_size, groups = scene
    rendered = render(scene, eps=1e-9, dtype=np.float64)
    zero = np.zeros((1, 3))
    terms = [len(positions) * operator(zero)[0].real for positions, operator in groups]
    total = rendered.sum() * np.prod(np.broadcast_to(voxel_size, 3))
    # eps bounds the l2 error of all frequencies, of which this is one.
    norm = np.linalg.norm(np.fft.fftn(rendered)) * np.prod(np.broadcast_to(voxel_size, 3))
    assert total == pytest.approx(np.sum(terms), abs=1e-9 * max(norm, np.abs(terms).sum()))


@pytest.mark.compiled
@pytest.mark.parametrize("eps", [2e-2, 1e-3, 1e-4, 3e-5, 1.5e-5])
def test_a_larger_map_meets_eps_where_single_precision_is_chosen_and_where_not(eps):
    shape, rng = (96, 90, 97), np.random.default_rng(3)
    positions = rng.uniform(-44, 44, (200, 3))
    volume = make_volume(
        [(positions[:120], OPERATORS["Gaussian"]), (positions[120:], OPERATORS["Peng"])]
    )
    transform = FFTAtomRenderFn(shape, 1.0, eps=eps)(
        volume, outputs_real_space=False, outputs_rfft=True
    )
    chosen = tuple(rng.integers(0, n, 4000) for n in transform.shape)
    # Frequencies that are their own mirror images have a rule of their own, tested elsewhere.
    chosen = tuple(index[(chosen[2] > 0)] for index in chosen)
    vectors = naive.frequency_vectors(shape)[chosen]
    expected = naive.atoms_half_transform(vectors, np.ones(3), volume.groups())
    # Of 4000 frequencies the mean square is within some per cent of that of all.
    assert relative_error(transform[chosen], expected) <= eps


# What a sceptical reading found.


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (0, 2, 1)])
def test_axes_of_even_length_are_alike(axes):
    # Narrow: much of it lies at the Nyquist frequency, which is as much negative as positive.
    operator, place = FourierGaussian(1.0, 10.0), np.array([[0.5, 0.3, -0.2]])
    options = {"eps": 1e-10, "dtype": np.float64}
    one = render(((8, 8, 8), 1.0, [(place, operator)]), **options)
    other = render(((8, 8, 8), 1.0, [(place[:, axes], operator)]), **options)
    # Positions are (x, y, z), maps [z, y, x].
    exchanged = one.transpose([2 - axes[2 - axis] for axis in range(3)])
    assert relative_error(other, exchanged) <= 1e-9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_atom_is_the_mirrored_map(axis):
    operator, place = FourierGaussian(1.0, 10.0), np.array([[0.5, 0.3, -0.2]])
    mirror = np.where(np.arange(3) == axis, -1.0, 1.0)
    options = {"eps": 1e-10, "dtype": np.float64}
    one = render(((8, 8, 8), 1.0, [(place, operator)]), **options)
    other = render(((8, 8, 8), 1.0, [(place * mirror, operator)]), **options)
    # Voxel n // 2 stays; of an even axis, voxel 0 is its own mirror image.
    mirrored = np.roll(np.flip(one, 2 - axis), 1, 2 - axis)
    assert relative_error(other, mirrored) <= 1e-9


def test_more_groups_than_frequencies_that_are_compared():
    rng = np.random.default_rng(0)
    groups = [
        (rng.uniform(-3, 3, (1, 3)), FourierGaussian(1.0, b)) for b in rng.uniform(20, 200, 300)
    ]
    rendered = render(((8, 9, 10), 1.0, groups), eps=1e-13, dtype=np.float64)
    expected = naive.render_atoms((8, 9, 10), 1.0, groups)
    # Rounding of the sums comes on top.
    assert relative_error(rendered, expected) <= 1e-12
