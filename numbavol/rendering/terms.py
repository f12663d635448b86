"""Which transforms of points are to be made, and what multiplies each of them."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from numbavol.ndimage.operators import AbstractFourierOperator
    from numbavol.ndimage.operators.base import Gaussians

    Group = tuple[NDArray[np.float64], AbstractFourierOperator]

# Frequencies at which scattering factors are compared.
N_FREQUENCIES = 256
# Of a decomposition, relative to what is decomposed.
ROUNDING = 1e-14


@dataclasses.dataclass(frozen=True)
class Term:
    """Points whose transform is multiplied by one function of frequency."""

    positions: NDArray[np.float64]
    """``(n, 3)``, in angstroms."""
    strengths: NDArray[np.float64] | None
    """``(n,)``: what the points carry, or None for 1 each."""
    operator: AbstractFourierOperator
    """The function of frequency."""

    @property
    def sum_of_squares(self) -> float:
        """Of what the points carry."""
        if self.strengths is None:
            return float(len(self.positions))
        return float(self.strengths @ self.strengths)


def make_terms(groups: Sequence[Group], highest_frequency: float, eps: float) -> list[Term]:
    r"""Make the fewest terms that have the transform of all groups.

    Scattering factors that are sums of Gaussians resemble each other: of many,
    :math:`f_g \approx \sum_t w_{gt} f_t` for a few :math:`t` among them (an interpolative
    decomposition), and

    .. math:: \sum_g f_g \sum_{j \in g} e_j \approx \sum_t f_t \sum_j w_{g(j) t} e_j .

    Parameters
    ----------
    groups
        Positions and scattering factor of each.
    highest_frequency
        In inverse angstroms; beyond it nothing is promised.
    eps
        How much the sum may err, relative to it in the l2 norm, if points are taken for random.

    Returns
    -------
    list of Term
        No more than there are groups.
    """
    gaussians = [operator.get_gaussians() for _, operator in groups]
    alike = [n for n, found in enumerate(gaussians) if found is not None]
    terms = [
        Term(positions, None, operator)
        for (positions, operator), found in zip(groups, gaussians, strict=True)
        if found is None
    ]
    squared = np.linspace(0.0, highest_frequency, N_FREQUENCIES) ** 2
    values = np.array(
        [_evaluate(found, squared) for found in gaussians if found is not None]
    ).reshape(-1, N_FREQUENCIES)
    counts = np.array([len(groups[n][0]) for n in alike], np.float64)
    found_few = _choose(values, eps * _root_mean_square(values, counts, squared))
    if found_few is None:
        return terms + [Term(groups[n][0], None, groups[n][1]) for n in alike]
    chosen, weights = found_few
    for t, which in enumerate(chosen):
        members = [(groups[n][0], weights[t, k]) for k, n in enumerate(alike) if weights[t, k]]
        positions = np.concatenate([positions for positions, _ in members])
        strengths = np.repeat([weight for _, weight in members], [len(at) for at, _ in members])
        terms.append(Term(positions, strengths, groups[alike[which]][1]))
    return terms


def _root_mean_square(
    values: NDArray[np.float64], counts: NDArray[np.float64], squared: NDArray[np.float64]
) -> float:
    """Average what points scatter over the points and over the frequencies of three axes."""
    if len(values) == 0:
        return 0.0
    # A shell has the squared frequency's share of them.
    shares = squared if np.any(squared) else np.ones_like(squared)
    power = np.average(values**2, axis=1, weights=shares)
    return math.sqrt(float(np.average(power, weights=counts)))


def _choose(
    values: NDArray[np.float64], precision: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]] | None:
    """Choose rows, of which the others are combinations that err by no more than the precision.

    Returns
    -------
    chosen, weights
        With ``values`` nearly ``weights.T @ values[chosen]``; None if every row is needed.
    """
    n = len(values)
    if n < 2:
        return None
    # Nothing is more precise than what is decomposed.
    precision = max(precision, ROUNDING * float(np.max(np.abs(values))))
    _, upper, pivots = scipy.linalg.qr(values.T, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(upper))
    n_chosen = max(1, int(np.count_nonzero(sizes > precision)))
    while n_chosen <= min(len(sizes), n - 1) and sizes[n_chosen - 1] > 0:
        weights = np.zeros((n_chosen, n))
        weights[:, pivots[:n_chosen]] = np.eye(n_chosen)
        weights[:, pivots[n_chosen:]] = scipy.linalg.solve_triangular(
            upper[:n_chosen, :n_chosen], upper[:n_chosen, n_chosen:]
        )
        chosen = pivots[:n_chosen].astype(np.intp)
        if np.max(np.abs(values - weights.T @ values[chosen])) <= precision:
            return chosen, weights
        n_chosen += 1
    return None


def _evaluate(gaussians: Gaussians, squared: NDArray[np.float64]) -> NDArray[Any]:
    amplitudes, b_factors = gaussians
    return amplitudes @ np.exp(-b_factors[:, np.newaxis] * squared / 4)
