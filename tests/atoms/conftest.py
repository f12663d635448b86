from __future__ import annotations

import gzip
from pathlib import Path

import pytest


def _atom_line(
    name=" CA ",
    *,
    serial="1",
    altloc=" ",
    residue="ALA",
    chain="A",
    number=1,
    xyz=(1.0, 2.0, 3.0),
    occupancy="1.00",
    b_factor="10.00",
    tail=" C  ",
    segment="    ",
    record="ATOM  ",
):
    """One line of a PDB file; `tail` is columns 77-80, `segment` columns 73-76."""
    line = (
        f"{record}{serial:>5} {name:4}{altloc}{residue:>3} {chain}{number:>4}    "
        f"{xyz[0]:8.3f}{xyz[1]:8.3f}{xyz[2]:8.3f}{occupancy:>6}{b_factor:>6}      {segment}{tail}"
    )
    assert len(line) == 80
    return line + "\n"


@pytest.fixture(scope="session")
def atom_line():
    return _atom_line


@pytest.fixture
def write_pdb(tmp_path):
    def write(*lines, name="model.pdb"):
        path = tmp_path / name
        path.write_bytes("".join(lines).encode("latin-1"))
        return path

    return write


CIF_TAGS = """
    group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id label_seq_id
    Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv pdbx_formal_charge pdbx_PDB_model_num
"""


@pytest.fixture
def write_cif(tmp_path):
    def write(*rows, name="model.cif", header="data_test\n"):
        path = tmp_path / name
        tags = "".join(f"_atom_site.{tag}\n" for tag in CIF_TAGS.split())
        path.write_text(f"{header}loop_\n{tags}" + "".join(f"{row}\n" for row in rows))
        return path

    return write


@pytest.fixture(scope="session")
def peptide():
    """PDB entry 3AL1: hydrogens, alternate conformations, occupancies below 1."""
    return Path(__file__).parents[1] / "data" / "3al1.cif.gz"


@pytest.fixture(scope="session")
def peptide_text(peptide):
    return gzip.decompress(peptide.read_bytes())
