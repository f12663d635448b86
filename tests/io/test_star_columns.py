"""Columns of numbers in STAR files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numbavol.io.star_blocks import read_star_columns, write_star_columns

if TYPE_CHECKING:
    from pathlib import Path

TAGS = ("_someFrequency", "_someValue")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1)
)
def test_columns_are_read_as_they_were_written(
    tmp_path: Path, rows: list[tuple[float, float]]
) -> None:
    columns = dict(zip(TAGS, np.array(rows).T, strict=True))
    write_star_columns(tmp_path / "some.star", "some", columns, overwrite=True)
    read = read_star_columns(tmp_path / "some.star", "curve", TAGS[::-1])
    np.testing.assert_array_equal(read, [columns[tag] for tag in TAGS[::-1]])


def test_the_block_is_found_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "some.star"
    path.write_text(
        "data_other loop_ _someFrequency 1 2 data_one _someValue 7 _someFrequency 0.5 data_last"
    )
    assert read_star_columns(path, "curve", TAGS) == [[0.5], [7.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data_a _someValue 1", "expected one block with .* got 0 \\(in data_a\\)"),
        ("", "got 0 \\(in no block\\)"),
        ("data_a _someValue 1 _someFrequency 1 data_b _someValue 1 _someFrequency 1", "got 2"),
        ("data_a loop_ _someFrequency _someValue 0 1 1 x", "_someValue of row 2 is x"),
        ("data_a loop_ _someFrequency _someValue 0 1 1", "no curve that can be read: line 1"),
        ("data_\u00e4", "got 0 \\(in data_\u00e4\\)"),
        ("data_a loop_ _someFrequency _someValue 0 1 1_0 2", "_someFrequency of row 2 is 1_0"),
    ],
    ids=["none", "empty", "two", "text", "damaged", "not ASCII", "of Python"],
)
def test_what_holds_no_columns_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "some.star"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read_star_columns(path, "curve", TAGS)
    assert str(caught.value).startswith(f"{path}: no curve that can be read: ")


def test_a_file_is_replaced_only_when_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "some.star"
    for value in (1.0, 2.0):
        columns = dict.fromkeys(TAGS, np.array([value]))
        write_star_columns(path, "some", columns, overwrite=value == 2.0)
    with pytest.raises(FileExistsError):
        write_star_columns(path, "some", columns, overwrite=False)
    assert read_star_columns(path, "curve", TAGS) == [[2.0], [2.0]]
