"""Which atoms share a site, and which of several alternates are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from numbavol.atoms import Atoms, StructureWarning, load_atoms
from numbavol.atoms.sites import choose_alternates, number_residues

if TYPE_CHECKING:
    from pathlib import Path

# Name, alternate, residue and its number, occupancy.
Row = tuple[str, str, str, int, float]
BACKBONE = ("N", "CA", "C", "O", "CB")
INDOLE = ("CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2")
TRYPTOPHAN: list[Row] = [(name, "A", "TRP", 1, 0.3) for name in (*BACKBONE, *INDOLE)]
ALANINE: list[Row] = [(name, "B", "ALA", 1, 0.7) for name in BACKBONE]
SERINE: list[Row] = [
    *((name, letter, "SER", 1, 0.5) for name in ("CB", "OG") for letter in "AB"),
    ("HG", "A", "SER", 1, 1.0),
]
TERMINUS: Row = ("", "", "TER", 0, 0.0)


def write(folder: Path, rows: list[Row]) -> Path:
    lines = []
    for n, (name, letter, residue, number, occupancy) in enumerate(rows, 1):
        kind = "HETATM" if residue == "HOH" else "ATOM  "
        line = f"{kind}{n:5d}  {name:3}{letter or ' '}{residue} A{number:4d}    {n:8.3f}"
        line += f"   0.000   0.000{occupancy:6.2f} 20.00           {name[0] if name else 'C'}"
        lines.append("TER" if residue == "TER" else line)
    path = folder / "model.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    return path


def load(folder: Path, rows: list[Row], **options: Any) -> Atoms:
    return load_atoms(write(folder, rows), **options)


@pytest.mark.parametrize(
    ("alternates", "residue", "names"),
    [
        ("highest", "ALA", BACKBONE),
        ("B", "ALA", BACKBONE),
        ("A", "TRP", (*BACKBONE, *INDOLE)),
    ],
)
def test_one_of_two_residues_in_a_place_is_whole_and_counts_in_full(
    tmp_path: Path, alternates: str, residue: str, names: tuple[str, ...]
) -> None:
    atoms = load(tmp_path, [*TRYPTOPHAN, *ALANINE], alternates=alternates)
    assert set(atoms.residue_names) == {residue}
    assert tuple(atoms.names) == names
    np.testing.assert_allclose(atoms.occupancies, 1.0)


def test_two_residues_in_a_place_may_take_turns_in_the_file(tmp_path: Path) -> None:
    rows = [row for pair in zip(TRYPTOPHAN, ALANINE, strict=False) for row in pair]
    atoms = load(tmp_path, rows, alternates="highest")
    assert set(atoms.residue_names) == {"ALA"}
    np.testing.assert_allclose(atoms.occupancies, 1.0)


@pytest.mark.parametrize("alternates", ["highest", "A", "B"])
def test_a_full_site_that_lacks_the_alternate_is_kept(tmp_path: Path, alternates: str) -> None:
    atoms = load(tmp_path, SERINE, alternates=alternates)
    assert atoms.names.tolist() == ["CB", "OG", "HG"]
    np.testing.assert_allclose(atoms.occupancies, 1.0)


def test_what_only_another_alternate_has_is_left_out(tmp_path: Path) -> None:
    rows = [*SERINE[:4], ("HG", "A", "SER", 1, 0.5)]
    assert load(tmp_path, rows, alternates="B").names.tolist() == ["CB", "OG"]
    kept = load(tmp_path, rows, alternates="A")
    assert kept.names.tolist() == ["CB", "OG", "HG"]
    np.testing.assert_allclose(kept.occupancies, 1.0)


def test_parts_of_a_residue_may_have_alternates_of_their_own(tmp_path: Path) -> None:
    letters = {"CB": "AB", "NZ": "CD"}
    rows: list[Row] = [
        (name, letter, "LYS", 1, occupancy)
        for name, pair in letters.items()
        for letter, occupancy in zip(pair, (0.5, 0.4), strict=True)
    ]
    atoms = load(tmp_path, rows, alternates="highest")
    assert atoms.alternates.tolist() == ["A", "C"]
    np.testing.assert_allclose(atoms.occupancies, 0.9)


def test_an_atom_without_a_letter_is_an_alternate_of_one_that_has_one(tmp_path: Path) -> None:
    rows: list[Row] = [("CA", "", "GLY", 1, 0.6), ("CA", "B", "GLY", 1, 0.4)]
    for alternates, letter in (("highest", ""), ("B", "B")):
        atoms = load(tmp_path, rows, alternates=alternates)
        assert atoms.alternates.tolist() == [letter]
        assert atoms.occupancies.tolist() == [1.0]


def test_a_letter_that_no_atom_has_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, SERINE)
    with pytest.warns(StructureWarning, match="no alternate 'a', only A, B: the highest are kept"):
        atoms = load_atoms(path, alternates="a")
    assert atoms == load_atoms(path, alternates="highest")
    # Without alternates there is nothing to choose.
    load(tmp_path, [("CA", "", "GLY", 1, 1.0)], alternates="A")


@pytest.mark.parametrize("with_terminus", [True, False])
def test_a_water_has_no_site_in_common_with_a_residue_of_its_number(
    tmp_path: Path, with_terminus: bool
) -> None:
    glycine: list[Row] = [
        ("CA", "", "GLY", 1, 1.0),
        ("O", "A", "GLY", 1, 0.5),
        ("O", "B", "GLY", 1, 0.5),
    ]
    water: Row = ("O", "", "HOH", 1, 1.0)
    rows = [*glycine, *([TERMINUS] if with_terminus else []), water]
    load(tmp_path, rows)  # and does not warn
    atoms = load(tmp_path, rows, alternates="highest")
    assert atoms.residue_names.tolist() == ["GLY", "GLY", "HOH"]
    np.testing.assert_allclose(atoms.occupancies, 1.0)


def test_waters_whose_numbers_recur_are_as_many_waters(tmp_path: Path) -> None:
    numbers = (9998, 9999, 1, 1, 2)
    rows: list[Row] = [("O", "", "HOH", number, 1.0) for number in (1, 2, *numbers)]
    atoms = load(tmp_path, rows)  # and does not warn
    assert len(np.unique(number_residues(atoms))) == len(rows)


def test_no_atoms_have_no_alternates() -> None:
    assert len(choose_alternates(Atoms.from_arrays(np.zeros((0, 3)), 6), "highest")) == 0
