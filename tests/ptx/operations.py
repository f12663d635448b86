"""What instructions compute, in C: one line for each, and an error for what is not among them."""

from __future__ import annotations

import dataclasses
import functools
import re

from ptx.statements import NUMBERS, count_bytes

_WHOLE, _WIDE = r"[su](?:16|32|64)", r"[su](?:32|64)"
_REAL, _BITS = r"f(?:32|64)", r"b(?:16|32|64)"
_ANY = f"(?:{_WHOLE}|{_REAL}|{_BITS})"
_ROUNDED = {"rmi": "floor", "rpi": "ceil", "rni": "rint", "rzi": "trunc"}

# By instructions: types of the operands, which are a, b, c and d; the type of the result; and what
# it is. "t" is the type that the instruction ends with, "u" that without a sign, "w" twice as wide,
# "v" the one that is named before. Whole numbers without a sign wrap around in C, too, but those of
# 16 bits become ones of 32 with a sign.
_TABLE = {
    rf"mov\.(?P<t>{_ANY}|pred)": ("t", "t", "a"),
    r"cvta(?:\.to)?\.(?:global|shared|local)\.(?P<t>u64)": ("t", "t", "a"),
    rf"add\.(?P<t>{_WHOLE})": ("u u", "u", "a + b"),
    rf"sub\.(?P<t>{_WHOLE})": ("u u", "u", "a - b"),
    rf"mul\.lo\.(?P<t>{_WIDE})": ("u u", "u", "a * b"),
    rf"mad\.lo\.(?P<t>{_WIDE})": ("u u u", "u", "a * b + c"),
    r"mul\.wide\.(?P<t>[su](?:16|32))": ("t t", "w", "({w})a * b"),
    rf"mul\.hi\.(?P<t>{_WIDE})": ("t t", "t", "(({w})a * b) >> {bits}"),
    rf"div\.(?P<t>{_WIDE})": ("t t", "t", "divide_{t}(a, b)"),
    rf"rem\.(?P<t>{_WIDE})": ("t t", "t", "remainder_{t}(a, b)"),
    r"neg\.(?P<t>s(?:16|32|64))": ("u", "u", "0 - a"),
    r"abs\.(?P<t>s(?:32|64))": ("t", "u", "a < 0 ? 0 - ({u})a : ({u})a"),
    rf"min\.(?P<t>{_WHOLE})": ("t t", "t", "a < b ? a : b"),
    rf"max\.(?P<t>{_WHOLE})": ("t t", "t", "a > b ? a : b"),
    rf"add(?:\.rn)?\.(?P<t>{_REAL})": ("t t", "t", "a + b"),
    rf"sub(?:\.rn)?\.(?P<t>{_REAL})": ("t t", "t", "a - b"),
    rf"mul(?:\.rn)?\.(?P<t>{_REAL})": ("t t", "t", "a * b"),
    rf"fma\.rn\.(?P<t>{_REAL})": ("t t t", "t", "fma{f}(a, b, c)"),
    rf"div\.rn\.(?P<t>{_REAL})": ("t t", "t", "a / b"),
    r"div\.approx\.(?P<t>f32)": ("t t", "t", "a / b"),
    rf"rcp\.rn\.(?P<t>{_REAL})": ("t", "t", "1 / a"),
    r"rcp\.approx\.ftz\.(?P<t>f64)": ("t", "t", "approximate_reciprocal(a)"),
    rf"sqrt\.rn\.(?P<t>{_REAL})": ("t", "t", "sqrt{f}(a)"),
    r"ex2\.approx\.ftz\.(?P<t>f32)": ("t", "t", "flush_f32(exp2f(flush_f32(a)))"),
    rf"neg\.(?P<t>{_REAL})": ("t", "t", "-a"),
    rf"abs\.(?P<t>{_REAL})": ("t", "t", "fabs{f}(a)"),
    rf"min\.(?P<t>{_REAL})": ("t t", "t", "take_lower_{t}(a, b)"),
    rf"max\.(?P<t>{_REAL})": ("t t", "t", "take_higher_{t}(a, b)"),
    rf"copysign\.(?P<t>{_REAL})": ("t t", "t", "copysign{f}(b, a)"),
    rf"and\.(?P<t>{_BITS}|pred)": ("t t", "t", "a & b"),
    rf"or\.(?P<t>{_BITS}|pred)": ("t t", "t", "a | b"),
    rf"xor\.(?P<t>{_BITS}|pred)": ("t t", "t", "a ^ b"),
    rf"not\.(?P<t>{_BITS})": ("t", "t", "~a"),
    r"not\.(?P<t>pred)": ("t", "t", "!a"),
    rf"shl\.(?P<t>{_BITS})": ("t u32", "t", "b < {bits} ? ({u})a << b : 0"),
    r"shr\.(?P<t>[ub](?:16|32|64))": ("t u32", "t", "b < {bits} ? a >> b : 0"),
    r"shr\.(?P<t>s(?:16|32|64))": ("t u32", "t", "a >> (b < {bits} ? b : {bits} - 1)"),
    r"bfi\.(?P<t>b(?:32|64))": ("t t u32 u32", "t", "insert_bits(a, b, c, d, {bits})"),
    r"bfind\.shiftamt\.(?P<t>u32)": ("t", "t", "a ? count_leading_zeros(a, 32) : 0xffffffff"),
    r"brev\.(?P<t>b32)": ("t", "t", "reverse_bits(a)"),
    r"clz\.(?P<t>b(?:32|64))": ("t", "u32", "count_leading_zeros(a, {bits})"),
    rf"selp\.(?P<t>{_ANY})": ("t t pred", "t", "c ? a : b"),
    rf"cvt\.(?P<v>[su](?:8|16|32|64))\.(?P<t>{_WHOLE}|[su]8)": ("t", "v", "a"),
    rf"cvt\.rn\.(?P<v>{_REAL})\.(?P<t>{_WHOLE})": ("t", "v", "a"),
    r"cvt\.rn\.(?P<v>f32)\.(?P<t>f64)": ("t", "v", "a"),
    r"cvt\.(?P<v>f64)\.(?P<t>f32)": ("t", "v", "a"),
    rf"cvt\.(?P<r>r[mpnz]i)\.(?P<t>{_REAL})\.(?P=t)": ("t", "t", "{rounded}{f}(a)"),
    rf"cvt\.(?P<r>r[mpnz]i)\.(?P<v>{_WIDE})\.(?P<t>{_REAL})": (
        "t",
        "v",
        "{v}_of_{t}({rounded}{f}(a))",
    ),
}
_RULES = [(re.compile(pattern), *rule) for pattern, rule in _TABLE.items()]

_COMPARISON = re.compile(
    rf"setp\.(?P<how>\w+)(?:\.(?P<joined>and|or|xor))?\.(?P<t>{_ANY})",
)
_COMPARED = {
    "eq": "a == b",
    "ne": "a < b || a > b",
    "lt": "a < b",
    "le": "a <= b",
    "gt": "a > b",
    "ge": "a >= b",
}
# Not a number is neither less nor more: for these, it is both.
_COMPARED_UNORDERED = {
    "equ": "!(a < b || a > b)",
    "neu": "a != b",
    "ltu": "!(a >= b)",
    "leu": "!(a > b)",
    "gtu": "!(a <= b)",
    "geu": "!(a < b)",
    "num": "a == a && b == b",
    "nan": "a != a || b != b",
}
_JOINED = {"and": "&", "or": "|", "xor": "^"}

# What atomics put in the place of an old number.
_CHANGES = {
    "add": ("t", "({u})old + ({u})b"),
    "min": ("t", "old < b ? old : b"),
    "max": ("t", "old > b ? old : b"),
    "cas": ("t t", "old == b ? c : old"),
}


class UnknownInstructionError(ValueError):
    """Nobody has said what an instruction does."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """What an instruction computes of its operands.

    Parameters
    ----------
    operands
        Types of a, b, c and d, as many as there are. Of an atomic, a is in memory: of b and c.
    result
        Type of the result.
    code
        An expression in C.
    """

    operands: tuple[str, ...]
    result: str
    code: str


@functools.cache
def find_operation(name: str) -> Operation:
    """Find what an instruction that has one result computes."""
    for pattern, operands, result, code in _RULES:
        if found := pattern.fullmatch(name):
            return _fill(operands, result, code, found.groupdict())
    if found := _COMPARISON.fullmatch(name):
        return _compare(name, found["t"], found["how"], found["joined"])
    raise UnknownInstructionError(name)


def find_change(how: str, kind: str) -> Operation:
    """Find what an atomic puts in the place of an old number of a type, which is ``old``."""
    if how not in _CHANGES or (kind[0] == "f" and how != "add"):
        msg = f"atom.{how}.{kind}"
        raise UnknownInstructionError(msg)
    operands, code = _CHANGES[how]
    return _fill(operands, "t", code, {"t": kind})


def _fill(operands: str, result: str, code: str, named: dict[str, str | None]) -> Operation:
    kind = named["t"]
    bits = 8 * count_bytes(kind)
    unsigned = kind if kind[0] in "fp" else f"u{bits}"
    wide = f"{kind[0]}{2 * bits}"
    kinds = {**named, "u": unsigned, "w": wide}
    in_c = code.format(
        t=kind,
        u=NUMBERS[unsigned],
        v=named.get("v"),
        w=NUMBERS.get(wide, "__int128" if kind[0] == "s" else "unsigned __int128"),
        f="f" if kind == "f32" else "",
        bits=bits,
        rounded=_ROUNDED.get(named.get("r") or ""),
    )
    return Operation(
        tuple(kinds.get(operand, operand) for operand in operands.split()),
        kinds.get(result) or result,
        in_c,
    )


def _compare(name: str, kind: str, how: str, joined: str | None) -> Operation:
    code = _COMPARED.get(how) or (kind[0] == "f" and _COMPARED_UNORDERED.get(how))
    if not code:
        raise UnknownInstructionError(name)
    if joined is None:
        return Operation((kind, kind), "pred", code)
    return Operation((kind, kind, "pred"), "pred", f"({code}) {_JOINED[joined]} c")
