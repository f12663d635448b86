"""The two ways in which ``numbavol render`` renders a model, and the choice between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import numbavol
from numbavol.cli.output import plural
from numbavol.ndimage.nonuniform import SMALLEST_EPS
from numbavol.rendering.base import count_outside
from numbavol.rendering.costs import (
    averages_agree,
    predict_fft_atoms,
    predict_gaussian_mixture,
)
from numbavol.rendering.fft_atoms import render_fft_atoms, terms_of
from numbavol.rendering.gaussian_mixture import render_gaussian_mixture
from numbavol.rendering.windows import reach_in_deviations

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.output import Report
    from numbavol.rendering import GaussianMixtureRenderFn
    from numbavol.volumes import GaussianMixtureVolume

    RenderMap = Callable[[Callable[[int, int], object] | None], NDArray[np.floating[Any]]]


def choose_method(
    method: str,
    atoms: Atoms,
    gaussians: GaussianMixtureVolume,
    mixture: GaussianMixtureRenderFn,
    grid: MapGrid,
    report: Report,
    *,
    verbose: bool,
) -> tuple[str, RenderMap]:
    """Choose how a model is rendered, and say so.

    Parameters
    ----------
    method
        ``"auto"``, ``"gaussian"`` or ``"fft"``.
    atoms, gaussians
        The atoms, and the Gaussians that they are.
    mixture
        Renders the Gaussians: its shape, voxel size and tolerance are those of either way.
    grid
        Where the map lies.
    report
        Says what was chosen, and why.
    verbose
        Say what each way is predicted to cost.

    Returns
    -------
    str
        ``"gaussian"`` or ``"fft"``.
    callable
        Renders, and tells the function that it is given how far it is.
    """
    shape, voxel_size, tolerance = mixture.shape, mixture.voxel_size, mixture.tolerance

    def render_gaussians(
        progress: Callable[[int, int], object] | None,
    ) -> NDArray[np.floating[Any]]:
        return render_gaussian_mixture(mixture, gaussians, progress)

    reason = _why_not_fft(gaussians, mixture)
    is_settled = method == "gaussian" or (method == "auto" and reason is not None)
    if method == "fft":
        _check_fft(gaussians, mixture, grid)
    seconds = {
        "gaussian": predict_gaussian_mixture(
            gaussians, voxel_size, reach_in_deviations(tolerance, np.float32)
        )
    }
    # Grouping may take longer than rendering: one transform is the least there is.
    can_group = tolerance >= SMALLEST_EPS
    if method == "auto" and not is_settled and not verbose:
        is_settled = seconds["gaussian"] <= predict_fft_atoms(shape, 1, len(atoms), tolerance)
    if is_settled and not (verbose and can_group):
        if verbose:
            report.say(f"method  gaussian; predicted, on one core: {seconds['gaussian']:.2g} s")
        return "gaussian", render_gaussians
    fft = numbavol.FFTAtomRenderFn(shape, voxel_size, eps=tolerance, device=mixture.device)
    groups = numbavol.make_independent_atoms(atoms)
    terms = terms_of(fft, groups)
    n_points = sum(len(term.positions) for term in terms)
    seconds["fft"] = predict_fft_atoms(shape, len(terms), n_points, tolerance)
    faster = min(seconds, key=seconds.__getitem__)
    chosen = "gaussian" if is_settled else faster if method == "auto" else method
    if verbose:
        predictions = ", ".join(f"{name} {value:.2g} s" for name, value in seconds.items())
        report.say(
            f"method  {chosen}; predicted, on one core: {predictions} "
            f"({plural(len(terms), 'transform')})"
            + (f"; fft is not the same: {reason}" if reason is not None else ""),
            predicted_seconds=seconds,
            n_transforms=len(terms),
            fft_is_not_the_same=reason,
        )
    if chosen == "gaussian":
        return "gaussian", render_gaussians
    if reason is not None:
        report.warn(f"--method fft: the map is not that of --method gaussian: {reason}")
    return "fft", lambda progress: render_fft_atoms(fft, groups, progress)


def _check_fft(
    gaussians: GaussianMixtureVolume, mixture: GaussianMixtureRenderFn, grid: MapGrid
) -> None:
    if mixture.tolerance < SMALLEST_EPS:
        msg = (
            f"--tolerance: expected at least {SMALLEST_EPS:g} with --method fft, got "
            f"{mixture.tolerance}"
        )
        raise ValueError(msg)
    n_outside = count_outside(gaussians.positions, mixture.shape, mixture.voxel_size)
    if n_outside:
        option, advice = ("--box", "--box auto holds them all")
        if grid.is_given:
            option, advice = "--like", "--method gaussian leaves out what is there"
        msg = (
            f"{option}: {n_outside} of {plural(len(gaussians.positions), 'atom')} outside the box, "
            f"which --method fft does not allow; {advice}"
        )
        raise ValueError(msg)


def _why_not_fft(gaussians: GaussianMixtureVolume, mixture: GaussianMixtureRenderFn) -> str | None:
    """Say what a rendering by transforms would have that one of Gaussians has not."""
    shape, voxel_size, tolerance = mixture.shape, mixture.voxel_size, mixture.tolerance
    if tolerance < SMALLEST_EPS:
        return f"its error is never below {SMALLEST_EPS:g}"
    if not averages_agree(gaussians, voxel_size, tolerance):
        return f"atoms have frequencies beyond {2 * np.max(voxel_size):g} A"
    reach = reach_in_deviations(tolerance, np.float32) * np.sqrt(
        gaussians.variances.max(axis=1, initial=0.0)
    )
    cells = gaussians.positions / np.asarray(voxel_size) + np.array(shape[::-1]) // 2
    ends = np.array(shape[::-1]) - 0.5
    reach_in_voxels = reach[:, np.newaxis] / np.asarray(voxel_size)
    if np.any((cells - reach_in_voxels < -0.5) | (cells + reach_in_voxels > ends)):
        return "what reaches out of the box comes in again at the other side"
    return None
