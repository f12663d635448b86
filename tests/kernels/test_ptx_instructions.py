"""The processor that runs PTX: what instructions do."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from ptx.operations import UnknownInstructionError, find_operation
from ptx.program import MachineError, Program, find_compiler
from ptx.translation import Translation

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(find_compiler() is None, reason="there is no compiler of C"),
]

HEAD = """
.version 8.8
.target sm_90
.address_size 64
.visible .entry kernel(.param .u64 kernel_param_0)
{
    .reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<8>; .reg .f32 %f<8>;
    .reg .b64 %rd<8>; .reg .f64 %fd<8>;
    ld.param.u64 %rd1, [kernel_param_0];
    cvta.to.global.u64 %rd2, %rd1;
"""
NAN_32, NAN_64 = "0f7FC00000", "0d7FF8000000000000"


def single(value):
    return f"0f{struct.pack('>f', value).hex()}"


def double(value):
    return f"0d{struct.pack('>d', value).hex()}"


def run_lines(lines, n_bytes=8):
    """Run instructions that write to [%rd2], and return what they wrote."""
    out = np.zeros(n_bytes, np.uint8)
    Program(f"{HEAD}{lines}\nret;\n}}").run(1, 1, [out.ctypes.data], [out])
    return out


def compute(kind, register, lines):
    return run_lines(f"{lines} st.global.{kind} [%rd2], {register};").view(
        {"u": np.uint64, "s": np.int64, "f": np.float64}[kind[0]]
        if kind.endswith("64")
        else {"u": np.uint32, "s": np.int32, "f": np.float32}[kind[0]]
    )[0]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("add.s32 %r1, 2147483647, 1;", -(2**31)),
        ("sub.s32 %r1, -2147483648, 1;", 2**31 - 1),
        ("mul.lo.s32 %r1, 65537, 65537;", 131073),
        ("mul.hi.u32 %r1, 4294967295, 3;", 2),
        ("mad.lo.s32 %r1, -3, 5, 2;", -13),
        ("div.s32 %r1, -7, 2;", -3),
        ("rem.s32 %r1, -7, 2;", -1),
        ("div.u32 %r1, 4294967289, 2;", 2147483644),
        ("neg.s32 %r1, 5;", -5),
        ("abs.s32 %r1, -5;", 5),
        ("min.s32 %r1, -1, 1;", -1),
        ("min.u32 %r1, -1, 1;", 1),
        ("max.s32 %r1, -1, 1;", 1),
        ("and.b32 %r1, 12, 10;", 8),
        ("or.b32 %r1, 12, 10;", 14),
        ("xor.b32 %r1, 12, 10;", 6),
        ("not.b32 %r1, 0;", -1),
        ("shl.b32 %r1, 1, 31;", -(2**31)),
        ("shl.b32 %r1, 1, 32;", 0),
        ("shr.u32 %r1, -1, 31;", 1),
        ("shr.u32 %r1, -1, 32;", 0),
        ("shr.s32 %r1, -5, 1;", -3),
        ("shr.s32 %r1, -5, 40;", -1),
        ("brev.b32 %r1, 6;", 0x60000000),
        ("clz.b32 %r1, 0;", 32),
        ("clz.b32 %r1, 255;", 24),
        ("clz.b64 %r1, 255;", 56),
        ("bfind.shiftamt.u32 %r1, 255;", 24),
        ("bfind.shiftamt.u32 %r1, 0;", -1),
        ("bfi.b32 %r1, 7, 0, 4, 2;", 0x30),
        ("mov.b32 %r1, 0f3F800000;", 0x3F800000),
        ("setp.lt.s32 %p1, -1, 1; selp.s32 %r1, 3, 4, %p1;", 3),
        ("setp.lt.u32 %p1, -1, 1; selp.s32 %r1, 3, 4, %p1;", 4),
        ("setp.lt.s32 %p1|%p2, -1, 1; selp.s32 %r1, 3, 4, %p2;", 4),
        ("setp.eq.s32 %p1, 1, 1; setp.ne.and.s32 %p2, 1, 2, !%p1; selp.s32 %r1, 3, 4, %p2;", 4),
        ("setp.eq.s32 %p1, 1, 1; not.pred %p2, %p1; selp.s32 %r1, 3, 4, %p2;", 4),
        ("mov.u32 %r1, 1; setp.eq.s32 %p1, 1, 2; @%p1 mov.u32 %r1, 2;", 1),
        ("mov.u32 %r1, 1; setp.eq.s32 %p1, 1, 2; @!%p1 mov.u32 %r1, 2;", 2),
        ("mov.u32 %r1, 1; bra.uni $end; mov.u32 %r1, 2; $end:", 1),
        ("add.cc.u32 %r2, -1, 1; addc.u32 %r1, 5, 0;", 6),
        ("sub.cc.u32 %r2, 0, 1; subc.u32 %r1, 5, 0;", 4),
        ("mad.lo.cc.u32 %r2, -1, 2, 2; madc.hi.u32 %r1, -1, 2, 0;", 2),
        (f"cvt.rzi.s32.f32 %r1, {single(-2.7)};", -2),
        (f"cvt.rmi.s32.f32 %r1, {single(-2.2)};", -3),
        (f"cvt.rpi.s32.f32 %r1, {single(2.2)};", 3),
        (f"cvt.rni.s32.f32 %r1, {single(2.5)};", 2),
        (f"cvt.rzi.s32.f32 %r1, {single(3e9)};", 2**31 - 1),
        (f"cvt.rzi.s32.f64 %r1, {double(-3e9)};", -(2**31)),
        (f"cvt.rzi.s32.f32 %r1, {NAN_32};", 0),
        ("mov.u64 %rd3, 4294967298; cvt.u32.u64 %r1, %rd3;", 2),
        ("mov.u64 %rd3, 4294967298; mov.b64 {%r2, %r1}, %rd3;", 1),
    ],
)
def test_whole_numbers_of_32_bits(lines, expected):
    assert compute("s32", "%r1", lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("add.s64 %rd3, 9223372036854775807, 1;", -(2**63)),
        ("mul.wide.s32 %rd3, -3, 5;", -15),
        ("mul.wide.u32 %rd3, -1, 2;", 2 * (2**32 - 1)),
        ("mul.hi.s64 %rd3, -1, 1;", -1),
        ("div.s64 %rd3, -7, 2;", -3),
        ("shl.b64 %rd3, 1, 64;", 0),
        ("shr.s64 %rd3, -5, 1;", -3),
        ("shr.u64 %rd3, -1, 63;", 1),
        ("mov.u32 %r1, -1; cvt.s64.s32 %rd3, %r1;", -1),
        ("mov.u32 %r1, -1; cvt.u64.u32 %rd3, %r1;", 2**32 - 1),
        ("mov.u32 %r1, 1; mov.b64 %rd3, {%r1, %r1};", 2**32 + 1),
        ("bfi.b64 %rd3, 7, 0, 62, 8;", -(2**62)),
        (f"cvt.rzi.s64.f64 %rd3, {double(-2.7)};", -2),
        (f"cvt.rzi.s64.f64 %rd3, {double(1e30)};", 2**63 - 1),
        (f"cvt.rzi.s64.f64 %rd3, {NAN_64};", -(2**63)),
        # What is narrower than its register is extended by its sign.
        ("st.global.u32 [%rd2], -5; ld.global.s32 %rd3, [%rd2];", -5),
        ("st.global.u32 [%rd2], -5; ld.global.u32 %rd3, [%rd2];", 2**32 - 5),
        ("mov.u64 %rd4, 3; st.global.u64 [%rd2], 4; atom.global.add.u64 %rd3, [%rd2], %rd4;", 4),
    ],
)
def test_whole_numbers_of_64_bits(lines, expected):
    assert compute("s64", "%rd3", lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (f"add.f32 %f1, {single(1)}, {single(2**-24)};", 1.0),
        (f"sub.f32 %f1, {single(1)}, {single(3)};", -2.0),
        (f"mul.f32 %f1, {single(3)}, {single(0.5)};", 1.5),
        (f"div.rn.f32 %f1, {single(1)}, {single(3)};", np.float32(1) / np.float32(3)),
        (f"sqrt.rn.f32 %f1, {single(2)};", np.sqrt(np.float32(2))),
        (f"rcp.rn.f32 %f1, {single(4)};", 0.25),
        (f"ex2.approx.ftz.f32 %f1, {single(-3)};", 0.125),
        (f"ex2.approx.ftz.f32 %f1, {single(-127)};", 0.0),
        (f"neg.f32 %f1, {single(2)};", -2.0),
        (f"abs.f32 %f1, {single(-2)};", 2.0),
        (f"min.f32 %f1, {NAN_32}, {single(2)};", 2.0),
        (f"max.f32 %f1, {single(1)}, {single(2)};", 2.0),
        (f"copysign.f32 %f1, {single(-1)}, {single(2)};", -2.0),
        (f"cvt.rn.f32.f64 %f1, {double(0.1)};", np.float32(0.1)),
        ("cvt.rn.f32.s32 %f1, -3;", -3.0),
        ("cvt.rn.f32.u32 %f1, -1;", 2.0**32),
        ("mov.b32 %f1, 1065353216;", 1.0),
    ],
)
def test_real_numbers_of_32_bits(lines, expected):
    assert compute("f32", "%f1", lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (f"div.rn.f64 %fd1, {double(1)}, {double(3)};", 1 / 3),
        (f"cvt.rmi.f64.f64 %fd1, {double(-2.5)};", -3.0),
        (f"cvt.rpi.f64.f64 %fd1, {double(2.5)};", 3.0),
        (f"cvt.rni.f64.f64 %fd1, {double(2.5)};", 2.0),
        (f"cvt.rzi.f64.f64 %fd1, {double(-2.5)};", -2.0),
        (f"cvt.f64.f32 %fd1, {single(0.1)};", float(np.float32(0.1))),
        ("cvt.rn.f64.s64 %fd1, -3;", -3.0),
        ("cvt.rn.f64.u64 %fd1, -1;", 2.0**64),
        (f"rcp.approx.ftz.f64 %fd1, {double(4)};", 0.25),
        ("mov.u64 %rd3, 4607182418800017408; mov.b64 %fd1, %rd3;", 1.0),
    ],
)
def test_real_numbers_of_64_bits(lines, expected):
    assert compute("f64", "%fd1", lines) == expected


def test_a_product_is_rounded_before_it_is_added_unless_it_is_fused():
    factor, less = single(1 + 2**-12), single(-1 - 2**-11)
    assert compute("f32", "%f1", f"fma.rn.f32 %f1, {factor}, {factor}, {less};") == 2**-24
    apart = f"mul.f32 %f2, {factor}, {factor}; add.f32 %f1, %f2, {less};"
    assert compute("f32", "%f1", apart) == 0.0


@pytest.mark.parametrize(
    ("comparison", "of_numbers", "with_nan"),
    [
        ("eq", False, False),
        ("ne", True, False),
        ("lt", True, False),
        ("le", True, False),
        ("gt", False, False),
        ("ge", False, False),
        ("equ", False, True),
        ("neu", True, True),
        ("ltu", True, True),
        ("leu", True, True),
        ("gtu", False, True),
        ("geu", False, True),
        ("num", True, False),
        ("nan", False, True),
    ],
)
def test_comparisons_say_what_they_are_of_no_number(comparison, of_numbers, with_nan):
    for first, expected in ((single(1), of_numbers), (NAN_32, with_nan)):
        line = f"setp.{comparison}.f32 %p1, {first}, {single(2)}; selp.u32 %r1, 1, 0, %p1;"
        assert compute("u32", "%r1", line) == expected


@pytest.mark.parametrize("line", ["div.s32 %r1, 7, 0;", "rem.s64 %rd3, -9223372036854775808, -1;"])
def test_a_division_that_has_no_result_is_an_error(line):
    with pytest.raises(MachineError, match="division"):
        run_lines(line)


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
    ],
)
def test_an_instruction_that_is_not_known_is_an_error(name):
    with pytest.raises(UnknownInstructionError, match=name):
        find_operation(name)


@pytest.mark.parametrize(
    "line",
    [
        "bar.sync 1;",
        "vote.sync.any.pred %p1, %p2, -1;",
        "atom.global.exch.b32 %r1, [%rd2], 1;",
        "add.cc.s32 %r1, %r2, %r3;",
        ".shared .align 4 .q8 memory[4];",
    ],
)
def test_a_statement_that_is_not_known_is_an_error(line):
    with pytest.raises(UnknownInstructionError):
        Translation(f"{HEAD}{line}\n}}")
