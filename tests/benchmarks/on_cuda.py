"""Work on CUDA beside the CPU, and beside the least time that the card's own rates allow.

The floor of a piece of work is the longer of two times: its bytes, each read or written once, over
the rate at which the card copies, and its operations over the rate of its arithmetic; that of
images for the host is their bytes over the rate of copies to page-locked memory. The rates are
measured here.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import cuda
from project import poses_of
from render import copies_of_the_sample
from rows import quantity
from transforms import make_volume

import numbavol
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing, is_simulated
from numbavol.rendering.windows import reach_in_deviations

if TYPE_CHECKING:
    from collections.abc import Callable

# Operations of one value of a Gaussian's profile: an exponential and two polynomials.
OPERATIONS_A_PROFILE = 45
# Of a sample: its place, and eight or sixty-four complex neighbours.
OPERATIONS_A_SAMPLE = {"linear": 60, "spline": 400}
ROUNDS, ROUNDS_ON_CPU = 7, 3
# A card that had nothing to do has slow clocks, and takes its time to find that it has.
WARM_UP_IN_SECONDS = 0.3
CHAINS, LINKS = 8, 8


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How large the work is."""

    n_voxels: int = 320
    side: int = 256
    n_poses: int = 8192
    n_copies: int = 24
    fewer_on_cpu: int = 16
    """Of the poses, the CPU has one in so many."""
    bytes_to_copy: int = 2**30
    operations: int = 2**14


@dataclasses.dataclass(frozen=True)
class OnCuda:
    """A piece of work on CUDA; None where it was not measured."""

    work: str
    warm: float | None = None
    """Seconds, with data that are there and results that stay."""
    first: float | None = None
    with_transfers: float | None = None
    on_cpu: float | None = None
    floor: float | None = None
    limit: float | None = None
    """What is asked for, in seconds."""
    times_floor: float = 3.0
    """What is asked for, in floors."""

    def cells(self) -> tuple[str, ...]:
        if self.warm is None:
            return (self.work, "not measured", "", "", "", "")
        beside = [
            f"{name} {quantity(value, 's')}"
            for name, value in (
                ("first", self.first),
                ("with transfers", self.with_transfers),
                ("CPU", self.on_cpu),
                ("floor", self.floor),
            )
            if value is not None
        ]
        over = self.warm / self.floor if self.floor else None
        asked, met = [], []
        if self.limit:
            asked.append(f"< {quantity(self.limit, 's')}")
            met.append(self.warm < self.limit)
        if over:
            asked.append(f"{self.times_floor:.1f} x")
            met.append(over <= self.times_floor)
        return (
            self.work,
            quantity(self.warm, "s"),
            ", ".join(beside),
            "" if over is None else f"{over:.1f} x floor",
            ", ".join(asked),
            ", ".join("yes" if is_met else "NO" for is_met in met),
        )

    def numbers(self) -> dict[str, float | str | None]:
        return dataclasses.asdict(self)


WORKS = (
    "copy on the card, a GiB read and written",
    "131,256 atoms in 320^3, Gaussians",
    "131,256 atoms in 320^3, transforms",
    "an image of 256^2, linear slice of 256^3",
    "an image of 256^2, spline slice of 256^3",
    "an image of 256^2, linear slice, in the host's memory",
    "an image of 256^2, linear slice, in page-locked memory",
    "an image of 320^2 of 131,256 atoms, Gaussians",
    "an image of 320^2 of 131,256 atoms, transforms",
)


def measure() -> list[OnCuda]:
    """Measure everything, or say of everything that it was not measured."""
    if describe_what_is_missing() is not None or is_simulated():
        return [OnCuda(work) for work in WORKS]
    return list(measure_on(Sizes()))


def measure_on(sizes: Sizes) -> list[OnCuda]:
    """Measure everything on the device of this process."""
    card = Rates(sizes)
    mixture, groups = make_models(sizes)
    there = numbavol.to_device(mixture, "cuda")
    box = (sizes.n_voxels,) * 3
    rows = [OnCuda(WORKS[0], warm=card.seconds_a_byte * 2 * sizes.bytes_to_copy)]
    floor = max(
        4.0 * np.prod(box) * card.seconds_a_byte,
        count_operations(mixture, 3) * card.seconds_an_operation,
    )
    for name, volume, here, renderer, limit in (
        (WORKS[1], there, mixture, numbavol.GaussianMixtureRenderFn, 3e-3),
        (WORKS[2], groups, groups, numbavol.FFTAtomRenderFn, None),
    ):
        on_cuda, on_cpu = renderer(box, 1.0, device="cuda"), renderer(box, 1.0)
        rows.append(
            card.time(
                name,
                functools.partial(on_cuda, volume, output="device"),
                functools.partial(on_cuda, here),
                functools.partial(on_cpu, here),
                floor=floor if limit else None,
                limit=limit,
            )
        )
    values = np.random.default_rng(0).standard_normal((sizes.side,) * 3, dtype=np.float32)
    for kind, name, volume_class, limit in (
        ("linear", WORKS[3], numbavol.FourierVoxelGridVolume, 1 / 60_000),
        ("spline", WORKS[4], numbavol.FourierVoxelSplineVolume, 1 / 30_000),
    ):
        volume = volume_class.from_real_voxel_grid(values)
        half, image = sizes.side * (sizes.side // 2 + 1), sizes.side**2
        floor = max(
            (2 * 8 * half + 4 * image) * card.seconds_a_byte,
            OPERATIONS_A_SAMPLE[kind] * half * card.seconds_an_operation,
        )
        row = card.time_images(name, volume, sizes, sizes.side, sizes.n_poses, floor, limit)
        rows.append(row)
        if kind == "linear":
            to_host = 4 * image * card.seconds_a_byte_to_host
            locked = card.time_copies_to_page_locked_memory(volume, sizes)
            in_host, in_locked = (
                OnCuda(work, seconds, floor=to_host, times_floor=1 / 0.7)
                for work, seconds in ((WORKS[5], row.with_transfers), (WORKS[6], locked))
            )
    rows += [in_host, in_locked]
    n_poses = max(sizes.n_poses // 32, 1)
    floor = count_operations(mixture, 2) * card.seconds_an_operation
    for name, model, least, limit in (
        (WORKS[7], mixture, floor, 0.2e-3),
        (WORKS[8], groups, None, None),
    ):
        rows.append(card.time_images(name, model, sizes, sizes.n_voxels, n_poses, least, limit))
    return rows


@cuda.jit
def multiply_and_add(out: Any, factor: Any, n: int) -> None:
    """Do ``n`` times `CHAINS` times `LINKS` multiplications and additions."""
    thread = cuda.grid(1)
    values = cuda.local.array(CHAINS, out.dtype)
    for chain in range(CHAINS):
        values[chain] = out[thread] + out.dtype.type(chain)
    for _ in range(n):
        # So many that counting takes no time beside them.
        for _ in range(LINKS):
            for chain in range(CHAINS):
                values[chain] = values[chain] * factor + factor
    total = out.dtype.type(0)
    for chain in range(CHAINS):
        total += values[chain]
    out[thread] = total


class Rates:
    """The card's rates, and the timing of work on it."""

    def __init__(self, sizes: Sizes) -> None:
        self._device = find_device("cuda")
        xp = self._device.xp
        source = xp.ones(sizes.bytes_to_copy // 4, np.float32)
        target = xp.empty_like(source)

        def copy() -> None:
            target[:] = source

        self.seconds_a_byte = self.median(copy) / (2 * sizes.bytes_to_copy)
        self.seconds_a_byte_to_host = self._measure_copies_to_the_host(source)
        self.seconds_an_operation = self._measure_arithmetic(sizes.operations)

    def _measure_copies_to_the_host(self, source: Any) -> float:
        part = source[: len(source) // 4]
        locked = self._device.make_page_locked(part.shape, part.dtype)
        return self.median(lambda: part.get(out=locked)) / part.nbytes

    def _measure_arithmetic(self, n: int) -> float:
        from numbavol.kernels.cuda.launch import THREADS_A_BLOCK, launch

        n_blocks = n // 4
        out = self._device.xp.zeros(n_blocks * THREADS_A_BLOCK, np.float32)
        work = functools.partial(
            launch, multiply_and_add, n_blocks, THREADS_A_BLOCK, out, np.float32(0.5), n // 16
        )
        return self.median(work) / (2 * CHAINS * LINKS * (n // 16) * len(out))

    def wait(self) -> None:
        """Wait until the card has done everything."""
        self._device.xp.cuda.runtime.deviceSynchronize()

    def run(self, work: Callable[[], object]) -> float:
        """Time one piece of work, until the card has done it."""
        self.wait()
        began = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - began

    def median(self, work: Callable[[], object], n_rounds: int = ROUNDS) -> float:
        """Time work a few times, after what warms the card up."""
        began = time.perf_counter()
        while time.perf_counter() - began < WARM_UP_IN_SECONDS:
            self.run(work)
        return statistics.median(self.run(work) for _ in range(n_rounds))

    def time(
        self,
        name: str,
        there: Callable[[], object],
        back_and_forth: Callable[[], object],
        on_cpu: Callable[[], object],
        *,
        n: int = 1,
        floor: float | None,
        limit: float | None,
    ) -> OnCuda:
        """Time work on the card, with transfers, and on the CPU; each is that of n pieces."""
        return OnCuda(
            name,
            first=self.run(there) / n,
            warm=self.median(there) / n,
            with_transfers=self.median(back_and_forth) / n,
            on_cpu=self.median(on_cpu, ROUNDS_ON_CPU) / n,
            floor=floor,
            limit=limit,
        )

    def time_images(
        self,
        name: str,
        volume: Any,
        sizes: Sizes,
        side: int,
        n: int,
        floor: float | None,
        limit: float | None,
    ) -> OnCuda:
        """Time images of a volume."""
        there = numbavol.to_device(volume, "cuda")
        config, poses = numbavol.ImageConfig((side, side), 1.0), poses_of(n)
        few = max(n // sizes.fewer_on_cpu, 1)
        images = np.zeros((n, side, side), np.float32)
        project = functools.partial(numbavol.project, image_config=config)
        row = self.time(
            name,
            functools.partial(project, there, poses, device="cuda", output="device"),
            functools.partial(project, there, poses, device="cuda", out=images),
            functools.partial(project, volume, poses_of(few), out=images[:few]),
            n=n,
            floor=floor,
            limit=limit,
        )
        return dataclasses.replace(row, on_cpu=row.on_cpu * n / few) if row.on_cpu else row

    def time_copies_to_page_locked_memory(self, volume: Any, sizes: Sizes) -> float:
        """Time an image of a volume, for an array to which the card copies by itself."""
        shape = (sizes.side, sizes.side)
        images = self._device.make_page_locked((sizes.n_poses, *shape), np.float32)
        project = functools.partial(
            numbavol.project,
            numbavol.to_device(volume, "cuda"),
            poses_of(sizes.n_poses),
            numbavol.ImageConfig(shape, 1.0),
            device="cuda",
            out=images,
        )
        return self.median(project) / sizes.n_poses


def make_models(
    sizes: Sizes,
) -> tuple[numbavol.GaussianMixtureVolume, numbavol.IndependentAtomVolume]:
    positions, atomic_numbers, b_factors = copies_of_the_sample(sizes.n_copies)
    parameters = numbavol.PengScatteringFactorParameters(atomic_numbers)
    mixture = numbavol.GaussianMixtureVolume.from_tabulated_parameters(
        positions, parameters, b_factors
    )
    return mixture, make_volume()


def count_operations(mixture: numbavol.GaussianMixtureVolume, n_axes: int) -> float:
    """Operations that windows and profiles of Gaussians cannot do without, at 1 A."""
    cells = 2.0 * reach_in_deviations(1e-6, np.float32) * np.sqrt(mixture.variances) + 1.0
    return float(np.sum(2 * cells**n_axes + n_axes * cells * OPERATIONS_A_PROFILE))
