"""The processor that runs PTX: what instructions access, and what is no statement of PTX."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ptx.operations import UnknownInstructionError, find_operation
from ptx.program import MachineError, can_be_compiled
from ptx.snippets import HEAD, run_lines
from ptx.translation import Translation

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not can_be_compiled(), reason="there is no compiler of C"),
]

LARGEST = 2**32 - 1


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        ((5, 0), "ld.global.u32 %r1, [%rd8]; st.global.u32 [%rd8+4], %r1;", (5, 5)),
        ((5, 0), "add.s64 %rd1, %rd8, 4; st.global.u32 [%rd1+-4], 7;", (7, 0)),
        (
            (5, 6),
            "ld.global.v2.u32 {%r1, %r2}, [%rd8]; st.global.v2.u32 [%rd8], {%r2, %r1};",
            (6, 5),
        ),
        # What is narrower than its register is extended, by its sign if it has one.
        (
            (LARGEST, 0),
            "ld.global.s32 %rd1, [%rd8]; st.global.u64 [%rd8], %rd1;",
            (LARGEST, LARGEST),
        ),
        ((LARGEST, 0), "ld.global.u32 %rd1, [%rd8]; st.global.u64 [%rd8], %rd1;", (LARGEST, 0)),
        ((5, 0), "atom.global.add.u32 %r1, [%rd8], 3; st.global.u32 [%rd8+4], %r1;", (8, 5)),
        ((5, 0), "atom.global.min.s32 %r1, [%rd8], -1;", (LARGEST, 0)),
        ((5, 0), "atom.global.min.s32 %r1, [%rd8], 7;", (5, 0)),
        ((5, 0), "atom.global.max.s32 %r1, [%rd8], 7;", (7, 0)),
        ((5, 0), "atom.global.cas.b32 %r1, [%rd8], 5, 9; st.global.u32 [%rd8+4], %r1;", (9, 5)),
        ((5, 0), "atom.global.cas.b32 %r1, [%rd8], 6, 9; st.global.u32 [%rd8+4], %r1;", (5, 5)),
        ((0, 0), "atom.global.add.f32 _, [%rd8], 0f3F800000;", (0x3F800000, 0)),
        ((5, 0), "ld.u32 %r1, [%rd8]; st.u32 [%rd8+4], %r1;", (5, 5)),
    ],
)
def test_memory(before, lines, after):
    memory = np.array(before, np.uint32)
    run_lines(lines, memory)
    assert tuple(memory) == after


LOCAL = ".local .align 8 .b8 own[8]; mov.u64 %rd1, own; "
SHARED = ".shared .align 8 .b8 ours[8]; mov.u64 %rd1, ours; "


@pytest.mark.parametrize(
    "line",
    [
        "ld.global.u32 %r1, [%rd8+12];",
        "ld.global.u32 %r1, [%rd8+-4];",
        "ld.global.u64 %rd1, [0+-8];",
        "ld.u32 %r1, [%rd8+12];",
        "st.u32 [%rd8+12], %r1;",
        "atom.global.add.u32 %r1, [%rd8+12], 1;",
        "add.s64 %rd1, %rd8, 8; ld.global.v2.u32 {%r1, %r2}, [%rd1];",
        "mov.u64 %rd1, table; ld.global.u8 %h1, [%rd1+4];",
        # Tables of constants are only read.
        "mov.u64 %rd1, table; st.global.u8 [%rd1], %h1;",
        f"{LOCAL} st.local.u32 [%rd1+8], %r1;",
        f"{LOCAL} ld.local.u32 %r1, [%rd1+-4];",
        f"{LOCAL} st.u32 [%rd1+8], %r1;",
        f"{LOCAL} st.global.u32 [%rd1], %r1;",
        f"{SHARED} st.shared.u32 [%rd1+8], %r1;",
        f"{SHARED} st.local.u32 [%rd1], %r1;",
    ],
)
def test_an_access_outside_of_every_array_is_an_error(line):
    with pytest.raises(MachineError, match=r"block 0, thread 0: .*outside of every array"):
        run_lines(line, np.zeros(3, np.uint32))


@pytest.mark.parametrize(
    "line",
    [
        f"{LOCAL} st.local.u32 [%rd1+4], %r1;",
        f"{LOCAL} st.u32 [%rd1+4], %r1;",
        f"{SHARED} ld.u32 %r1, [%rd1+4];",
    ],
)
def test_an_access_to_memory_of_a_thread_or_a_block_is_none_beyond_every_array(line):
    run_lines(line, np.zeros(3, np.uint32))


@pytest.mark.parametrize(
    "line", ["ld.global.u32 %r1, [%rd8+2];", "ld.global.v2.u32 {%r1, %r2}, [%rd8+4];"]
)
def test_an_access_that_is_not_aligned_is_an_error(line):
    memory = np.zeros(4, np.uint64).view(np.uint32)
    with pytest.raises(MachineError, match="not aligned"):
        run_lines(line, memory)


def test_local_memory_has_no_number_before_one_is_written():
    memory = np.zeros(1, np.uint64)
    run_lines(f"{LOCAL} ld.local.u64 %rd2, [%rd1]; st.global.u64 [%rd8], %rd2;", memory)
    assert np.isnan(memory.view(np.float64)[0])


@pytest.mark.parametrize("line", ["div.s32 %r1, 7, 0;", "rem.s64 %rd3, -9223372036854775808, -1;"])
def test_a_division_that_has_no_result_is_an_error(line):
    with pytest.raises(MachineError, match="division"):
        run_lines(line, np.zeros(1))


@pytest.mark.parametrize(
    "name",
    [
        "add.sat.s32",
        "add.ftz.f32",
        "fma.rz.f32",
        "setp.ltu.s32",
        "setp.like.f32",
        "cvt.sat.f32.f64",
        "sin.approx.f32",
        "div.approx.f64",
        "mul.lo.u16",
    ],
)
def test_an_instruction_that_is_not_known_is_an_error(name):
    with pytest.raises(UnknownInstructionError, match=name):
        find_operation(name)


@pytest.mark.parametrize(
    "line",
    [
        "bar.sync 1;",
        "bar.sync 0, 64;",
        "bar.warp.sync -1;",
        "shfl.sync.idx.b32 %r1, %r2, 0, 31, -1;",
        "vote.sync.any.pred %p1, %p2, -1;",
        "setp.lt.s32 %p1|%p2, -1, 1;",
        "atom.global.exch.b32 %r1, [%rd8], 1;",
        "atom.global.min.f32 %f1, [%rd8], 0f00000000;",
        "atom.global.add.gpu.u32 %r1, [%rd8], 1;",
        "atom.global.add.u32 %r1, [%rd8], 1, 2;",
        "ld.global.acquire.gpu.u32 %r1, [%rd8];",
        "ld.shared::cta.u32 %r1, [%rd8];",
        "ld.const.u32 %r1, [%rd8];",
        "ld.global.u32 %r1, [%rd8], %rd1;",
        "ld.global.u32 {%r1, %r2}, [%rd8];",
        "ld.global.v4.u32 {%r1, %r2}, [%rd8];",
        "ld.param.u64 %rd1, [kernel_param_0+8];",
        "add.s32 %r1, %r2;",
        "add.f32 %f1, %fd1, %f2;",
        "add.f32 %f1, 1, %f2;",
        "add.cc.s32 %r1, %r2, %r3;",
        "mad.cc.u32 %r1, %r2, %r3, %r4;",
        "mov.u32 %r1, %tid.y;",
        "mov.b64 %rd1, {%h1, %h1, %h1, %h1};",
        "call.uni nowhere;",
        "bra.divergent $end; $end:",
        "ret.uni;",
        ".shared .align 4 .q8 memory[4];",
        ".global .align 4 .u32 numbers[2] = {1000, 7};",
        ".local .align 8 .b8 more_than_a_stack_has[400000];",
        ".reg .f16 %x;",
    ],
)
def test_a_statement_that_is_not_known_is_an_error(line):
    with pytest.raises(UnknownInstructionError, match=re.escape(line.split(";", maxsplit=1)[0])):
        Translation(f"{HEAD}{line}\n}}")


@pytest.mark.parametrize(
    "head",
    [
        ".visible .entry kernel(.param .align 8 .b8 kernel_param_0[16]) { ret; }",
        ".entry one() { ret; } .entry two() { ret; }",
    ],
)
def test_a_kernel_has_one_entry_which_takes_numbers(head):
    with pytest.raises(UnknownInstructionError):
        Translation(head)
