"""Atoms as a structure of gemmi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gemmi
import numpy as np

from numbavol.atoms.labels import LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms


def make_structure(atoms: Atoms) -> gemmi.Structure:
    """Make a structure of gemmi, of one model, in which copies are chains of their own."""
    structure = gemmi.Structure()
    model = gemmi.Model(1)
    copies = _count_earlier(atoms.label_numbers)
    chain_names = _ChainNames(atoms)
    chain_key, residue_key = None, None
    for number, copy in enumerate(copies.tolist()):
        entry = int(atoms.label_numbers[number])
        name, alternate, residue_name, residue_number, its_chain, subchain = (
            str(getattr(atoms.labels, label)[entry]) for label in LABELS
        )
        if (its_chain, copy) != chain_key:
            model.add_chain(gemmi.Chain(chain_names.name(its_chain, copy)))
            chain_key, residue_key = (its_chain, copy), None
        chain = model[-1]
        if (residue_name, residue_number) != residue_key:
            residue = gemmi.Residue()
            residue.name = residue_name
            residue.seqid = gemmi.SeqId(residue_number or "1")
            residue.subchain = subchain
            chain.add_residue(residue)
            residue_key = (residue_name, residue_number)
        atom = gemmi.Atom()
        atom.name, atom.altloc = name, alternate or "\0"
        atom.element = gemmi.Element(int(atoms.atomic_numbers[number]))
        atom.pos = gemmi.Position(*atoms.positions[number].tolist())
        atom.b_iso = float(atoms.b_factors[number])
        atom.occ = float(atoms.occupancies[number])
        atom.charge = int(atoms.charges[number])
        chain[-1].add_atom(atom)
    structure.add_model(model)
    return structure


class _ChainNames:
    """Names of chains and of their copies, none of them twice."""

    def __init__(self, atoms: Atoms) -> None:
        self._names: dict[tuple[str, int], str] = {}
        self._taken = set(atoms.chains.tolist())

    def name(self, chain: str, copy: int) -> str:
        """Name a copy, from 0 on: the first has the name of the chain itself."""
        if copy == 0:
            return chain
        if (chain, copy) not in self._names:
            number = copy + 1
            while f"{chain}{number}" in self._taken:
                number += 1
            self._names[chain, copy] = f"{chain}{number}"
            self._taken.add(f"{chain}{number}")
        return self._names[chain, copy]


def _count_earlier(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often each number occurred before: which of the copies of an atom each is."""
    order = np.argsort(numbers, kind="stable")
    in_order = numbers[order]
    earlier = np.empty(len(numbers), np.int64)
    earlier[order] = np.arange(len(numbers)) - np.searchsorted(in_order, in_order)
    return earlier
