"""A monomer library of a glycine, a serine, a water and their peptide link, to write into a folder.

Bond lengths and angles are round numbers: tests compare with what these say, not with proteins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NH, CH, OH = 0.9, 1.0, 0.85
TETRAHEDRAL, PLANAR = 109.5, 120.0
_BACKBONE = [("N", "CA", 1.46), ("CA", "C", 1.52), ("C", "O", 1.23), ("C", "OXT", 1.23)]
_BACKBONE += [("N", "H", NH), ("N", "H2", NH), ("N", "H3", NH)]
_BACKBONE_TORSIONS = [("C", "CA", "N", "H", 180.0, 3)]
MONOMERS = {
    "GLY": (
        [*_BACKBONE, ("CA", "HA2", CH), ("CA", "HA3", CH)],
        _BACKBONE_TORSIONS,
    ),
    "SER": (
        [
            *_BACKBONE, ("CA", "HA", CH), ("CA", "CB", 1.52), ("CB", "OG", 1.42),
            ("CB", "HB2", CH), ("CB", "HB3", CH), ("OG", "HG", OH),
        ],
        # Threefold, of one hydrogen: where it is, is not known.
        [*_BACKBONE_TORSIONS, ("CA", "CB", "OG", "HG", 180.0, 3)],
    ),
    "HOH": ([("O", "H1", OH), ("O", "H2", OH)], []),
}  # fmt: skip
_LINK = """\
data_link_list
loop_
_chem_link.id
_chem_link.comp_id_1
_chem_link.mod_id_1
_chem_link.group_comp_1
_chem_link.comp_id_2
_chem_link.mod_id_2
_chem_link.group_comp_2
_chem_link.name
TRANS . DEL-OXT peptide . DEL-NH3 peptide peptide

data_mod_list
loop_
_chem_mod.id
_chem_mod.name
_chem_mod.comp_id
_chem_mod.group_id
DEL-OXT DEL-OXT . peptide
DEL-NH3 DEL-NH3 . peptide

data_link_TRANS
loop_
_chem_link_bond.link_id
_chem_link_bond.atom_1_comp_id
_chem_link_bond.atom_id_1
_chem_link_bond.atom_2_comp_id
_chem_link_bond.atom_id_2
_chem_link_bond.type
_chem_link_bond.value_dist
_chem_link_bond.value_dist_esd
TRANS 1 C 2 N single 1.33 0.01
loop_
_chem_link_angle.link_id
_chem_link_angle.atom_1_comp_id
_chem_link_angle.atom_id_1
_chem_link_angle.atom_2_comp_id
_chem_link_angle.atom_id_2
_chem_link_angle.atom_3_comp_id
_chem_link_angle.atom_id_3
_chem_link_angle.value_angle
_chem_link_angle.value_angle_esd
TRANS 1 CA 1 C 2 N 120.0 2.0
TRANS 1 O 1 C 2 N 120.0 2.0
TRANS 1 C 2 N 2 CA 120.0 2.0
TRANS 1 C 2 N 2 H 120.0 2.0
loop_
_chem_link_tor.link_id
_chem_link_tor.id
_chem_link_tor.atom_1_comp_id
_chem_link_tor.atom_id_1
_chem_link_tor.atom_2_comp_id
_chem_link_tor.atom_id_2
_chem_link_tor.atom_3_comp_id
_chem_link_tor.atom_id_3
_chem_link_tor.atom_4_comp_id
_chem_link_tor.atom_id_4
_chem_link_tor.value_angle
_chem_link_tor.value_angle_esd
_chem_link_tor.period
TRANS omega 1 CA 1 C 2 N 2 CA 180.0 5.0 0

data_mod_DEL-OXT
loop_
_chem_mod_atom.mod_id
_chem_mod_atom.function
_chem_mod_atom.atom_id
_chem_mod_atom.new_atom_id
_chem_mod_atom.new_type_symbol
_chem_mod_atom.new_type_energy
_chem_mod_atom.new_charge
DEL-OXT delete OXT . O O .

data_mod_DEL-NH3
loop_
_chem_mod_atom.mod_id
_chem_mod_atom.function
_chem_mod_atom.atom_id
_chem_mod_atom.new_atom_id
_chem_mod_atom.new_type_symbol
_chem_mod_atom.new_type_energy
_chem_mod_atom.new_charge
DEL-NH3 delete H2 . H H .
DEL-NH3 delete H3 . H H .
loop_
_chem_mod_angle.mod_id
_chem_mod_angle.function
_chem_mod_angle.atom_id_1
_chem_mod_angle.atom_id_2
_chem_mod_angle.atom_id_3
_chem_mod_angle.new_value_angle
_chem_mod_angle.new_value_angle_esd
DEL-NH3 change CA N H 120.0 2.0
"""
_ENERGIES = """\
data_energy
loop_
_lib_atom.type
_lib_atom.weight
_lib_atom.hb_type
_lib_atom.vdw_radius
_lib_atom.vdwh_radius
_lib_atom.ion_radius
_lib_atom.element
_lib_atom.valency
_lib_atom.sp
C 12.0 N 1.7 1.7 . C 4 3
"""


def write_monomer_library(folder: Path, monomers: tuple[str, ...] = tuple(MONOMERS)) -> Path:
    """Write a library of some monomers; returns its folder."""
    (folder / "list").mkdir(parents=True)
    (folder / "list" / "mon_lib_list.cif").write_text(_LINK)
    (folder / "ener_lib.cif").write_text(_ENERGIES)
    for name in monomers:
        path = folder / name[0].lower() / f"{name}.cif"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_write_monomer(name))
    return folder


def _write_monomer(name: str) -> str:
    bonds, torsions = MONOMERS[name]
    atoms = dict.fromkeys(atom for bond in bonds for atom in bond[:2])
    group = "NON-POLYMER" if name == "HOH" else "L-PEPTIDE"
    neighbours = {
        atom: [b[1] if b[0] == atom else b[0] for b in bonds if atom in b[:2]] for atom in atoms
    }
    angles = [
        (one, atom, other, PLANAR if atom == "C" else TETRAHEDRAL)
        for atom in atoms
        for number, one in enumerate(neighbours[atom])
        for other in neighbours[atom][number + 1 :]
    ]
    chirality = [("CA", "N", "C", "CB", "negativ")] if "CB" in atoms else []
    return "\n".join(
        [
            "data_comp_list",
            *_loop("comp", ["id", "group"], [(group,)], name),
            f"data_comp_{name}",
            *_loop(
                "comp_atom",
                ["comp_id", "atom_id", "type_symbol", "type_energy"],
                [(atom, atom[0], atom[0]) for atom in atoms],
                name,
            ),
            *_loop(
                "comp_bond",
                ["comp_id", "atom_id_1", "atom_id_2", "type", "value_dist", "value_dist_esd"],
                [(one, other, "single", length, 0.02) for one, other, length in bonds],
                name,
            ),
            *_loop(
                "comp_angle",
                ["comp_id", *_numbered("atom_id", 3), "value_angle", "value_angle_esd"],
                [(*angle, 2.0) for angle in angles],
                name,
            ),
            *_loop(
                "comp_tor",
                [
                    "comp_id", *_numbered("atom_id", 4), "value_angle", "period",
                    "value_angle_esd", "id",
                ],
                [(*torsion, 10.0, f"t{n}") for n, torsion in enumerate(torsions)],
                name,
            ),
            *_loop(
                "comp_chir",
                ["comp_id", "atom_id_centre", *_numbered("atom_id", 3), "volume_sign"],
                chirality,
                name,
            ),
        ]
    )  # fmt: skip


def _numbered(word: str, n: int) -> list[str]:
    return [f"{word}_{number}" for number in range(1, n + 1)]


def _loop(category: str, tags: list[str], rows: list[tuple[object, ...]], name: str) -> list[str]:
    if not rows:
        return []
    return [
        "loop_",
        *(f"_chem_{category}.{tag}" for tag in tags),
        *(" ".join(map(str, (name, *row))) for row in rows),
        "",
    ]
