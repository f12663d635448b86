from __future__ import annotations

import dataclasses
import pickle

import gemmi
import numpy as np
import pytest
from numpy.testing import assert_allclose

from numbavol.atoms import describe_structure, read_atoms_from_pdb
from numbavol.data import enterotoxin


def test_of_a_peptide(peptide):
    summary = describe_structure(peptide)
    model = gemmi.read_structure(str(peptide))[0]
    positions, atomic_numbers, properties = read_atoms_from_pdb(peptide, loads_properties=True)
    assert (summary.format, summary.entry_id, summary.title) == ("mmCIF", "3AL1", "")
    assert summary.model_numbers == (1,)
    assert summary.n_atoms == 679
    assert summary.chains == tuple(chain.name for chain in model)
    assert summary.n_residues == sum(len(chain) for chain in model)
    assert summary.n_waters == sum(residue.is_water() for chain in model for residue in chain) > 0
    assert summary.n_alternates == sum(cra.atom.has_altloc() for cra in model.all()) > 0
    assert summary.elements == {
        symbol: int(np.sum(atomic_numbers == z))
        for symbol, z in {"H": 1, "C": 6, "N": 7, "O": 8}.items()
    }
    assert_allclose(summary.occupancy_sum, properties["occupancies"].sum())
    assert summary.b_factor_range == (
        properties["b_factors"].min(),
        properties["b_factors"].max(),
    )
    assert_allclose(summary.b_factor_mean, properties["b_factors"].mean())
    assert_allclose(summary.extent, np.ptp(positions, axis=0))


def test_counts_are_of_the_first_model(atom_line, write_pdb):
    path = write_pdb(
        "HEADER    TOXIN                                   01-JAN-94   1ABC              \n",
        "TITLE     AN EXAMPLE                                                            \n",
        "MODEL        5\n",
        atom_line(" CA ", altloc="A", occupancy="0.50"),
        atom_line(" CA ", altloc="B", occupancy="0.50"),
        atom_line(" D  ", tail=" D  "),
        atom_line(" X  ", tail=" X  ", chain="B"),
        atom_line(" O  ", tail=" O  ", chain="B", residue="HOH", number=9, record="HETATM"),
        "ENDMDL\nMODEL        6\n",
        atom_line(),
        "ENDMDL\n",
    )
    summary = describe_structure(path)
    assert (summary.format, summary.entry_id, summary.title) == ("PDB", "1ABC", "AN EXAMPLE")
    assert summary.model_numbers == (5, 6)
    assert summary.chains == ("A", "B")
    assert (summary.n_residues, summary.n_waters, summary.n_atoms) == (3, 1, 5)
    assert summary.n_alternates == 2
    assert summary.elements == {"X": 1, "C": 2, "O": 1, "D": 1}
    assert summary.occupancy_sum == 4.0
    assert summary.b_factor_range == (10.0, 10.0)
    assert summary.extent == (0.0, 0.0, 0.0)


def test_a_chain_in_parts_is_one_chain(atom_line, write_pdb):
    path = write_pdb(atom_line(), atom_line(chain="B"), atom_line(number=2))
    assert describe_structure(path).chains == ("A", "B")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_letters_that_are_not_ascii_are_question_marks(atom_line, tmp_path, encoding):
    path = tmp_path / "model.pdb"
    text = "TITLE     5 Å CELL\n" + atom_line(chain="é")[:79] + "\n"
    path.write_bytes(text.encode(encoding))
    summary = describe_structure(path)
    assert (summary.title, summary.chains) == ("5 ? CELL", ("?",))


def test_it_is_frozen_and_can_be_sent_elsewhere():
    summary = describe_structure(enterotoxin())
    assert pickle.loads(pickle.dumps(summary)) == summary
    with pytest.raises(dataclasses.FrozenInstanceError):
        summary.n_atoms = 0


def test_broken_files_are_named(tmp_path, write_cif):
    path = tmp_path / "text.pdb"
    path.write_text("nothing\n")
    with pytest.raises(ValueError, match=r"text\.pdb: not a structure"):
        describe_structure(path)
    with pytest.raises(ValueError, match=r"model\.cif: 1 atoms have no number for a position"):
        describe_structure(write_cif("ATOM 1 C CA . ALA A 1 ? 2 3 1 10 ? 1"))
    with pytest.raises(FileNotFoundError):
        describe_structure(tmp_path / "missing.pdb")
