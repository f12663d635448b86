"""The table of kernels, and what is said where there is no CUDA."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.kernels import finding
from numbavol.kernels.dispatch import (
    DEVICES,
    MODULES,
    check_device,
    find_device_of,
)
from numbavol.kernels.finding import FoundCuda, describe_what_is_missing

KERNELS = Path(numbavol.__file__).parent / "kernels"
NOTHING = FoundCuda(missing_packages=(), driver=None, cards=(), problem=None, is_simulated=False)


def parameters_of(name: str, device: str) -> list[str]:
    source = (KERNELS / device / f"{MODULES[name]}.py").read_text()
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return [argument.arg for argument in functions[0].args.args]


@pytest.mark.parametrize("name", MODULES)
def test_a_kernel_has_one_signature_on_every_device(name):
    signatures = [parameters_of(name, device) for device in DEVICES]
    assert signatures[0] == signatures[1]


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({"missing_packages": ("cupy",)}, r"cupy not installed: pip install \"\.\[cuda\]\""),
        ({}, "no NVIDIA driver"),
        ({"driver": "12.4"}, r"the driver \(CUDA 12.4\) has no device"),
        ({"driver": "12.4", "problem": "broken"}, r"has no device \(broken\)"),
        ({"driver": "12.4", "cards": ("H100",), "problem": "old"}, r"H100 was found \(old\)"),
        ({"problem": "CuPy cannot be imported: x"}, r"no NVIDIA driver.*CuPy cannot be imported"),
    ],
)
@pytest.mark.usefixtures("_what_there_is_of_cuda_is_asked_again")
def test_one_error_says_what_of_cuda_is_missing(found, what, monkeypatch):
    fields = {**vars(NOTHING), **found}
    monkeypatch.setattr(finding, "find_cuda", lambda: FoundCuda(**fields))
    with pytest.raises(RuntimeError, match=what):
        check_device("cuda")
    assert check_device("auto") == "cpu"


@pytest.mark.usefixtures("_what_there_is_of_cuda_is_asked_again")
@pytest.mark.parametrize("found", [{"cards": ("H100",), "driver": "12.4"}, {"is_simulated": True}])
def test_cuda_is_used_where_there_is_a_card_or_a_simulator(found, monkeypatch):
    fields = {**vars(NOTHING), **found}
    monkeypatch.setattr(finding, "find_cuda", lambda: FoundCuda(**fields))
    assert describe_what_is_missing() is None
    assert check_device("auto") == check_device("cuda") == "cuda"


def test_arrays_of_two_devices_are_an_error():
    class OnCuda:
        __cuda_array_interface__ = None

    assert find_device_of(np.zeros(1), [1.0]).name == "cpu"
    with pytest.raises(ValueError, match="some on CUDA and some not"):
        find_device_of(np.zeros(1), OnCuda())
