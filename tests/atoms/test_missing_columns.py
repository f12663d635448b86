"""Tables of atoms of mmCIF without a column that gemmi needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from numbavol.atoms import load_atoms, read_atoms_from_pdb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TAGS = ["id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"]
TAGS += ["auth_asym_id", "label_seq_id", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy"]
TAGS += ["B_iso_or_equiv"]
ROWS = (
    "1 C CA . ALA A H 1 1 2 3 1 10",
    "2 N N . ALA A H 1 2 2 3 0.5 10",
    "3 CA CA . CA B L 2 3 2 3 1 10",
)


@pytest.fixture
def write_without(tmp_path: Path):
    def write(*missing: str, rows: Iterable[str] = ROWS, as_pairs: bool = False) -> Path:
        kept = [n for n, tag in enumerate(TAGS) if tag not in missing]
        tags = [f"_atom_site.{TAGS[n]}" for n in kept]
        values = [[row.split()[n] for n in kept] for row in rows]
        if as_pairs:
            lines = [" ".join(pair) for pair in zip(tags, values[0], strict=True)]
        else:
            lines = ["loop_", *tags, *map(" ".join, values)]
        path = tmp_path / "model.cif"
        path.write_text("\n".join(["data_test", *lines, ""]))
        return path

    return write


@pytest.mark.parametrize(
    "missing",
    [
        ("id",),
        ("label_alt_id",),
        ("label_asym_id",),
        ("id", "label_alt_id", "label_asym_id"),
    ],
)
def test_what_only_names_atoms_may_be_missing(write_without, missing: tuple[str, ...]) -> None:
    positions, atomic_numbers, properties = read_atoms_from_pdb(
        write_without(*missing), loads_properties=True, center=False
    )
    np.testing.assert_array_equal(positions, [[1, 2, 3], [2, 2, 3], [3, 2, 3]])
    assert atomic_numbers.tolist() == [6, 7, 20]
    assert properties["occupancies"].tolist() == [1.0, 0.5, 1.0]
    assert load_atoms(write_without(*missing)).alternates.tolist() == [""] * 3


def test_the_one_atom_of_a_file_may_be_written_as_pairs(write_without) -> None:
    path = write_without("id", "label_alt_id", rows=ROWS[:1], as_pairs=True)
    assert read_atoms_from_pdb(path)[1].tolist() == [6]


def test_chains_have_the_names_that_are_left(write_without) -> None:
    assert load_atoms(write_without("label_asym_id")).chains.tolist() == ["H", "H", "L"]
    nameless = load_atoms(write_without("label_asym_id", "auth_asym_id"))
    assert nameless.chains.tolist() == [""] * 3


@pytest.mark.parametrize("missing", ["type_symbol", "Cartn_y", "label_atom_id", "label_seq_id"])
def test_what_nothing_stands_in_for_is_named(write_without, missing: str) -> None:
    path = write_without(missing, "id")
    with pytest.raises(ValueError, match=rf"model\.cif: .*[Nn].*_atom_site\.{missing}"):
        read_atoms_from_pdb(path)


def test_all_that_is_missing_is_named(write_without) -> None:
    path = write_without("type_symbol", "Cartn_z")
    with pytest.raises(ValueError, match=r"has no _atom_site\.type_symbol and no _atom_site\.Cart"):
        read_atoms_from_pdb(path)
