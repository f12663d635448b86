"""What atoms are called."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.values import ArrayValue, FrozenArrays, freeze

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms.atom_table import AtomTable

    Texts = NDArray[np.str_]


@dataclasses.dataclass(frozen=True, eq=False)
class AtomLabels(FrozenArrays, ArrayValue):
    """What atoms are called: one entry for each atom of a file, whatever the number of its copies.

    Attributes
    ----------
    names
        As in ``"CA"``, texts of shape ``(m,)``; so are all others.
    alternates
        The letter of an alternate conformation; empty for an atom that has none.
    residue_names, residue_numbers
        As in ``"ALA"`` and ``"42"``; the number with the insertion code, ``"42A"``, where there is
        one.
    chains
        As in ``"A"``.
    subchains
        As mmCIF files name the parts of a chain (``label_asym_id``); empty where they do not.

    Examples
    --------
    >>> from numbavol.atoms import load_atoms
    >>> from numbavol.data import enterotoxin
    >>> load_atoms(enterotoxin()).labels.residue_names[:2].tolist()
    ['GLY', 'GLY']
    """

    names: Texts
    alternates: Texts
    residue_names: Texts
    residue_numbers: Texts
    chains: Texts
    subchains: Texts

    def __post_init__(self) -> None:
        """Keep the texts, so that nobody else writes to them."""
        vars(self).update({name: freeze(texts) for name, texts in vars(self).items()})


LABELS = tuple(field.name for field in dataclasses.fields(AtomLabels))


def read_labels(table: AtomTable) -> AtomLabels:
    """Take the names of a table of atoms."""
    return AtomLabels(
        names=np.char.decode(table.names),
        alternates=np.where(table.alternates == 0, "", _letters(table.alternates)),
        residue_names=np.char.decode(table.residue_names),
        residue_numbers=np.char.add(
            table.residue_numbers.astype(str), np.char.strip(_letters(table.insertions))
        ),
        chains=np.char.decode(table.chains),
        subchains=np.char.decode(table.subchains),
    )


def _letters(codes: NDArray[np.uint8]) -> Texts:
    return np.char.decode(np.where(codes == 0, ord(" "), codes).astype(np.uint8).view("S1"))
