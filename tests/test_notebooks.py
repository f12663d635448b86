"""What a notebook shows."""

from __future__ import annotations

import base64
import html.parser
import io
import re
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

import numbavol
from numbavol.notebooks import describe_grid, describe_memory, encode_png, make_thumbnail
from numbavol.progress import progress_bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

RAMP = np.arange(6.0 * 8 * 10).reshape(6, 8, 10)
GAUSSIANS = numbavol.GaussianMixtureVolume([[0.0, 0, 0], [1, 2, 3]], 2.0, 1.0)
ATOMS = numbavol.IndependentAtomVolume.from_atoms([[0.0, 0, 0], [1, 2, 3]], [6, 8])
OBJECTS = {
    "Gaussians": (GAUSSIANS, ["positions</th><td", "1.0 x 2.0 x 3.0 Å", "4 Å", "80 bytes"]),
    "atoms": (ATOMS, [">2<", "groups", "48 bytes"]),
    "a map": (
        numbavol.RealVoxelGridVolume.from_real_voxel_grid(RAMP, voxel_size=1.5),
        ["6 x 8 x 10", "1.5 Å", "15 x 12 x 9 Å", "float64", "3.75 KiB", "data:image/png"],
    ),
    "a transform": (
        numbavol.FourierVoxelGridVolume.from_real_voxel_grid(RAMP),
        ["6 x 8 x 10", "not known", "complex128"],
    ),
    "a renderer": (
        numbavol.GaussianMixtureRenderFn((4, 5, 6), (1.0, 1.5, 2.0)),
        ["4 x 5 x 6", "1 x 1.5 x 2 Å", "6 x 7.5 x 8 Å", "tolerance", "float32"],
    ),
    "a renderer of atoms": (numbavol.FFTAtomRenderFn((4, 5, 6), 1.0), ["eps"]),
}


class Balanced(html.parser.HTMLParser):
    """Raises where tags do not close in the order they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.feed(text)
        assert self.open_tags == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag != "img":
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_say_what_they_are(name: str) -> None:
    shown, facts = OBJECTS[name]
    text = shown._repr_html_()
    Balanced(text)
    assert type(shown).__name__ in text
    for fact in facts:
        assert fact in text


def test_a_map_that_was_read_shows_its_central_section(tmp_path: Any) -> None:
    numbavol.write_map(tmp_path / "map.mrc", RAMP, 1.5, origin=(1.0, 2.0, 3.0))
    text = numbavol.read_map(tmp_path / "map.mrc")._repr_html_()
    Balanced(text)
    assert "1, 2, 3 Å" in text
    found = re.search("base64,([^']+)'", text)
    assert found is not None
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    np.testing.assert_array_equal(pixels, make_thumbnail(RAMP[3]))
    # y goes up.
    assert pixels[0].mean() > pixels[-1].mean()


@given(gray=npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_png_holds_the_bytes(gray: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(gray)))), gray)


@given(
    image=npst.arrays(
        np.float32,
        npst.array_shapes(min_dims=2, max_dims=2, max_side=300),
        elements=st.floats(width=32),
    )
)
def test_thumbnails_are_small_and_never_fail(image: NDArray[np.float32]) -> None:
    thumbnail = make_thumbnail(image)
    assert max(thumbnail.shape) < 200
    assert thumbnail.dtype == np.uint8


def test_memory_is_in_a_readable_unit() -> None:
    assert describe_memory(np.zeros(100, np.uint8)) == "100 bytes"
    assert describe_memory(np.zeros(2**20, np.uint8), np.zeros(2**19, np.uint8)) == "1.5 MiB"
    assert describe_memory(np.broadcast_to(np.uint8(0), (3, 2**30))) == "3 GiB"


def test_an_empty_map_has_no_picture() -> None:
    for shape in ((0, 4, 4), (4, 0, 4), (4, 4, 0)):
        nowhere = np.zeros(3)
        empty = numbavol.RealSpaceMap(
            np.zeros(shape, np.float32), np.ones(3), nowhere, nowhere.astype(np.int64)
        )
        text = empty._repr_html_()
        Balanced(text)
        assert "0 bytes" in text
        assert "<img" not in text


def test_the_box_of_a_transform_is_that_of_the_padded_map() -> None:
    for volume in (numbavol.FourierVoxelGridVolume, numbavol.FourierVoxelSplineVolume):
        padded = volume.from_real_voxel_grid(RAMP, pad_scale=2.0, voxel_size=1.5)
        assert "padded box (x, y, z)</th><td style='text-align:left'>30 x 24 x 18 Å" in (
            padded._repr_html_()
        )


def test_sides_that_differ_are_all_said() -> None:
    assert describe_grid((2, 3, 4), (1.0, 2.0, 3.0))["box (x, y, z)"] == "4 x 6 x 6 Å"


def test_progress_in_a_notebook_is_updated_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def display(html: str, display_id: bool) -> SimpleNamespace:
        assert display_id
        shown.append(html)
        return SimpleNamespace(update=shown.append)

    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    fake = SimpleNamespace(HTML=lambda text: text, display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    with progress_bar("projecting <1>") as report:
        assert report is not None
        report(1, 3)
        report(2, 3)
        report(3, 3)
    assert shown[0] == "projecting &lt;1&gt;"
    assert shown[-2].endswith("<progress value='3' max='3'></progress> 3 of 3")
    # What is done leaves nothing.
    assert shown[-1] == ""


def test_progress_that_is_not_wanted_is_not_shown() -> None:
    with progress_bar("projecting", is_wanted=False) as report:
        assert report is None
