"""`GaussianMixtureRenderFn`: the average of Gaussians over each voxel."""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import (
    check_fits_in_memory,
    check_is_a,
    check_output,
    read_precision,
    read_shape,
    read_voxel_size,
)
from numbavol.kernels.dispatch import check_device, find_device, find_kernel
from numbavol.kernels.tasks import run_tasks
from numbavol.kernels.threads import get_num_threads
from numbavol.rendering.base import (
    AbstractVolumeRenderFn,
    check_ways,
    deliver,
    transform_rendered_map,
)
from numbavol.rendering.costs import predict_windows
from numbavol.rendering.slabs import (
    BLOCK_NUMBER,
    balanced_slabs,
    block_side_in_voxels,
    most_overlapping,
)
from numbavol.rendering.windows import (
    DEFAULT_TOLERANCE,
    reach_in_deviations,
    read_tolerance,
    take_few_gaussians_each,
)
from numbavol.volumes import GaussianMixtureVolume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.volumes import AbstractVolumeRepresentation

# A task is what an interrupt waits for, and one step of progress.
LONGEST_TASK_IN_SECONDS = 0.25
# Adding n terms in float32 errs by about n / 4 of its rounding: where more overlap, slab after slab
# is added in float64 (tests/rendering/test_crowded.py).
MOST_IN_SINGLE_PRECISION = 200
SLABS_A_THREAD_WHERE_CROWDED = 8
BATCH_OPTIONS = ("batch_size", "n_batches")


@dataclasses.dataclass(frozen=True)
class GaussianMixtureRenderFn(AbstractVolumeRenderFn):
    r"""Render the average of a Gaussian mixture over each voxel.

    With voxel centres :math:`r`, voxel sides :math:`\Delta` and
    :math:`d_j = r_j - r^{atom}_j`,

    .. math:: U = \sum_i a_i \prod_{j} \frac{1}{2 \Delta_j} \left[
              \operatorname{erf}\frac{d_j + \Delta_j / 2}{\sqrt{2 \sigma_i^2}} -
              \operatorname{erf}\frac{d_j - \Delta_j / 2}{\sqrt{2 \sigma_i^2}} \right].

    Density outside the box is lost, never wrapped. The sum of the map times the voxel's volume is
    the sum of the amplitudes of what lies inside.

    Parameters
    ----------
    shape
        Shape (z, y, x) of the map. Position 0 is the centre of voxel ``n // 2`` of each axis.
    voxel_size
        Side of a voxel in angstroms, or its three sides (x, y, z).
    batch_options
        A mapping with ``batch_size``, the z-planes that are worked on together, and ``n_batches``,
        the groups of positions that are worked on one after another. Both are chosen well without
        it, and neither costs or saves memory.
    tolerance
        The terms that are left out because they are far from their position sum to at most
        ``tolerance * sum(abs(amplitudes))`` over the map (divided by the voxel's volume). 0 leaves
        out only what is 0 in float64; float32 has 3e-10 at least. Rounding comes on top: about 1e-6
        in float32 and 1e-12 in float64 of the highest value in the map or at a position that
        reaches into it.
    dtype
        float32 or float64: of the map, and of the arithmetic.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used. On CUDA, a map is
        worked on as a whole, and is the same to the bit whenever it is computed.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Himes & Grigorieff (2021), IUCrJ 8, 943-953.

    Examples
    --------
    >>> from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> render_fn = GaussianMixtureRenderFn((16, 16, 16), voxel_size=1.0)
    >>> real_voxel_grid = render_fn(volume)
    >>> real_voxel_grid.argmax() == (8 * 16 + 8) * 16 + 8
    np.True_
    >>> print(f"{real_voxel_grid.sum():.4f}")
    3.0000
    """

    shape: tuple[int, int, int]
    voxel_size: float | tuple[float, float, float]
    _: dataclasses.KW_ONLY
    batch_options: Mapping[str, int] | None = dataclasses.field(default=None, hash=False)
    tolerance: float = DEFAULT_TOLERANCE
    dtype: np.dtype[Any] = np.dtype(np.float32)  # noqa: RUF009
    device: str = "cpu"

    if TYPE_CHECKING:

        def __init__(
            self,
            shape: Sequence[int],
            voxel_size: ArrayLike,
            *,
            batch_options: Mapping[str, int] | None = None,
            tolerance: float = DEFAULT_TOLERANCE,
            dtype: DTypeLike = np.float32,
            device: str = "cpu",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        values = {
            "shape": read_shape("shape", self.shape, 3),
            "voxel_size": read_voxel_size("voxel_size", self.voxel_size),
            "tolerance": read_tolerance(self.tolerance),
            "dtype": read_precision("dtype", self.dtype),
            "device": check_device(self.device),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.batch_options is not None:
            _read_batch_options(self.batch_options, self.shape[0])
            # A copy: the caller's dict may change, this object does not.
            object.__setattr__(self, "batch_options", dict(self.batch_options))

    def __call__(
        self,
        volume_representation: AbstractVolumeRepresentation,
        *,
        outputs_real_space: bool = True,
        outputs_rfft: bool = False,
        fftshifted: bool = False,
        output: str = "host",
    ) -> NDArray[Any]:
        """Render a volume.

        Parameters
        ----------
        volume_representation
            The Gaussians.
        outputs_real_space, outputs_rfft, fftshifted, output
            As in `AbstractVolumeRenderFn.__call__`.

        Returns
        -------
        ndarray
            In real space of shape ``shape``, indexed [z, y, x], in inverse square angstroms.

        Raises
        ------
        TypeError
            If the volume is of another kind, or a flag neither True nor False.
        ValueError
            If there are fewer positions than ``n_batches``.
        MemoryError
            If the map does not fit into the free memory.
        """
        check_output(output)
        check_ways(
            outputs_real_space=outputs_real_space, outputs_rfft=outputs_rfft, fftshifted=fftshifted
        )
        rendered: NDArray[Any] = _render(self, volume_representation)
        if not outputs_real_space:
            rendered = transform_rendered_map(
                rendered, outputs_rfft=outputs_rfft, fftshifted=fftshifted
            )
        return deliver(rendered, self.device, output)


def render_gaussian_mixture(
    render_fn: GaussianMixtureRenderFn,
    volume: AbstractVolumeRepresentation,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[np.floating[Any]]:
    """Render a Gaussian mixture, and tell how far the work is.

    Parameters
    ----------
    render_fn
        What to render.
    volume
        The Gaussians.
    report
        Called as the work goes on, with the number of parts done and of all.

    Returns
    -------
    ndarray
        The map, (z, y, x).

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `GaussianMixtureRenderFn` does.

    Examples
    --------
    >>> from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume, render_gaussian_mixture
    >>> volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> done = []
    >>> render_fn = GaussianMixtureRenderFn((16, 16, 16), voxel_size=1.0)
    >>> real_voxel_grid = render_gaussian_mixture(render_fn, volume, lambda n, _: done.append(n))
    >>> print(f"{real_voxel_grid.sum():.4f}")
    3.0000
    >>> done == list(range(1, len(done) + 1))
    True
    """
    check_is_a("render_fn", render_fn, GaussianMixtureRenderFn)
    return deliver(_render(render_fn, volume, report), render_fn.device, "host")


def _render(
    render_fn: GaussianMixtureRenderFn,
    volume: AbstractVolumeRepresentation,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[np.floating[Any]]:
    """Render a Gaussian mixture to a map on its device."""
    if not isinstance(volume, GaussianMixtureVolume):
        msg = (
            f"volume_representation: expected a GaussianMixtureVolume, got {type(volume).__name__}"
        )
        raise TypeError(msg)
    shape = render_fn.shape
    batch_size, n_batches = _read_batch_options(render_fn.batch_options, shape[0])
    if n_batches > max(len(volume.positions), 1):
        msg = f"batch_options: n_batches is {n_batches}, for {len(volume.positions)} positions"
        raise ValueError(msg)
    device = find_device(render_fn.device)
    xp = device.xp
    n_bytes = math.prod(shape) * render_fn.dtype.itemsize
    what = f"{render_fn.dtype} of shape {shape}"
    check_fits_in_memory("shape", what, n_bytes, device.free_bytes)
    out: NDArray[np.floating[Any]] = xp.zeros(shape, render_fn.dtype)
    voxel_size = np.broadcast_to(np.asarray(render_fn.voxel_size, np.float64), (3,)).copy()
    reach = reach_in_deviations(render_fn.tolerance, render_fn.dtype)
    positions, amplitudes, variances = map(device.send, take_few_gaussians_each(volume))
    centres = xp.empty(positions.shape)
    planes = xp.empty((len(positions), 2), np.int64)
    blocks = xp.empty(len(positions), BLOCK_NUMBER)
    locate = find_kernel("locate_gaussians", render_fn.device)
    block_side = block_side_in_voxels(shape)

    def find_order() -> NDArray[np.intp]:
        locate(positions, variances, voxel_size, reach, shape, block_side, centres, planes, blocks)
        # CUDA's kernel sorts what reaches each part: any order will do.
        return np.argsort(blocks, kind="stable") if xp is np else xp.arange(len(blocks))

    render = find_kernel("render_gaussians", render_fn.device)
    fused = (0,) * amplitudes.shape[1]
    precision = np.empty(1, out.dtype)

    def add(order: NDArray[np.intp], sums: NDArray[np.floating[Any]], first_plane: int = 0) -> None:
        for batch in xp.array_split(order, n_batches):
            render(
                sums, first_plane, shape[0], batch, centres, amplitudes, variances, voxel_size,
                reach, precision, fused,
            )  # fmt: skip

    if device.name != "cpu":
        device.run(lambda: add(find_order(), out))
        if report is not None:
            report(1, 1)
        return out
    order = device.run(find_order)[: np.count_nonzero(blocks != np.iinfo(BLOCK_NUMBER).max)]
    is_crowded = (
        out.itemsize < 8
        and most_overlapping(order, centres, planes, shape, voxel_size) > MOST_IN_SINGLE_PRECISION
    )
    n_slabs = _good_number_of_slabs(planes[order], amplitudes.shape[1], voxel_size)
    if is_crowded:
        n_slabs = max(n_slabs, get_num_threads() * SLABS_A_THREAD_WHERE_CROWDED)
    if batch_size is None:
        slabs = balanced_slabs(planes[order], shape[0], n_slabs)
    else:
        slabs = [(z, min(z + batch_size, shape[0])) for z in range(0, shape[0], batch_size)]

    def render_slab(slab: tuple[int, int]) -> None:
        own = out[slab[0] : slab[1]]
        sums = np.zeros(own.shape) if is_crowded else own
        add(order, sums, slab[0])
        if is_crowded:
            own[:] = sums

    run_tasks(render_slab, slabs, report)
    return out


def _good_number_of_slabs(
    planes: NDArray[np.int64], n_gaussians: int, voxel_size: NDArray[np.float64]
) -> int:
    # What a position writes is prepared anew in each slab that it reaches into: more slabs than
    # threads cost more than their evenness gains (scripts/bench), until a task takes long.
    sides = (planes[:, 1] - planes[:, 0]) * voxel_size[2]
    seconds = predict_windows(sides, n_gaussians, voxel_size)
    return max(get_num_threads(), math.ceil(seconds / LONGEST_TASK_IN_SECONDS))


def _read_batch_options(
    batch_options: Mapping[str, int] | None, n_planes: int
) -> tuple[int | None, int]:
    if batch_options is None:
        return None, 1
    try:
        options = {name: operator.index(value) for name, value in dict(batch_options).items()}
    except (TypeError, ValueError) as error:
        msg = f"batch_options: expected a mapping to whole numbers, got {batch_options!r}"
        raise ValueError(msg) from error
    if not set(options) <= set(BATCH_OPTIONS):
        msg = f"batch_options: expected keys among {BATCH_OPTIONS}, got {list(options)}"
        raise ValueError(msg)
    for name, value in options.items():
        if value < 1:
            msg = f"batch_options: {name} is a whole number above 0, got {value!r}"
            raise ValueError(msg)
    batch_size = options.get("batch_size")
    if batch_size is not None and batch_size > n_planes:
        msg = f"batch_options: batch_size is {batch_size}, for {n_planes} z-planes"
        raise ValueError(msg)
    return batch_size, options.get("n_batches", 1)
