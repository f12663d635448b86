"""Functions of frequency: scattering factors, Gaussians, the transform of a voxel."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.ndimage.operators.base import (
    AbstractFourierOperator,
    AbstractRadialFourierOperator,
)
from numbavol.ndimage.parameters import read_number, read_vectors
from numbavol.values import freeze

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.ndimage.operators.base import Gaussians


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierConstant(AbstractRadialFourierOperator):
    """The same value at every frequency: the transform of a point.

    Parameters
    ----------
    value
        A finite number.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> from numbavol.ndimage.operators import FourierConstant
    >>> FourierConstant(3.0)([[0.0, 0.0], [0.1, 0.2]])
    array([3., 3.])
    """

    value: float

    def __post_init__(self) -> None:
        """Read the arguments."""
        vars(self)["value"] = read_number("value", self.value)

    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Fill an array with the value."""
        return np.full_like(squared_frequency, self.value)

    def get_gaussians(self) -> Gaussians:
        """Return one, of B-factor 0."""
        return np.array([self.value]), np.zeros(1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ZeroMode(AbstractRadialFourierOperator):
    """A value at the zero frequency, and 0 at all others.

    Parameters
    ----------
    value
        A finite number.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    Everything but the mean of an image:

    >>> from numbavol.ndimage.operators import ZeroMode
    >>> (1 - ZeroMode(1.0))([[0.0, 0.0], [0.1, 0.2]])
    array([0., 1.])
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        vars(self)["value"] = read_number("value", self.value)

    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Look for the zero frequency."""
        values = np.zeros_like(squared_frequency)
        values[squared_frequency == 0] = self.value
        return values


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierGaussian(AbstractRadialFourierOperator):
    r"""A Gaussian: the fall-off of a B-factor.

    .. math:: P(\mathbf k) = \kappa \exp(-B |\mathbf k|^2 / 4)

    It is the transform of a Gaussian of integral :math:`\kappa` and variance
    :math:`B / (8 \pi^2)` along each axis.

    Parameters
    ----------
    amplitude
        :math:`\kappa`, the value at the zero frequency: of a scattering factor, in angstroms.
    b_factor
        :math:`B` in square angstroms. Below 0 the function grows with frequency.

    Raises
    ------
    ValueError
        If one is not a finite number.

    Notes
    -----
    B is the factor of Debye and Waller, :math:`\exp(-B (\sin\theta / \lambda)^2)`, in which
    :math:`\sin\theta / \lambda` is :math:`|\mathbf k| / 2`.

    Examples
    --------
    >>> from numbavol.ndimage.operators import FourierGaussian
    >>> FourierGaussian(amplitude=2.0, b_factor=100.0)([[0.0, 0.0], [0.3, 0.4]]).round(6)
    array([2.      , 0.003861])
    """

    amplitude: float = 1.0
    b_factor: float = 1.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        vars(self)["amplitude"] = read_number("amplitude", self.amplitude)
        vars(self)["b_factor"] = read_number("b_factor", self.b_factor)

    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Compute the Gaussian, in one new array."""
        values = np.empty_like(squared_frequency)
        np.multiply(squared_frequency, -self.b_factor / 4, out=values)
        np.exp(values, out=values)
        values *= self.amplitude
        return values

    def get_gaussians(self) -> Gaussians:
        """Return itself."""
        return np.array([self.amplitude]), np.array([self.b_factor])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierSinc(AbstractFourierOperator):
    r"""The transform of a box of integral 1: what averaging over a voxel does to a map.

    .. math:: f(\mathbf k) = \prod_i \frac{\sin(\pi k_i w_i)}{\pi k_i w_i}

    Parameters
    ----------
    box_width
        The side :math:`w` of the box in angstroms, above 0: one number, or one an axis in the
        order (x, y) or (x, y, z).

    Raises
    ------
    ValueError
        If it is something else; when called, if it has not one width for each axis.

    Examples
    --------
    >>> from numbavol.ndimage.operators import FourierSinc
    >>> FourierSinc(2.0)([[0.0, 0.0], [0.25, 0.0], [0.25, 0.25], [0.5, 0.25]]).round(6)
    array([1.      , 0.63662 , 0.405285, 0.      ])
    """

    box_width: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        widths = read_reals("box_width", self.box_width)
        if widths.shape not in [(), (2,), (3,)]:
            msg = f"box_width: expected one number, two or three, got shape {widths.shape}"
            raise ValueError(msg)
        if not np.all((widths > 0) & np.isfinite(widths)):
            msg = f"box_width: expected finite lengths above 0, got {widths.tolist()}"
            raise ValueError(msg)
        vars(self)["box_width"] = tuple(widths.tolist()) if widths.ndim else float(widths)

    def __call__(self, frequency_grid: ArrayLike) -> NDArray[np.floating[Any]]:
        """Evaluate the function, as `AbstractFourierOperator` says."""
        vectors = read_vectors("frequency_grid", frequency_grid)
        n_axes = vectors.shape[-1]
        widths = self.box_width if isinstance(self.box_width, tuple) else (self.box_width,) * n_axes
        if len(widths) != n_axes:
            msg = (
                f"frequency_grid: expected vectors of {len(widths)} components for a box_width of "
                f"{self.box_width}, got shape {vectors.shape}"
            )
            raise ValueError(msg)
        product = np.ones(vectors.shape[:-1], vectors.dtype)
        for component, width in enumerate(widths):
            product *= np.sinc(vectors[..., component] * width)
        return product


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class PengScatteringFactor(AbstractRadialFourierOperator):
    r"""An electron scattering factor as a sum of Gaussians.

    .. math:: f(\mathbf k) = \sum_i a_i \exp(-(b_i + B) |\mathbf k|^2 / 4)

    Parameters
    ----------
    a
        Amplitudes in angstroms, shape ``(5,)``, or any other number of them.
    b
        Widths in square angstroms, of the same shape.
    b_factor
        :math:`B`, the atom's own B-factor in square angstroms, or None for 0.

    Attributes
    ----------
    a, b
        Float64, read-only.
    b_factor
        As given.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, or a `b` is not above 0 with `b_factor` added.

    Notes
    -----
    `PengScatteringFactorParameters` has `a` and `b` of every element, from L.-M. Peng, G. Ren,
    S. L. Dudarev and M. J. Whelan, Acta Cryst. A52, 257-276 (1996).

    Examples
    --------
    >>> from numbavol.atoms import PengScatteringFactorParameters
    >>> from numbavol.ndimage.operators import PengScatteringFactor
    >>> parameters = PengScatteringFactorParameters([6])
    >>> carbon = PengScatteringFactor(parameters.a[0], parameters.b[0], b_factor=20.0)
    >>> carbon([[0.0, 0.0, 0.0], [0.25, 0.0, 0.0]]).round(4)
    array([2.5088, 1.4416])
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    b_factor: float | None = None

    if TYPE_CHECKING:

        def __init__(self, a: ArrayLike, b: ArrayLike, b_factor: float | None = None) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        a, b = read_reals("a", self.a), read_reals("b", self.b)
        if a.ndim != 1 or a.size == 0 or a.shape != b.shape:
            msg = f"a and b: expected two lists of one length, got shapes {a.shape} and {b.shape}"
            raise ValueError(msg)
        check_finite("a", a)
        check_finite("b", b)
        b_factor = None if self.b_factor is None else read_number("b_factor", self.b_factor)
        if (lowest := b.min() + (b_factor or 0.0)) <= 0:
            msg = f"b + b_factor: expected values above 0, got {lowest:g}"
            raise ValueError(msg)
        vars(self).update(a=freeze(a), b=freeze(b), b_factor=b_factor)

    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Add the Gaussians up, in two new arrays."""
        total, term = np.zeros_like(squared_frequency), np.empty_like(squared_frequency)
        for a, b in zip(self.a.tolist(), self.b.tolist(), strict=True):
            np.multiply(squared_frequency, -(b + (self.b_factor or 0.0)) / 4, out=term)
            np.exp(term, out=term)
            term *= a
            total += term
        return total

    def get_gaussians(self) -> Gaussians:
        """Return its terms."""
        return self.a, self.b + (self.b_factor or 0.0)
