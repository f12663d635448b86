"""The layers, and who may do what: read from the imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import numbavol
from numbavol.kernels.dispatch import DEVICES, find_kernel

PACKAGE = Path(numbavol.__file__).parent

# An import may only point to a smaller number, or stay in its own folder.
LAYERS = {
    "kernels": -1,
    "arguments": 0,
    "values": 0,
    "data": 0,
    "notebooks": 0,
    "progress": 0,
    "atoms": 1,
    "poses": 1,
    "ndimage": 1,
    "io": 2,
    "volumes": 3,
    "rendering": 4,
    "projection": 5,
    "imaging": 6,
    "reconstruction": 7,
    "simulation": 7,
    "plot": 8,
    "warming": 8,
    "cli": 9,
    "__main__": 10,
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "numbavol" and [a.name for a in node.names] == ["__version__"]:
                continue
            found.add(str(node.module))
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def modules_importing(prefix: str) -> set[str]:
    return {
        name_of(path)
        for path in MODULES
        if any(found == prefix or found.startswith(f"{prefix}.") for found in imports_of(path))
    }


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    part = part_of(name_of(path))
    if not part:
        return
    for found in imports_of(path):
        if found == "numbavol":
            assert part == "cli", f"{name_of(path)} imports the package itself"
        if not found.startswith("numbavol.") or part_of(found) == part:
            continue
        # The command imports the package as its users do.
        if part == "cli" and found == f"numbavol.{part_of(found)}" and part_of(found) not in LAYERS:
            continue
        assert LAYERS[part_of(found)] < LAYERS[part], f"{name_of(path)} imports {found}"


def test_every_folder_has_a_layer() -> None:
    parts = {part_of(name_of(path)) for path in MODULES} - {""}
    assert parts == set(LAYERS)


@pytest.mark.parametrize(
    "package",
    [path.parent for path in sorted(PACKAGE.glob("*/__init__.py")) if path.parent.name != "cli"],
    ids=lambda package: package.name,
)
def test_a_package_says_what_each_of_its_modules_is_for(package: Path) -> None:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    named = set(re.findall(r"`(\w+)(?:\.py)?`", said or ""))
    modules = {path.stem for path in package.glob("[!_]*.py")}
    assert modules <= named


def test_only_kernels_know_numba() -> None:
    importing = modules_importing("numba") | modules_importing("llvmlite")
    assert all(part_of(name) == "kernels" for name in importing)


def test_only_jit_decorates() -> None:
    for path in MODULES:
        source = path.read_text()
        decorates = any(word in source for word in ("njit", "numba.jit", "cuda.jit", "vectorize("))
        assert not decorates or name_of(path) == "numbavol.kernels.jit", path


def test_only_dispatch_knows_the_devices_folders() -> None:
    for device in DEVICES:
        folder = f"numbavol.kernels.{device}"
        users = {name for name in modules_importing(folder) if not name.startswith(folder)}
        assert users == set()
    assert find_kernel("render_gaussians", "cpu").__module__ == "numbavol.kernels.cpu.gaussians"


def test_only_threads_makes_threads() -> None:
    makers = set().union(*map(modules_importing, ("concurrent.futures", "threading", "_thread")))
    # Who takes a lock alone makes none.
    of_locks = {
        name_of(path)
        for path in MODULES
        if {found for found in imports_of(path) if "thread" in found and "numbavol" not in found}
        == {"threading", "threading.RLock"}
    }
    assert makers - of_locks == {"numbavol.kernels.threads"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_lock_is_taken_where_an_interrupt_could_leave_it_so(path: Path) -> None:
    # See `run_alone`, which alone takes locks. Where there are any, what has a name is not entered.
    tree = ast.parse(path.read_text())
    if "threading" in imports_of(path):
        entered = [n.context_expr for n in ast.walk(tree) if isinstance(n, ast.withitem)]
        assert all(isinstance(what, ast.Call) for what in entered)
    called = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert "acquire" not in called or name_of(path) == "numbavol.kernels.locks"


def test_kernels_know_nothing_above_them() -> None:
    for path in MODULES:
        if part_of(name_of(path)) == "kernels":
            known = {name for name in imports_of(path) if name.startswith("numbavol")}
            assert all(name.startswith("numbavol.kernels") for name in known), path


def test_no_module_is_longer_than_one_can_hold_in_the_head() -> None:
    long = {name_of(path): n for path in MODULES if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = (
        "import sys, numbavol\n"
        "heavy = {'numba', 'scipy', 'gemmi', 'mrcfile', 'click', 'rich', 'matplotlib', 'psutil'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == ""


def test_the_commands_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom numbavol.cli import main\nmain(['render', '--help'])\n"
        "print('heavy:', *sorted({'numba', 'numpy', 'scipy', 'gemmi', 'rich'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout.splitlines()[-1] == "heavy:"


@pytest.mark.parametrize("name", numbavol.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(numbavol, name).__doc__


def test_the_stub_names_what_it_imports() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imported = [a.name for n in stub.body if isinstance(n, ast.ImportFrom) for a in n.names]
    declared = next(
        ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign)
    )
    assert sorted(imported) == sorted(declared) == sorted(numbavol.__all__)
