"""Functions of frequency and of position, and their sums, differences and products."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from numbavol.ndimage.algebra import BY_SYMBOL, AlgebraicValue, Family
from numbavol.ndimage.grids import compute_squared_lengths, split_components
from numbavol.ndimage.parameters import read_vectors
from numbavol.values import protect

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Gaussians = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AbstractFourierOperator(AlgebraicValue["AbstractFourierOperator"]):
    """A function of frequency, such as a scattering factor.

    It is evaluated when it is called, on any frequencies. Operators add, subtract and multiply,
    with each other and with numbers, to operators: nothing is evaluated until the result is.

    A subclass is a frozen dataclass that defines ``__call__``. If its values depend on the length
    of the frequency alone, it should be an `AbstractRadialFourierOperator`.

    Examples
    --------
    >>> import dataclasses
    >>> import numpy as np
    >>> from numbavol import AbstractFourierOperator, FourierConstant
    >>> @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    ... class AlongX(AbstractFourierOperator):
    ...     def __call__(self, frequency_grid):
    ...         return np.asarray(frequency_grid)[..., 0]
    >>> (2 * AlongX() + FourierConstant(1.0))([[0.5, 0.25]])
    array([2.])
    """

    @abstractmethod
    def __call__(self, frequency_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate the function.

        Parameters
        ----------
        frequency_grid
            Vectors (x, y) or (x, y, z) in inverse angstroms, shape ``(..., 2)`` or ``(..., 3)``,
            as `make_frequency_grid` returns them.

        Returns
        -------
        NDArray
            One value for each vector, shape ``(...)``: single precision for a float32 grid, else
            double.

        Raises
        ------
        ValueError
            If the grid has another shape, or is not real.
        """

    def get_gaussians(self) -> Gaussians | None:
        """Return the Gaussians that the function is the sum of, if it is one.

        Who adds transforms of many frequencies can then do so along one axis after another.

        Returns
        -------
        tuple of NDArray[np.float64], or None
            Amplitudes and B-factors, each of shape ``(n,)``: the function is the sum of
            ``amplitude * exp(-b_factor * |k|^2 / 4)``.
        """
        return None

    @classmethod
    def _is_family(cls, operand: object) -> bool:
        return isinstance(operand, AbstractFourierOperator)

    @classmethod
    def _combine(
        cls,
        symbol: str,
        left: AbstractFourierOperator | float,
        right: AbstractFourierOperator | float,
    ) -> AbstractFourierOperator:
        radial = (AbstractRadialFourierOperator, float)
        if isinstance(left, radial) and isinstance(right, radial):
            return RadialFourierCombination(left, symbol, right)
        return FourierCombination(left, symbol, right)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AbstractRadialFourierOperator(AbstractFourierOperator):
    """A function of the length of the frequency alone.

    Sums, differences and products of these are of this class too: they compute the lengths once
    for all that they combine. Who knows the lengths can call `compute_radially` instead.

    A subclass is a frozen dataclass that defines `compute_radially`.

    Examples
    --------
    >>> import dataclasses
    >>> from numbavol import AbstractRadialFourierOperator
    >>> @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    ... class Lorentzian(AbstractRadialFourierOperator):
    ...     def compute_radially(self, squared_frequency):
    ...         return 1.0 / (1.0 + squared_frequency)
    >>> (4 * Lorentzian())([[0.0, 0.0], [0.0, 1.0]])
    array([4., 2.])
    """

    def __call__(self, frequency_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate the function, as `AbstractFourierOperator` says."""
        components = split_components(read_vectors("frequency_grid", frequency_grid))
        return self.compute_radially(compute_squared_lengths(components))

    @abstractmethod
    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.inexact[Any]]:
        """Evaluate the function.

        Parameters
        ----------
        squared_frequency
            ``|k|^2`` in inverse square angstroms, float32 or float64 of any shape.

        Returns
        -------
        NDArray
            One value for each, of the same shape and precision.
        """


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AbstractRealOperator(AlgebraicValue["AbstractRealOperator"]):
    """A function of position.

    It is evaluated when it is called, on any coordinates. Operators add, subtract and multiply,
    with each other and with numbers, to operators: nothing is evaluated until the result is.

    A subclass is a frozen dataclass that defines ``__call__``.

    Examples
    --------
    >>> import dataclasses
    >>> import numpy as np
    >>> from numbavol import AbstractRealOperator
    >>> @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    ... class Height(AbstractRealOperator):
    ...     def __call__(self, coordinate_grid):
    ...         return np.asarray(coordinate_grid)[..., 1]
    >>> (Height() * Height() - 1)([[0.0, 3.0]])
    array([8.])
    """

    @abstractmethod
    def __call__(self, coordinate_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate the function.

        Parameters
        ----------
        coordinate_grid
            Vectors (x, y) or (x, y, z) in angstroms, shape ``(..., 2)`` or ``(..., 3)``, as
            `make_coordinate_grid` returns them.

        Returns
        -------
        NDArray
            One value for each vector, shape ``(...)``: single precision for a float32 grid, else
            double.

        Raises
        ------
        ValueError
            If the grid has another shape, or is not real.
        """

    @classmethod
    def _is_family(cls, operand: object) -> bool:
        return isinstance(operand, AbstractRealOperator)

    @classmethod
    def _combine(
        cls, symbol: str, left: AbstractRealOperator | float, right: AbstractRealOperator | float
    ) -> AbstractRealOperator:
        return RealCombination(left, symbol, right)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Combination(Generic[Family]):
    """Two operators, or one and a number, with ``+``, ``-`` or ``*`` between them."""

    operator1: Family | float
    symbol: str
    operator2: Family | float

    def __repr__(self) -> str:
        """Write it as it was made."""
        return f"({self.operator1!r} {self.symbol} {self.operator2!r})"

    def _evaluate(
        self, evaluate: Callable[[Family], NDArray[np.inexact[Any]]]
    ) -> NDArray[np.inexact[Any]]:
        values = [
            operand if isinstance(operand, float) else evaluate(operand)
            for operand in (self.operator1, self.operator2)
        ]
        combined: NDArray[np.inexact[Any]] = BY_SYMBOL[self.symbol](*values)
        return combined


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierCombination(Combination[AbstractFourierOperator], AbstractFourierOperator):
    """A sum, a difference or a product of Fourier operators."""

    def __call__(self, frequency_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate both, and combine their values."""
        vectors = protect(read_vectors("frequency_grid", frequency_grid))
        return self._evaluate(lambda operand: operand(vectors))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RadialFourierCombination(
    Combination[AbstractRadialFourierOperator], AbstractRadialFourierOperator
):
    """A sum, a difference or a product of radial Fourier operators."""

    def compute_radially(
        self, squared_frequency: NDArray[np.floating[Any]]
    ) -> NDArray[np.inexact[Any]]:
        """Evaluate both, and combine their values."""
        squared = protect(squared_frequency)
        return self._evaluate(lambda operand: operand.compute_radially(squared))

    def get_gaussians(self) -> Gaussians | None:
        """Combine the Gaussians of both, if both are sums of Gaussians."""
        one, other = (
            (np.array([operand]), np.zeros(1))
            if isinstance(operand, float)
            else operand.get_gaussians()
            for operand in (self.operator1, self.operator2)
        )
        if one is None or other is None:
            return None
        (a1, b1), (a2, b2) = one, other
        if self.symbol == "*":
            return np.multiply.outer(a1, a2).ravel(), np.add.outer(b1, b2).ravel()
        sign = 1.0 if self.symbol == "+" else -1.0
        return np.concatenate([a1, sign * a2]), np.concatenate([b1, b2])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RealCombination(Combination[AbstractRealOperator], AbstractRealOperator):
    """A sum, a difference or a product of real-space operators."""

    def __call__(self, coordinate_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate both, and combine their values."""
        vectors = protect(read_vectors("coordinate_grid", coordinate_grid))
        return self._evaluate(lambda operand: operand(vectors))
