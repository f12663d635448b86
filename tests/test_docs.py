"""The site's pages: what is on them, read from the Markdown, and what docstrings become."""

from __future__ import annotations

import importlib.util
import inspect
import operator
import re
from pathlib import Path
from typing import Any

import pytest

import numbavol

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = Path(numbavol.__file__).parent
FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
DOCUMENTED = re.compile(r"^::: (\S+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
QUOTED = re.compile(r"`([^`]+)`")
pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").exists(), reason="the site is not here")


def pages() -> list[Path]:
    return sorted(path for path in DOCS.rglob("*.md") if "site_support" not in path.parts)


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def pages_of_the_navigation() -> list[str]:
    _, _, navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")
    return re.findall(r"(\S+\.md)$", navigation, re.MULTILINE)


def public_modules() -> list[Any]:
    things = [getattr(numbavol, name) for name in numbavol.__all__]
    return [numbavol, *filter(inspect.ismodule, things)]


def public_things() -> list[Any]:
    things = [getattr(module, name) for module in public_modules() for name in module.__all__]
    each = {id(thing): thing for thing in things if not inspect.ismodule(thing)}
    return list(each.values())


def test_pages_are_those_of_the_navigation() -> None:
    listed = pages_of_the_navigation()
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == sorted(map(name_of, pages()))


def test_every_public_name_stands_on_one_page_of_the_api() -> None:
    names = [
        name
        for page in sorted((DOCS / "api").glob("*.md"))
        for name in DOCUMENTED.findall(page.read_text())
    ]
    documented = [
        operator.attrgetter(name.removeprefix("numbavol."))(numbavol)
        for name in names
        if name.startswith("numbavol.")
    ]
    assert len(documented) == len(names)
    twice = [name for name, thing in zip(names, documented, strict=True)
             if sum(thing is other for other in documented) > 1]  # fmt: skip
    assert not twice
    missing = [thing for thing in public_things() if not any(thing is one for one in documented)]
    assert not missing


def test_names_are_documented_only_on_pages_of_the_api() -> None:
    others = [page for page in pages() if page.parent != DOCS / "api"]
    assert not [name_of(page) for page in others if DOCUMENTED.search(page.read_text())]


def test_the_index_of_the_api_leads_to_all_of_it() -> None:
    index = (DOCS / "api" / "index.md").read_text()
    linked = set(LINK.findall(index))
    assert {path.name for path in (DOCS / "api").glob("*.md")} <= linked | {"index.md"}
    assert not [module for module in public_modules() if f"`{module.__name__}`" not in index]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(FENCE.sub("", page.read_text()))
    inside = [link for link in links if ":" not in link]
    assert not [link for link in inside if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    words = [text.split()[0] for text in QUOTED.findall(FENCE.sub("", page.read_text()))
             if text.strip()]  # fmt: skip
    of_the_checkout = [
        word for word in words if re.match(r"(?:docs|numbavol|scripts|tests)/[\w/.-]+$", word)
    ]
    missing = [word for word in of_the_checkout if not (ROOT / word).exists()]
    modules = [word for word in words if re.fullmatch(r"\w+/[\w/]+\.py", word)]
    missing += [
        word for word in modules if not (PACKAGE / word).exists() and not (ROOT / word).exists()
    ]
    assert not missing


@pytest.fixture(scope="module")
def rst() -> Any:
    pytest.importorskip("griffe")
    path = DOCS / "site_support" / "rst_in_docstrings.py"
    spec = importlib.util.spec_from_file_location("rst_in_docstrings", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"with :math:`\Delta^2` of it", r"with $\Delta^2$ of it"),
        (".. math:: a = b\n\nThen.", "$$\na = b\n$$\n\nThen."),
        (".. math:: a\n          + b\n", "$$\na\n          + b\n$$"),
        ("    .. math:: a = b\n", "    $$\n    a = b\n    $$"),
        ("factor [1]_ [2]_. One", "factor (1) (2). One"),
        (
            "See Also\n--------\nread_it : Of `a` : b.\n\nNotes\n-----\na : b",
            "See Also\n--------\n- `read_it`: Of `a` : b.\n\nNotes\n-----\na : b",
        ),
        (".. [1] Hawkes (2022).\n.. [2] Peng (1996).", "- 1: Hawkes (2022).\n- 2: Peng (1996)."),
    ],
    ids=["inline", "block", "two lines", "indented", "references", "see also", "footnotes"],
)
def test_docstrings_become_markdown(rst: Any, text: str, expected: str) -> None:
    # Several empty lines are one.
    assert re.sub("\n{2,}", "\n\n", rst.translate(text)).strip("\n") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The mean.", ":\n    The mean."),
        ("The mean\nof all.", ":\n    The mean\n    of all."),
        ("ndarray\n    The mean.", "ndarray\n    The mean."),
        ("mean : float\n    Of all.", "mean : float\n    Of all."),
        ("mean\n    Of all.\nsum\n    Too.", "mean :\n    Of all.\nsum :\n    Too."),
    ],
    ids=["sentence", "two lines", "type", "name and type", "names"],
)
def test_returns_have_names_types_and_descriptions(rst: Any, text: str, expected: str) -> None:
    heading = "Returns\n-------\n"
    following = "\nRaises\n------\nValueError\n    Never.\n"
    translated = rst.translate(f"{heading}{text}\n{following}")
    assert translated == f"{heading}{expected}\n{following}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see `project`.", "numbavol.project"),
        ("see `numbavol.rfftn`.", "numbavol.rfftn"),
        ("of `ImageConfig.lorentz_factor`", "numbavol.ImageConfig.lorentz_factor"),
        ("`numbavol.plot.plot_map` draws", "numbavol.plot.plot_map"),
        ("a `Placement` is", "numbavol.projection.Placement"),
    ],
)  # fmt: skip
def test_public_names_become_links(rst: Any, text: str, address: str) -> None:
    quoted = QUOTED.search(text)[0]
    assert rst.translate(text) == text.replace(quoted, f"[{quoted}][{address}]")


@pytest.mark.parametrize(
    "text",
    [
        "the argument `pad_mode`",
        "``project`` in two quotes",
        "`n // 2` and `True`",
        "`numpy.pad`",
        "the module `poses`",
        "`AbstractVolumeRenderFn.__call__`",
        ">>> print('`project`')",
        "`ImageConfig.no_such_name`",
    ],
)
def test_other_text_stays_as_it_is(rst: Any, text: str) -> None:
    assert rst.translate(text) == text


def test_an_unknown_directive_is_an_error(rst: Any) -> None:
    with pytest.raises(ValueError, match=r"the site does not know: \.\. note:: Mind"):
        rst.translate("Text.\n\n.. note:: Mind the gap.\n")
