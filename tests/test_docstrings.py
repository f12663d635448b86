"""Every public name says what it is for, with shapes, units, errors, sources and an example."""

from __future__ import annotations

import ast
import builtins
import doctest
import functools
import importlib
import inspect
import re
import textwrap
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import numbavol

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(numbavol.__file__).parent
# The command is documented by its --help; kernels are what the public functions stand on.
NOT_FOR_IMPORT = {"cli", "kernels"}
# Besides what has no underscore: calling is what renderers, operators and filters are for.
PUBLIC_SPECIAL = {"__call__"}

# How docstrings are read.
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
REFERENCE = re.compile(r"(?:As|Those|Options) (?:in|of|for) (?:its )?`([\w.]+)`")
# (z, y, x), (n,), (..., 3), (), [z, y, x], or in words.
LENGTH = r"(?:\.\.\.|\w+(?: (?:\+|//) \w+)*)"
SHAPE = re.compile(
    rf"[(\[](?:{LENGTH}(?:, {LENGTH})+(?:\[, z\])?|{LENGTH},|\.\.\.|)[)\]]"
    r"|\b(?:scalar|number|axes|[Ss]hape)\b"
)
# Functions of arrays are none.
ARRAY = re.compile(r"^(?!Callable).*Array")
QUANTITY = re.compile(
    r"size|spacing|wavelength|variance|b_factor|cutoff|resolution|defocus|offset|position|"
    r"amplitude|frequenc|voltage|angle|origin|radius|width|side_length|coordinate|potential"
)
# Not quantities, though they are called like them.
COUNTED = re.compile(r"batch_size|n_\w+|\w+_bins")
UNIT = re.compile(
    r"angstrom|degree|radian|kilovolt|\bkV\b|cells?\b|pixels?\b|voxels?\b|cycles?\b|fraction|"
    r"\bunits?\b|indices",
    re.IGNORECASE,
)
# What is measured, not what it is measured in.
MEASURED = re.compile(r"(?:voxel|pixel) size|(?:of|sides of) an? (?:voxel|pixel)")
NAMES_ITS_UNIT = re.compile(
    r"_in_(?:inverse_)?(?:angstroms|degrees|pixels|voxels|kilovolts|mm)$|_(?:ratio|fraction)$"
)

# Names that compute a formula of the literature, and the first author that they cite.
FORMULAS = {
    "PengScatteringFactor": "Peng",
    "PengScatteringFactorParameters": "Peng",
    "b_factor_to_variance": "Trueblood",
    "variance_to_b_factor": "Trueblood",
    "compute_fourier_shell_correlation": "Harauz",
    "compute_fourier_ring_correlation": "Saxton",
    "EwaldSphereExtraction": "DeRosier",
    "compute_spline_coefficients": "Unser",
    "map_coordinates": "Unser",
    "WhiteningFilter": "Grant",
    "InverseSincMask": "Jackson",
    "BFactorFilter": "Rosenthal",
    "FFTAtomRenderFn": "Barnett",
    "FFTAtomProjection": "Beatty",
    "RealVoxelProjection": "Beatty",
    "FourierSliceExtraction": "DeRosier & Klug",
    "ImageConfig.wavelength_in_angstroms": "Spence",
    "AbstractVolumeParametrization": "Hawkes",
    "draw_random_poses": "Marsaglia",
    "make_pose_grid": "Gorski",
    "GaussianMixtureRenderFn": "Himes",
    "Detector": "Vulović",
    "DoseWeighting": "Grant",
    "compute_critical_exposure": "Grant",
    "compute_dose_filter": "Grant",
    "BulkSolvent": "Jiang",
    "HydrationLayer": "Shang",
    "VitreousIce": "Parkhurst",
}


class Documented(NamedTuple):
    """A public name: where it is, what it is, and what it stands on."""

    name: str
    thing: Any
    bases: tuple[Any, ...]  # what a method overrides


def _unwrap(thing: Any) -> Any:
    for attribute in ("__func__", "fget", "func", "__wrapped__"):
        thing = getattr(thing, attribute, thing)
    return thing


def _find_public_things() -> dict[str, Documented]:
    folders = [path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("__init__.py")]
    packages = [
        importlib.import_module(".".join(folder.parts))
        for folder in sorted(folders)
        if not NOT_FOR_IMPORT & set(folder.parts)
    ]
    things = {
        getattr(module, name): name
        for module in packages
        for name in module.__all__
        if not inspect.ismodule(getattr(module, name))
    }
    documented: dict[str, Documented] = {}
    for thing, name in things.items():
        documented[name] = Documented(name, thing, ())
        if not inspect.isclass(thing):
            continue
        for member in dir(thing):
            if member.startswith("_") and member not in PUBLIC_SPECIAL:
                continue
            owners = [base for base in thing.__mro__ if member in vars(base)]
            kept = vars(owners[0])[member]
            function = _unwrap(kept)
            is_ours = inspect.isfunction(function) and function.__module__.startswith("numbavol")
            # A base class that is public itself has it under its own name.
            is_inherited = owners[0] is not thing and owners[0] in things
            if is_ours and not is_inherited:
                full, bases = f"{name}.{member}", tuple(vars(base)[member] for base in owners[1:])
                documented[full] = Documented(full, kept, bases)
    return documented


THINGS = _find_public_things()


def _read_text(thing: Any) -> str:
    return inspect.cleandoc(_unwrap(thing).__doc__ or "")


@functools.cache
def _read_sections(name: str) -> dict[str, str]:
    """Sections by their titles; those that a method lacks are of the one it overrides."""
    documented = THINGS[name]
    sections: dict[str, str] = {}
    for thing in (documented.thing, *documented.bases):
        parts = SECTION.split(_read_text(thing))
        for title, text in zip(["", *parts[1::2]], parts[::2], strict=True):
            sections.setdefault(title, text.strip("\n"))
    return sections


def _read_items(text: str) -> dict[str, str]:
    """Names of a section, each with its description."""
    items: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", text.strip()) if text else ():
        names, _, description = block.partition("\n")
        for one in names.split(" : ")[0].split(","):
            items[one.strip().lstrip("*")] = textwrap.dedent(description).strip()
    return items


def _describe(name: str, parameter: str) -> str:
    """What is said of a parameter, here or at the name that it refers to."""
    sections = _read_sections(name)
    items = _read_items(sections.get("Attributes", ""))
    items.update(_read_items(sections.get("Parameters", "")))
    text = items.get(parameter, "")
    found = REFERENCE.search(text)
    if found is None:
        return text
    owner = name.rpartition(".")[0]
    for other in (found[1], f"{owner}.{found[1]}"):
        if other in THINGS and other != name:
            return text + " " + (_describe(other, parameter) or _read_sections(other)[""])
    return text


def _is_property(thing: Any) -> bool:
    return isinstance(thing, (property, functools.cached_property))


def _find_parameters(documented: Documented) -> dict[str, str]:
    """Parameters with their annotations, without self."""
    thing = documented.thing
    if _is_property(thing) or (inspect.isclass(thing) and inspect.isabstract(thing)):
        return {}
    if inspect.isclass(thing) and issubclass(thing, Warning):
        return {}
    if typing.is_typeddict(thing):
        return {name: str(annotation) for name, annotation in thing.__annotations__.items()}
    if inspect.isclass(thing) and thing.__init__ is object.__init__ and not hasattr(thing, "_make"):
        return {}
    signature = inspect.signature(thing if inspect.isclass(thing) else _unwrap(thing))
    is_method = "." in documented.name and not isinstance(thing, staticmethod)
    parameters = list(signature.parameters.items())[1 if is_method else 0 :]
    return {name: str(parameter.annotation) for name, parameter in parameters}


def _find_sources(documented: Documented) -> list[ast.AST]:
    """The code that belongs to a name; of a class, what makes an object."""
    thing = documented.thing
    if inspect.isclass(thing):
        functions = [
            vars(base)[name]
            for base in thing.__mro__
            for name in ("__init__", "__post_init__")
            if inspect.isfunction(vars(base).get(name))
            and vars(base)[name].__code__.co_filename.endswith(".py")
        ]
    else:
        functions = [_unwrap(thing)]
    return [ast.parse(textwrap.dedent(inspect.getsource(function))) for function in functions]


def _find_raised(documented: Documented) -> set[str]:
    """Classes of errors in its own `raise` statements; "" stands for what its checks raise."""
    raised = set()
    for node in (node for source in _find_sources(documented) for node in ast.walk(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            raised.add(ast.unparse(node.exc.func))
        if isinstance(node, ast.Call) and re.match(
            r"_?(?:read|check)_", ast.unparse(node.func).rpartition(".")[2]
        ):
            raised.add("")
    return raised


def _check_summary(name: str) -> Iterator[str]:
    summary = _read_sections(name)[""].split("\n\n")[0]
    if not summary.endswith((".", "::")) or "\n" in summary:
        yield "its first line is no sentence of one line with a full stop"


def _check_parameters(name: str) -> Iterator[str]:
    documented, sections = THINGS[name], _read_sections(name)
    is_class = inspect.isclass(documented.thing)
    expected = _find_parameters(documented)
    given = _read_items(sections.get("Parameters", ""))
    # What is made by functions alone has attributes in place of parameters.
    listed = given or (_read_items(sections.get("Attributes", "")) if is_class else {})
    if is_class and not expected:
        # Of an abstract class, a subclass says what it is made of.
        expected = dict.fromkeys(given, "")
    if missing := expected.keys() - listed.keys():
        yield f"Parameters lack {sorted(missing)}"
    if unknown := given.keys() - expected.keys():
        yield f"Parameters name {sorted(unknown)}, which are none"
    for parameter, annotation in expected.items():
        description = _describe(name, parameter)
        if ARRAY.search(annotation) and not SHAPE.search(description):
            yield f"{parameter} has no shape: {description!r}"
        if "bool" not in annotation and not _has_unit(parameter, description):
            yield f"{parameter} has no unit: {description!r}"


def _has_unit(name: str, description: str) -> bool:
    """Whether a quantity has a unit, in its description or its name."""
    is_quantity = QUANTITY.search(name) and not COUNTED.fullmatch(name)
    says_unit = NAMES_ITS_UNIT.search(name) or UNIT.search(MEASURED.sub("", description))
    return not is_quantity or bool(says_unit)


def _check_result(name: str) -> Iterator[str]:
    thing, sections = THINGS[name].thing, _read_sections(name)
    if inspect.isclass(thing):
        return
    annotation = str(_unwrap(thing).__annotations__.get("return", "None"))
    if _is_property(thing):
        whole = "\n".join(sections.values())
        # One that is like another refers to it.
        if ARRAY.search(annotation) and not SHAPE.search(whole) and "`" not in whole:
            yield "it has no shape"
        if not _has_unit(name.rpartition(".")[2], whole):
            yield "it has no unit"
    elif annotation != "None":
        text = sections.get("Returns", sections.get("Yields", ""))
        # What depends on no argument can be said in one line.
        if not _find_parameters(THINGS[name]) and sections[""].startswith("Return "):
            text = text or sections[""]
        if not text:
            yield "Returns are missing"
        elif ARRAY.search(annotation) and not SHAPE.search(text):
            yield f"Returns have no shape: {text!r}"


def _check_errors(name: str) -> Iterator[str]:
    described = _read_sections(name).get("Raises")
    raised = _find_raised(THINGS[name])
    if raised and described is None:
        yield "Raises are missing"
    elif unsaid := {error for error in raised if error not in described}:
        yield f"Raises lack {sorted(unsaid)}"


def _check_source(name: str) -> Iterator[str]:
    author, whole = FORMULAS.get(name), "\n".join(_read_sections(name).values())
    cited = rf"\b{author}\b.{{,160}}\b(?:19|20)\d\d\b"
    if author is not None and not re.search(cited, whole, re.DOTALL):
        yield f"it cites no source: {author}, and the year"


def _check_examples(name: str) -> Iterator[str]:
    examples = doctest.DocTestParser().get_examples(_read_text(THINGS[name].thing))
    # A class shows its methods; doctest runs all of them.
    if "." not in name and not examples:
        yield "Examples are missing"
    # doctest has the names of the module, who copies an example has not.
    if unknown := _find_unknown_names("".join(example.source for example in examples)):
        yield f"Examples do not import {sorted(unknown)}"


def _find_unknown_names(source: str) -> set[str]:
    known, used = set(dir(builtins)), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
        elif isinstance(node, ast.alias):
            known.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
    return used - known


CHECKS = (
    _check_summary,
    _check_parameters,
    _check_result,
    _check_errors,
    _check_source,
    _check_examples,
)


@pytest.mark.parametrize("name", sorted(THINGS))
def test_docstring_is_complete(name: str) -> None:
    faults = [fault for check in CHECKS for fault in check(name)]
    assert not faults, f"{name}: " + "; ".join(faults)


def test_formulas_are_of_public_names() -> None:
    assert set(FORMULAS) <= set(THINGS)
