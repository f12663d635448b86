"""The processor that runs PTX: what instructions compute."""

from __future__ import annotations

import numpy as np
import pytest
from ptx.program import can_be_compiled
from ptx.snippets import apply, run_lines

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not can_be_compiled(), reason="there is no compiler of C"),
]

NAN, INFINITY = float("nan"), float("inf")
WHOLE_NUMBERS = [
    ("add.s32", "s32 s32 -> s32", (2**31 - 1, 1), -(2**31)),
    ("sub.s32", "s32 s32 -> s32", (-(2**31), 1), 2**31 - 1),
    ("add.s64", "s64 s64 -> s64", (2**63 - 1, 1), -(2**63)),
    ("add.s16", "s16 s16 -> s16", (2**15 - 1, 1), -(2**15)),
    ("mul.lo.s32", "s32 s32 -> s32", (65537, 65537), 131073),
    ("mul.lo.s64", "s64 s64 -> s64", (2**32 + 1, 2**32 + 1), 2**33 + 1),
    ("mul.hi.u32", "u32 u32 -> u32", (2**32 - 1, 3), 2),
    ("mul.hi.s32", "s32 s32 -> s32", (-1, 3), -1),
    ("mul.hi.s64", "s64 s64 -> s64", (-1, 3), -1),
    ("mul.hi.u64", "u64 u64 -> u64", (2**64 - 1, 3), 2),
    ("mul.wide.s32", "s32 s32 -> s64", (-3, 5), -15),
    ("mul.wide.u32", "u32 u32 -> u64", (2**32 - 1, 2), 2**33 - 2),
    ("mul.wide.u16", "u16 u16 -> u32", (2**16 - 1, 2**16 - 1), 2**32 - 2**17 + 1),
    ("mad.lo.s32", "s32 s32 s32 -> s32", (-3, 5, 2), -13),
    ("div.s32", "s32 s32 -> s32", (-7, 2), -3),
    ("rem.s32", "s32 s32 -> s32", (-7, 2), -1),
    ("div.s64", "s64 s64 -> s64", (-7, 2), -3),
    ("div.u32", "u32 u32 -> u32", (2**32 - 7, 2), 2**31 - 4),
    ("neg.s32", "s32 -> s32", (5,), -5),
    ("abs.s32", "s32 -> s32", (-5,), 5),
    ("min.s32", "s32 s32 -> s32", (-1, 1), -1),
    ("min.u32", "u32 u32 -> u32", (2**32 - 1, 1), 1),
    ("max.s64", "s64 s64 -> s64", (-1, 1), 1),
    ("and.b32", "b32 b32 -> b32", (12, 10), 8),
    ("or.b32", "b32 b32 -> b32", (12, 10), 14),
    ("xor.b64", "b64 b64 -> b64", (12, 10), 6),
    ("not.b32", "b32 -> b32", (5,), 2**32 - 6),
    ("not.pred", "pred -> pred", (1,), 0),
    ("and.pred", "pred pred -> pred", (1, 0), 0),
    ("or.pred", "pred pred -> pred", (1, 0), 1),
    ("xor.pred", "pred pred -> pred", (1, 1), 0),
    ("shl.b32", "b32 u32 -> b32", (1, 31), 2**31),
    ("shl.b32", "b32 u32 -> b32", (1, 32), 0),
    ("shl.b64", "b64 u32 -> b64", (1, 64), 0),
    ("shr.u32", "u32 u32 -> u32", (2**32 - 1, 31), 1),
    ("shr.u32", "u32 u32 -> u32", (2**32 - 1, 32), 0),
    ("shr.s32", "s32 u32 -> s32", (-5, 1), -3),
    ("shr.s32", "s32 u32 -> s32", (-5, 40), -1),
    ("shr.s64", "s64 u32 -> s64", (-5, 1), -3),
    ("brev.b32", "b32 -> b32", (6,), 0x60000000),
    ("clz.b32", "b32 -> u32", (0,), 32),
    ("clz.b32", "b32 -> u32", (255,), 24),
    ("clz.b64", "b64 -> u32", (255,), 56),
    ("bfind.shiftamt.u32", "u32 -> u32", (255,), 24),
    ("bfind.shiftamt.u32", "u32 -> u32", (0,), 2**32 - 1),
    ("bfi.b32", "b32 b32 u32 u32 -> b32", (7, 0, 4, 2), 0x30),
    ("bfi.b32", "b32 b32 u32 u32 -> b32", (7, 1, 40, 2), 1),
    ("bfi.b32", "b32 b32 u32 u32 -> b32", (7, 0, 256 + 4, 256 + 2), 0x30),
    ("bfi.b64", "b64 b64 u32 u32 -> b64", (7, 1, 62, 8), 2**63 + 2**62 + 1),
    ("bfi.b64", "b64 b64 u32 u32 -> b64", (7, 1, 0, 64), 7),
    ("bfi.b64", "b64 b64 u32 u32 -> b64", (7, 1, 64, 2), 1),
    ("selp.s32", "s32 s32 pred -> s32", (3, 4, 1), 3),
    ("selp.s32", "s32 s32 pred -> s32", (3, 4, 0), 4),
    ("setp.lt.s32", "s32 s32 -> pred", (-1, 1), 1),
    ("setp.lt.u32", "u32 u32 -> pred", (2**32 - 1, 1), 0),
    ("setp.eq.b64", "b64 b64 -> pred", (2**32, 0), 0),
    ("setp.ne.and.s32", "s32 s32 pred -> pred", (1, 2, 0), 0),
    ("setp.ne.or.s32", "s32 s32 pred -> pred", (1, 1, 1), 1),
    ("setp.ne.xor.s32", "s32 s32 pred -> pred", (1, 2, 1), 0),
    ("cvt.u32.u64", "u64 -> u32", (2**32 + 2,), 2),
    ("cvt.s64.s32", "s32 -> s64", (-1,), -1),
    ("cvt.u64.u32", "u32 -> u64", (2**32 - 1,), 2**32 - 1),
    ("cvt.u16.u32", "u32 -> u16", (2**16 + 3,), 3),
    ("cvt.rzi.s32.f32", "f32 -> s32", (-2.7,), -2),
    ("cvt.rmi.s32.f32", "f32 -> s32", (-2.2,), -3),
    ("cvt.rpi.s32.f32", "f32 -> s32", (2.2,), 3),
    ("cvt.rni.s32.f32", "f32 -> s32", (2.5,), 2),
    ("cvt.rzi.s32.f32", "f32 -> s32", (3e9,), 2**31 - 1),
    ("cvt.rzi.s32.f32", "f32 -> s32", (NAN,), 0),
    ("cvt.rzi.u32.f32", "f32 -> u32", (3e9,), 3 * 10**9),
    ("cvt.rzi.u32.f32", "f32 -> u32", (-1.0,), 0),
    ("cvt.rzi.s32.f64", "f64 -> s32", (-3e9,), -(2**31)),
    ("cvt.rzi.s64.f64", "f64 -> s64", (-2.7,), -2),
    ("cvt.rzi.s64.f64", "f64 -> s64", (1e30,), 2**63 - 1),
    ("cvt.rzi.s64.f64", "f64 -> s64", (NAN,), -(2**63)),
    ("cvt.rzi.u64.f64", "f64 -> u64", (1e30,), 2**64 - 1),
    ("cvt.rzi.u64.f64", "f64 -> u64", (NAN,), 2**63),
    ("mov.b32", "f32 -> b32", (1.0,), 0x3F800000),
]


@pytest.mark.parametrize(("instruction", "kinds", "values", "expected"), WHOLE_NUMBERS)
def test_what_is_made_is_a_whole_number(instruction, kinds, values, expected):
    assert int(apply(instruction, kinds, *values)) == expected


THIRD = np.float32(1) / np.float32(3)
REAL_NUMBERS = [
    ("add.f32", "f32 f32 -> f32", (1, 2**-24), 1.0),
    ("sub.f32", "f32 f32 -> f32", (1, 3), -2.0),
    ("mul.rn.f64", "f64 f64 -> f64", (3, 0.5), 1.5),
    ("div.rn.f32", "f32 f32 -> f32", (1, 3), THIRD),
    ("div.rn.f64", "f64 f64 -> f64", (1, 3), 1 / 3),
    ("sqrt.rn.f32", "f32 -> f32", (2,), np.sqrt(np.float32(2))),
    ("rcp.rn.f32", "f32 -> f32", (3,), THIRD),
    ("rcp.approx.ftz.f64", "f64 -> f64", (4,), 0.25),
    ("rcp.approx.ftz.f64", "f64 -> f64", (1e-310,), INFINITY),
    ("rcp.approx.ftz.f64", "f64 -> f64", (-1.7e308,), -0.0),
    ("ex2.approx.ftz.f32", "f32 -> f32", (-3,), 0.125),
    ("ex2.approx.ftz.f32", "f32 -> f32", (-127,), 0.0),
    ("neg.f32", "f32 -> f32", (0.0,), -0.0),
    ("abs.f64", "f64 -> f64", (-2,), 2.0),
    ("min.f32", "f32 f32 -> f32", (1, 2), 1.0),
    ("min.f32", "f32 f32 -> f32", (NAN, 2), 2.0),
    ("min.f32", "f32 f32 -> f32", (2, NAN), 2.0),
    ("min.f32", "f32 f32 -> f32", (NAN, NAN), NAN),
    ("min.f32", "f32 f32 -> f32", (0.0, -0.0), -0.0),
    ("min.f64", "f64 f64 -> f64", (-0.0, 0.0), -0.0),
    ("max.f64", "f64 f64 -> f64", (1, 2), 2.0),
    ("max.f64", "f64 f64 -> f64", (NAN, -2), -2.0),
    ("max.f64", "f64 f64 -> f64", (-2, NAN), -2.0),
    ("max.f32", "f32 f32 -> f32", (-0.0, 0.0), 0.0),
    ("max.f32", "f32 f32 -> f32", (0.0, -0.0), 0.0),
    ("copysign.f32", "f32 f32 -> f32", (-1, 2), -2.0),
    ("cvt.rn.f32.f64", "f64 -> f32", (0.1,), np.float32(0.1)),
    ("cvt.f64.f32", "f32 -> f64", (0.1,), float(np.float32(0.1))),
    ("cvt.rn.f32.s32", "s32 -> f32", (-3,), -3.0),
    ("cvt.rn.f32.u32", "u32 -> f32", (2**32 - 1,), 2.0**32),
    ("cvt.rn.f64.s64", "s64 -> f64", (-3,), -3.0),
    ("cvt.rn.f64.u64", "u64 -> f64", (2**64 - 1,), 2.0**64),
    ("cvt.rmi.f64.f64", "f64 -> f64", (-2.5,), -3.0),
    ("cvt.rpi.f64.f64", "f64 -> f64", (2.5,), 3.0),
    ("cvt.rni.f64.f64", "f64 -> f64", (2.5,), 2.0),
    ("cvt.rzi.f32.f32", "f32 -> f32", (-2.5,), -2.0),
    ("selp.f32", "f32 f32 pred -> f32", (3, 4, 0), 4.0),
    ("mov.b64", "b64 -> f64", (0x3FF0000000000000,), 1.0),
]


@pytest.mark.parametrize(("instruction", "kinds", "values", "expected"), REAL_NUMBERS)
def test_what_is_made_is_a_real_number(instruction, kinds, values, expected):
    made = apply(instruction, kinds, *values)
    np.testing.assert_array_equal(made, expected)
    assert np.isnan(expected) or np.signbit(made) == np.signbit(expected)


def test_a_product_is_rounded_before_it_is_added_unless_it_is_fused():
    factor, less = 1 + 2**-12, -1 - 2**-11
    assert apply("fma.rn.f32", "f32 f32 f32 -> f32", factor, factor, less) == 2**-24
    memory = np.array([factor, less], np.float32)
    run_lines(
        "ld.global.f32 %f1, [%rd8]; ld.global.f32 %f2, [%rd8+4];"
        "mul.f32 %f3, %f1, %f1; add.f32 %f4, %f3, %f2; st.global.f32 [%rd8], %f4;",
        memory,
    )
    assert memory[0] == 0.0


def test_half_of_the_bits_of_an_approximate_reciprocal_are_0():
    made = apply("rcp.approx.ftz.f64", "f64 -> f64", 3.0)
    assert made == pytest.approx(1 / 3, rel=2**-20)
    assert made.view(np.uint64) % 2**32 == 0


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
    instruction, kinds = f"setp.{comparison}.f32", "f32 f32 -> pred"
    assert apply(instruction, kinds, 1, 2) == of_numbers
    assert apply(instruction, kinds, NAN, 2) == with_nan
    assert apply(instruction, kinds, 1, NAN) == with_nan


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("mov.u32 %r1, 1; setp.eq.s32 %p1, 1, 2; @%p1 mov.u32 %r1, 2;", 1),
        ("mov.u32 %r1, 1; setp.eq.s32 %p1, 1, 2; @!%p1 mov.u32 %r1, 2;", 2),
        ("setp.eq.s32 %p1, 1, 1; setp.eq.and.s32 %p2, 1, 1, !%p1; selp.s32 %r1, 3, 4, %p2;", 4),
        ("mov.u32 %r1, 1; bra.uni $end; mov.u32 %r1, 2; $end:", 1),
        ("mov.u32 %r1, 0x10;", 16),
        ("mov.b32 %r1, 0f3F800000;", 0x3F800000),
        ("mov.b64 %rd1, 0d3FF0000000000000; mov.b64 {%r2, %r1}, %rd1;", 0x3FF00000),
        ("mov.u64 %rd1, 4294967298; mov.b64 {%r1, %r2}, %rd1;", 2),
        ("mov.u32 %r2, 1; mov.u32 %r3, 2; mov.b64 %rd1, {%r2, %r3}; cvt.u32.u64 %r1, %rd1;", 1),
        ("add.cc.u32 %r2, -1, 1; addc.u32 %r1, 5, 0;", 6),
        ("add.cc.u32 %r2, -1, 1; addc.u32 %r3, -1, 0; addc.u32 %r1, 5, 0;", 6),
        ("add.cc.u32 %r2, 0, 1; addc.u32 %r3, -1, 1; addc.u32 %r1, 5, 0;", 5),
        ("add.cc.u32 %r2, -1, 1; addc.cc.u32 %r3, 1, 0; addc.u32 %r1, 5, 0;", 5),
        ("sub.cc.u32 %r2, 0, 1; subc.u32 %r1, 5, 0;", 4),
        ("mad.lo.cc.u32 %r2, -1, 2, 2; madc.hi.u32 %r1, -1, 2, 0;", 2),
        # A scope within another has registers of its own, by names that are there already.
        ("mov.u32 %r1, 1; { .reg .f32 %r1; mov.b32 %r1, 0f40000000; } add.s32 %r1, %r1, 1;", 2),
        ("mov.u64 %rd1, table; ld.global.u8 %h1, [%rd1+2]; cvt.u32.u16 %r1, %h1;", 30),
    ],
)
def test_registers_and_where_a_kernel_goes_on(lines, expected):
    memory = np.zeros(4, np.uint8)
    run_lines(f"{lines} st.global.u32 [%rd8], %r1;", memory)
    assert memory.view(np.uint32)[0] == expected
