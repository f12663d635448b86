"""A few instructions as a kernel, and what they make of numbers."""

from __future__ import annotations

import numpy as np

from ptx.program import Program

HEAD = """
.version 8.8
.target sm_90
.address_size 64
.global .align 1 .b8 table[4] = {10, 20, 30, 40};
.visible .entry kernel(.param .u64 kernel_param_0)
{
    .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .f32 %f<9>;
    .reg .b64 %rd<9>; .reg .f64 %fd<9>;
    ld.param.u64 %rd8, [kernel_param_0];
    cvta.to.global.u64 %rd8, %rd8;
"""

# Bytes of a value, the values that memory holds, and which of them is the result.
_SLOT, _N_SLOTS, _RESULT = 8, 8, 7


def run_lines(lines, memory):
    """Run instructions, for which the address of memory is in %rd8."""
    Program(f"{HEAD}{lines}\nret;\n}}").run(1, 1, [memory.ctypes.data], [memory])


def apply(instruction, kinds, *values):
    """What an instruction makes of values that are read from memory: "s32 s32 -> s32"."""
    given, _, result = kinds.rpartition(" -> ")
    memory = np.zeros(_SLOT * _N_SLOTS, np.uint8)
    lines = []
    for n, (kind, value) in enumerate(zip(given.split(), values, strict=True)):
        own = _in_memory(kind)
        memory[_SLOT * n :][: own.itemsize].view(own)[0] = value
        lines.append(_load(kind, n))
    operands = (_register(kind, n) for n, kind in enumerate(given.split()))
    lines.append(f"{instruction} {', '.join([_register(result, _RESULT), *operands])};")
    lines.append(_store(result, _RESULT))
    run_lines("\n".join(lines), memory)
    return memory[_SLOT * _RESULT :].view(_in_memory(result))[0]


def _load(kind, n):
    if kind == "pred":
        return f"{_load('u32', n)} setp.ne.u32 %p{n}, %r{n}, 0;"
    return f"ld.global.{kind} {_register(kind, n)}, [%rd8+{_SLOT * n}];"


def _store(kind, n):
    if kind == "pred":
        return f"selp.u32 %r{n}, 1, 0, %p{n}; {_store('u32', n)}"
    return f"st.global.{kind} [%rd8+{_SLOT * n}], {_register(kind, n)};"


def _register(kind, n):
    letters = {"pred": "p", "f32": "f", "f64": "fd"}.get(kind)
    return f"%{letters or {'8': 'h', '16': 'h', '32': 'r', '64': 'rd'}[kind[1:]]}{n}"


def _in_memory(kind):
    if kind == "pred":
        return np.dtype("u4")
    letter = {"b": "u", "s": "i"}.get(kind[0], kind[0])
    return np.dtype(f"{letter}{int(kind[1:]) // 8}")
