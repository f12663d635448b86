from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from numbavol.atoms import read_atoms_from_pdb
from numbavol.atoms.pdb_columns import prepare_pdb


@pytest.fixture
def elements_and_charges(write_pdb):
    def read(*lines):
        _, atomic_numbers, properties = read_atoms_from_pdb(
            write_pdb(*lines), loads_properties=True
        )
        return atomic_numbers.tolist(), properties["charges"].tolist()

    return read


class TestColumns73To80:
    def test_a_good_file_is_left_alone(self, atom_line):
        text = "".join(
            [
                "HEADER    SOMETHING\n",
                atom_line(),
                atom_line("ZN  ", residue="ZN", tail="ZN2+", record="HETATM"),
                atom_line(" O  ", tail=" O1-", segment="WAT1"),
                "END\n",
            ]
        ).encode()
        assert prepare_pdb(text) == text

    @pytest.mark.parametrize(
        ("segment", "tail"),
        [
            ("1ABC", "  12"),  # the entry and the number of the line
            ("1ABC", " 123"),
            ("1ABC", "1234"),
            ("1ABC", "   1"),
            ("0000", "0042"),  # a card sequence number
            ("CHAI", "NA  "),  # would be sodium
            ("MEMB", "RANE"),  # radium
            ("LIGA", "ND01"),  # neodymium, charge +1
            ("PROT", "EIN "),
            ("SEGM", "    "),
            ("A   ", "    "),
        ],
    )
    def test_text_there_is_neither_element_nor_charge(
        self, elements_and_charges, atom_line, segment, tail
    ):
        names = [" N  ", " CA ", " C  ", " O  ", " CB ", " SG ", "1HB ", "HG11"]
        lines = [atom_line(name, segment=segment, tail=tail) for name in names]
        expected = [7, 6, 6, 8, 6, 16, 1, 1]
        assert elements_and_charges(*lines) == (expected, [0] * len(names))

    def test_line_numbers_that_differ(self, elements_and_charges, atom_line):
        lines = [atom_line(segment="1ABC", tail=f"{i:4d}") for i in range(1, 1200)]
        atomic_numbers, charges = elements_and_charges(*lines)
        assert set(atomic_numbers) == {6}
        assert set(charges) == {0}

    def test_elements_beside_a_segment_are_kept(self, elements_and_charges, atom_line):
        lines = [
            atom_line(" CA ", segment="SEG1"),
            atom_line(" N  ", segment="SEG1", tail=" N1+"),
            atom_line("CA  ", segment="SEG1", residue="CA", tail="CA2+", record="HETATM"),
        ]
        assert elements_and_charges(*lines) == ([6, 7, 20], [0, 1, 2])

    def test_an_element_that_its_name_does_not_tell_is_kept_in_a_good_file(
        self, elements_and_charges, atom_line
    ):
        # As VMD writes ions of CHARMM.
        lines = [
            *[atom_line(" CA ", segment="PROT")] * 3,
            atom_line(" SOD", residue="SOD", segment="ION ", tail="NA  "),
            atom_line(" POT", residue="POT", segment="ION ", tail=" K  "),
        ]
        assert elements_and_charges(*lines)[0] == [6, 6, 6, 11, 19]

    def test_names_that_begin_with_another_element(self, elements_and_charges, atom_line):
        # As old entries name the carbon and the oxygen of an adenine ribose.
        lines = [
            atom_line("AC5*", residue="NAD", record="HETATM"),
            atom_line("AO3*", residue="NAD", tail=" O  ", record="HETATM"),
        ]
        assert elements_and_charges(*lines)[0] == [6, 8]

    @pytest.mark.parametrize("tail", ["C   ", " c  ", " C12", " C ?", " Cxy", " C1 "])
    def test_a_charge_needs_a_digit_and_a_sign(self, elements_and_charges, atom_line, tail):
        assert elements_and_charges(atom_line(tail=tail)) == ([6], [0])

    def test_two_letter_elements_in_any_case(self, elements_and_charges, atom_line):
        lines = [atom_line("FE  ", residue="HEM", tail=tail) for tail in ("FE  ", "Fe  ", "fe  ")]
        assert elements_and_charges(*lines)[0] == [26] * 3

    def test_lines_that_end_before(self, elements_and_charges, atom_line):
        ends = (54, 60, 66, 72, 76, 77, 78, 79)
        lines = [atom_line(tail="    ")[:end] + "\n" for end in ends]
        assert elements_and_charges(*lines) == ([6] * len(ends), [0] * len(ends))

    def test_longer_lines(self, elements_and_charges, atom_line):
        assert elements_and_charges(atom_line()[:-1] + " a remark 5\n") == ([6], [0])

    def test_good_and_old_lines_in_one_file(self, elements_and_charges, atom_line):
        lines = [atom_line(), atom_line(), atom_line(" N  ", segment="1ABC", tail="  17")]
        assert elements_and_charges(*lines) == ([6, 6, 7], [0, 0, 0])

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([" N  ", " CA ", " C  ", " O  ", " SD "]),
                st.text("ABCDEFNOSZ 0123456789+-", min_size=8, max_size=8),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_whatever_stands_there_is_read(self, atom_line, atoms):
        text = "".join(atom_line(name, segment=t[:4], tail=t[4:]) for name, t in atoms)
        structure = gemmi.read_pdb_string(prepare_pdb(text.encode()))
        assert structure[0].count_atom_sites() == len(atoms)


class TestLeftJustifiedNames:
    def test_without_elements_an_alpha_carbon_is_carbon(self, elements_and_charges, atom_line):
        names = ["N   ", "CA  ", "CD  ", "NE  ", "OG  ", "SG  ", "HG  ", "HO  "]
        lines = [atom_line(name, tail="    ") for name in names]
        assert elements_and_charges(*lines)[0] == [7, 6, 6, 7, 8, 16, 1, 1]

    def test_calcium_is_calcium(self, elements_and_charges, atom_line):
        lines = [atom_line("CA  ", residue=" CA", tail=tail) for tail in ("    ", "CA  ")]
        assert elements_and_charges(*lines)[0] == [20, 20]

    def test_the_name_itself_stays(self, atom_line):
        text = atom_line("CA  ", tail="    ").encode()
        assert gemmi.read_pdb_string(prepare_pdb(text))[0].sole_residue("A", gemmi.SeqId("1"))["CA"]

    def test_nucleotides(self, elements_and_charges, atom_line):
        lines = [atom_line("P   ", residue=residue, tail="    ") for residue in ("A", "DG", "U")]
        assert elements_and_charges(*lines)[0] == [15, 15, 15]


class TestNumbers:
    @pytest.mark.parametrize(
        "content", ["********", "        ", "     NaN", "1.0  2.0", "    -   "]
    )
    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_a_coordinate_that_is_none_is_an_error(self, write_pdb, atom_line, content, axis):
        line = atom_line()
        start = 30 + 8 * axis
        path = write_pdb("REMARK\n", atom_line(), line[:start] + content + line[start + 8 :])
        with pytest.raises(ValueError, match=f"line 3, columns {start + 1}-{start + 8}") as caught:
            read_atoms_from_pdb(path)
        assert repr(content) in str(caught.value)
        assert str(path) in str(caught.value)

    def test_columns_out_of_step_are_an_error(self, write_pdb, atom_line):
        line = atom_line(xyz=(11.5, 22.5, 33.5))
        with pytest.raises(ValueError, match="expected a number"):
            read_atoms_from_pdb(write_pdb(line[:6] + "100000" + line[11:]))

    @pytest.mark.parametrize("field", ["occupancy", "b_factor"])
    def test_asterisks_elsewhere_are_an_error(self, write_pdb, atom_line, field):
        with pytest.raises(ValueError, match=r"line 1, columns .* not '\*{6}'"):
            read_atoms_from_pdb(write_pdb(atom_line(**{field: "*" * 6})))

    @pytest.mark.parametrize("end", [54, 59, 60, 65, 66, 80])
    def test_blank_occupancies_and_b_factors_are_the_documented_ones(
        self, write_pdb, atom_line, end
    ):
        line = atom_line(occupancy="", b_factor="")[:end] + "\n"
        properties = read_atoms_from_pdb(write_pdb(line), loads_properties=True)[2]
        assert (properties["occupancies"], properties["b_factors"]) == ([1.0], [20.0])

    def test_a_zero_is_no_blank(self, write_pdb, atom_line):
        line = atom_line(occupancy="0.00", b_factor="0.00")
        properties = read_atoms_from_pdb(write_pdb(line), loads_properties=True)[2]
        assert (properties["occupancies"], properties["b_factors"]) == ([0.0], [0.0])

    @given(
        st.lists(st.tuples(*[st.integers(-999999, 999999)] * 3, st.integers(0, 9999)), min_size=1)
    )
    def test_numbers_survive(self, atom_line, rows):
        text = "".join(
            atom_line(xyz=[value / 1000 for value in row[:3]], b_factor=f"{row[3] / 100:.2f}")
            for row in rows
        )
        atoms = gemmi.read_pdb_string(prepare_pdb(text.encode()))[0]
        positions = np.array([cra.atom.pos.tolist() for cra in atoms.all()])
        assert_array_equal(positions, np.array([row[:3] for row in rows]) / 1000)


class TestEnds:
    def test_atoms_after_end_are_not_lost(self, write_pdb, atom_line):
        for end in ("END\n", "END   \n", "end\n", "END\r\n"):
            path = write_pdb(atom_line(), end, atom_line(), "END\n")
            assert len(read_atoms_from_pdb(path, models="all")[0]) == 2

    def test_end_between_numbered_models(self, write_pdb, atom_line):
        model = ("MODEL        1\n", atom_line(), "ENDMDL\n", "END\n")
        path = write_pdb(*model, model[0].replace("1", "2"), *model[1:])
        assert read_atoms_from_pdb(path, models="stack")[0].shape == (2, 1, 3)
