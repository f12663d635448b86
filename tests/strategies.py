"""What hypothesis draws: maps, and Gaussians in, at the edge of and far outside them."""

from __future__ import annotations

import dataclasses
import math

import naive
import numpy as np
from hypothesis import strategies as st

from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume

# The kernel writes rows of 16 voxels, and what is left over one by one.
lengths = st.one_of(st.sampled_from([1, 2, 15, 16, 17]), st.integers(1, 20))
row_lengths = st.one_of(lengths, st.integers(20, 40), st.sampled_from([31, 32, 33, 48]))
shapes = st.tuples(lengths, lengths, row_lengths)
odd_lengths = st.integers(0, 10).map(lambda half: 2 * half + 1)
odd_shapes = st.tuples(odd_lengths, odd_lengths, odd_lengths)

sides = st.one_of(st.sampled_from([1.0, 0.5]), st.floats(0.5, 2.0))
voxel_sizes = st.one_of(sides, st.tuples(sides, sides, sides))
exact_voxel_sizes = st.sampled_from([0.5, 1.0, (0.5, 2.0, 1.0), (0.25, 0.5, 0.125)])

# Between 2 and 1.4 voxels the kernel changes its way of integrating.
widths_in_voxels = st.one_of(
    st.floats(-1.0, math.log10(30.0)).map(lambda exponent: 10.0**exponent),
    st.sampled_from([0.1, 1.4, math.sqrt(2.0), 1.43, 30.0]),
)
# Of numbers much closer to 0, a product of three may leave the range of float32.
magnitudes = st.floats(0.01, 10.0)
amplitudes = st.one_of(st.just(0.0), magnitudes, magnitudes.map(lambda a: -a))
tolerances = st.one_of(
    st.just(0.0), st.floats(-12.0, math.log10(0.5)).map(lambda exponent: 10.0**exponent)
)
numbers_of_positions = st.integers(1, 6)
# Above 6 a position they are rendered one by one. The kernel is compiled for each number below.
numbers_of_gaussians = st.sampled_from([1, 2, 5, 6, 7, 8])
dtypes = st.sampled_from([np.float32, np.float64])


def image_and_map_shapes(longest):
    """Two or three axes of up to so many elements."""
    sides = st.integers(1, longest)
    return st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, sides))


@dataclasses.dataclass(frozen=True)
class Scene:
    """A map, and Gaussians: amplitudes and variances are (n, k)."""

    shape: tuple[int, int, int]
    voxel_size: float | tuple[float, float, float]
    positions: np.ndarray
    amplitudes: np.ndarray
    variances: np.ndarray

    @property
    def voxel_sizes(self):
        return np.broadcast_to(np.asarray(self.voxel_size, float), (3,))

    @property
    def voxel_volume(self):
        return math.prod(self.voxel_sizes)

    @property
    def volume(self):
        return GaussianMixtureVolume(self.positions, self.amplitudes, self.variances)

    @property
    def sum_of_absolute_amplitudes(self):
        return np.abs(self.amplitudes).sum()

    def render(self, **options):
        return GaussianMixtureRenderFn(self.shape, self.voxel_size, **options)(self.volume)

    def compute(self, way=naive.voxel_averages):
        return way(self.shape, self.voxel_sizes, self.positions, self.amplitudes, self.variances)

    def compute_highest_voxel(self):
        return self.compute(naive.highest_voxel)

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)


def coordinates_inside(n):
    """In voxels from the centre of voxel n // 2: anywhere, at centres, at edges."""
    first, last = -(n // 2), n - 1 - n // 2
    return st.one_of(
        st.floats(first - 0.5, last + 0.5),
        st.integers(first, last).map(float),
        st.integers(first, last + 1).map(lambda edge: edge - 0.5),
        st.sampled_from([first - 0.5, last + 0.5]),
    )


def coordinates_beside(n):
    distance = st.floats(0.0, 60.0)
    return st.one_of(
        distance.map(lambda d: -(n // 2) - 0.5 - d),
        distance.map(lambda d: n - n // 2 - 0.5 + d),
        coordinates_inside(n),
    )


def make_scene(shape, position, variances):
    """Gaussians of integral 1 at one position, in voxels of 1 A."""
    variances = np.atleast_1d(variances)[None]
    positions = np.array([position], float)
    return Scene(shape, 1.0, positions, np.ones_like(variances, float), variances)


@st.composite
def positions_in_angstroms(draw, shape, voxel_sizes, where):
    place = draw(st.sampled_from(where))
    coordinates = coordinates_beside if place == "beside" else coordinates_inside
    position = [draw(coordinates(shape[2 - axis])) * voxel_sizes[axis] for axis in range(3)]
    if place == "far":
        axis = draw(st.integers(0, 2))
        position[axis] = draw(st.sampled_from([1e6, -1e6, 1e300, -1e300]))
    return position


@st.composite
def scenes(
    draw,
    shapes=shapes,
    voxel_sizes=voxel_sizes,
    where=("inside", "inside", "beside", "far"),
    n_positions=numbers_of_positions,
    n_gaussians=numbers_of_gaussians,
    widths=widths_in_voxels,
    amplitudes=amplitudes,
):
    shape, voxel_size = draw(shapes), draw(voxel_sizes)
    sizes = np.broadcast_to(np.asarray(voxel_size, float), (3,)).tolist()
    n, k = draw(n_positions), draw(n_gaussians)
    places = [draw(positions_in_angstroms(shape, sizes, where)) for _ in range(n)]

    def draw_rows(elements):
        return np.array([[draw(elements) for _ in range(k)] for _ in range(n)])

    side = draw(st.sampled_from(sizes))
    return Scene(
        shape=shape,
        voxel_size=voxel_size,
        positions=np.array(places),
        amplitudes=draw_rows(amplitudes),
        variances=(draw_rows(widths) * side) ** 2,
    )
