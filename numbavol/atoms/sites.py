"""Atoms that share a site: what is odd about them, and which of several alternates are kept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms

    Numbers = NDArray[np.int64]

WATERS = ("HOH", "DOD", "WAT", "H2O")
# Of a sum of occupancies, which files round to two digits.
ROUNDING = 0.02


def find_crowded_sites(parts: list[Atoms]) -> list[str]:
    """Count sites and atoms that count too much, in each model by itself."""
    n_crowded = n_repeats = 0
    for atoms in parts:
        residues = number_residues(atoms)
        sums = np.bincount(number_alike(residues, atoms.names), atoms.occupancies)
        n_crowded += int(np.count_nonzero(sums > 1.0 + ROUNDING))
        n_repeats += int(np.count_nonzero(_are_repeats(atoms, residues)))
    return _describe(
        {
            "sites whose occupancies sum to more than 1": n_crowded,
            "atoms that occur more than once, and all count": n_repeats,
        }
    )


def find_odd_values(parts: list[Atoms], *, b_factors_are_the_files: bool) -> list[str]:
    """Count B-factors and occupancies that are not meant."""
    b_factors = np.concatenate([atoms.b_factors for atoms in parts])
    occupancies = np.concatenate([atoms.occupancies for atoms in parts])
    odd = {
        "atoms with a B-factor below 0": b_factors_are_the_files & (b_factors < 0),
        "atoms with a B-factor of 0": b_factors_are_the_files & (b_factors == 0),
        "atoms with an occupancy below 0": occupancies < 0,
    }
    return _describe({what: int(np.count_nonzero(each)) for what, each in odd.items()})


def _describe(counts: dict[str, int]) -> list[str]:
    return [f"{count} {what}" for what, count in counts.items() if count]


def number_alike(*columns: NDArray[Any]) -> Numbers:
    """Give what is equal in all columns one number: ``(n,)``, from 0 on."""
    alike = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        numbers = np.unique(column, return_inverse=True)[1].ravel()
        alike = np.unique(alike * (numbers.max(initial=0) + 1) + numbers, return_inverse=True)[1]
    return alike


def number_residues(atoms: Atoms) -> Numbers:
    """Count residues by their place in the file, as numbers that files give them may recur.

    Neighbours of one number are one residue where each is an alternate of the other. Of waters of
    one number, each oxygen begins another.
    """
    place = number_alike(atoms.chains, atoms.subchains, atoms.residue_numbers)
    names = number_alike(atoms.residue_names)
    begins = np.ones(len(atoms), bool)
    begins[1:] = (np.diff(place) != 0) | (np.diff(names) != 0)
    runs = np.cumsum(begins) - 1
    n_alternates = np.bincount(runs, atoms.alternates != "")
    is_whole = np.ones(len(atoms), bool)
    is_whole[1:] = (np.diff(place) != 0) | (n_alternates[runs[1:]] == 0)
    is_whole[1:] |= n_alternates[runs[:-1]] == 0
    is_water = np.isin(atoms.residue_names, WATERS)
    repeats = is_water & (atoms.names == "O") & (atoms.alternates == "")
    residues: Numbers = np.cumsum((begins & is_whole) | repeats) - 1
    return residues


def choose_alternates(atoms: Atoms, which: str) -> Atoms:
    """Keep one alternate of each residue, which counts as much as all alternates of its sites.

    Where atoms of a residue have the alternate, but not all others that the residue has, as side
    chains of two residues in one place, they count as much as the residue does elsewhere. Where
    they do not have it, although the site is full, the site's highest is kept.
    """
    if len(atoms) == 0:
        return atoms
    residue = number_residues(atoms)
    site = number_alike(residue, atoms.names)
    letters, letter = np.unique(atoms.alternates, return_inverse=True)
    # One without a letter is an alternate, too, where its site has others.
    is_alternate = (np.bincount(site, atoms.alternates != "") > 0)[site]
    chosen = _choose_letters(atoms, which, residue, letters, letter, is_alternate)
    is_chosen = is_alternate & (letter == chosen[residue])

    named = number_alike(residue, atoms.residue_names)
    is_named = np.zeros(named.max(initial=-1) + 1, bool)
    is_named[named[is_chosen]] = True
    sums = np.bincount(site, atoms.occupancies)[site]
    full = _sum_over_names(atoms, residue, named, site, is_alternate)[residue]
    lacks = (np.bincount(site, is_chosen) == 0)[site] & is_alternate
    falls_back = lacks & is_named[named] & (sums >= full - ROUNDING) & _are_highest(atoms, site)

    n_letters = _count_letters(residue[is_alternate], letter[is_alternate], len(residue))
    has_all = _count_letters(site, letter, len(site))[site] == n_letters[residue]
    occupancies = np.where(is_chosen & ~has_all, np.maximum(sums, full), sums)
    occupancies = np.where(is_alternate, occupancies, atoms.occupancies)
    weighted = dataclasses.replace(atoms, occupancies=occupancies)
    return weighted[~is_alternate | is_chosen | falls_back]


def _are_repeats(atoms: Atoms, residues: Numbers) -> NDArray[np.bool_]:
    """Which atoms are those of one before them, by their names in a residue or by their place."""
    texts = (atoms.names, atoms.alternates, atoms.residue_names)
    are_repeats = np.ones((2, len(atoms)), bool)
    alike = (
        number_alike(residues, *texts),
        number_alike(atoms.chains, atoms.residue_numbers, *texts, *atoms.positions.T),
    )
    for each, numbers in zip(are_repeats, alike, strict=True):
        each[np.unique(numbers, return_index=True)[1]] = False
    either: NDArray[np.bool_] = np.any(are_repeats, axis=0)
    return either


def _choose_letters(
    atoms: Atoms,
    which: str,
    residue: Numbers,
    letters: NDArray[np.str_],
    letter: Numbers,
    is_alternate: NDArray[np.bool_],
) -> Numbers:
    """Choose the letter of each residue: by its mean, as one may have more atoms than another."""
    shape = (residue.max(initial=-1) + 1, len(letters))
    index = (residue[is_alternate], letter[is_alternate])
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, index, atoms.occupancies[is_alternate])
    np.add.at(counts, index, 1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), -np.inf)
    chosen: Numbers = np.argmax(means, axis=1)
    if which in letters:
        number = int(np.searchsorted(letters, which))
        chosen[counts[:, number] > 0] = number
    return chosen


def _sum_over_names(
    atoms: Atoms,
    residue: Numbers,
    named: Numbers,
    site: Numbers,
    is_alternate: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """How much alternates of a residue count, those of each of its names together; at most 1."""
    named_site = number_alike(site, named)
    sums = np.bincount(named_site, atoms.occupancies)[named_site]
    highest = np.zeros(named.max(initial=-1) + 1)
    np.maximum.at(highest, named[is_alternate], sums[is_alternate])
    residue_of_name = np.zeros(len(highest), np.int64)
    residue_of_name[named] = residue
    return np.minimum(np.bincount(residue_of_name, highest), 1.0)


def _are_highest(atoms: Atoms, site: Numbers) -> NDArray[np.bool_]:
    """Which atoms are the first of the highest occupancy of their sites."""
    order = np.lexsort((-atoms.occupancies, site))
    are_highest = np.zeros(len(site), bool)
    are_highest[order[np.unique(site[order], return_index=True)[1]]] = True
    return are_highest


def _count_letters(places: Numbers, letter: Numbers, n: int) -> Numbers:
    """How many different letters each of n places has."""
    pairs = np.unique(np.stack([places, letter], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=n)
