"""Registers of PTX as variables of C, and what may stand for them."""

from __future__ import annotations

import re
from collections import ChainMap

from ptx.operations import UnknownInstructionError
from ptx.statements import NUMBERS, count_bytes

_SPECIAL = {
    "%tid.x": "now->thread",
    "%ntid.x": "now->n_threads",
    "%ctaid.x": "now->block",
    "%nctaid.x": "now->n_blocks",
}
_WHOLE = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|\d+)U?")
_REAL = re.compile(r"0[fF]([0-9A-Fa-f]{8})|0[dD]([0-9A-Fa-f]{16})")


class Registers:
    """The registers that there are in a scope, and their types.

    Parameters
    ----------
    places
        Memory and functions, by their names in PTX: what they are called in C.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._kinds: ChainMap[str, str] = ChainMap()

    def begin_scope(self) -> None:
        """Declare from now on what is forgotten when the scope ends."""
        self._kinds = self._kinds.new_child()

    def end_scope(self) -> None:
        """Forget what was declared since the scope began."""
        self._kinds = self._kinds.parents

    def declare(self, kind: str, names: list[str]) -> str:
        """Declare registers of a type; ``%r<3>`` are ``%r0``, ``%r1`` and ``%r2``."""
        declared: list[str] = []
        for name in names:
            prefix, _, n = name.rstrip(">").partition("<")
            declared += [f"{prefix}{i}" for i in range(int(n))] if n else [name]
        self._kinds.update(dict.fromkeys(declared, kind))
        return f"{NUMBERS[kind]} {', '.join(map(name_register, declared))};"

    def read(self, operand: str, kind: str) -> str:
        """An operand as an expression: of a register, only the number of bits is known."""
        if operand in self._kinds:
            return view(name_register(operand), self._kinds[operand], kind)
        if operand.startswith("!"):
            return f"!{self.read(operand[1:], kind)}"
        if operand in _SPECIAL:
            return f"({NUMBERS[kind]}){_SPECIAL[operand]}"
        if operand in self._places and kind[1:] == "64":
            return f"(uint64_t){self._places[operand]}"
        if real := _REAL.fullmatch(operand):
            single, double = real.groups()
            return (
                view(f"0x{single}u", "u32", kind) if single else view(f"0x{double}ull", "u64", kind)
            )
        if not _WHOLE.fullmatch(operand) or kind[0] == "f":
            msg = f"{operand} as {kind}"
            raise UnknownInstructionError(msg)
        number = int(operand.rstrip("U"), 0)
        if kind == "pred":
            return str(int(number != 0))
        return f"({NUMBERS[kind]}){number % 2 ** (8 * count_bytes(kind))}ull"

    def declare_operands(self, names: str, kinds: tuple[str, ...], operands: list[str]) -> str:
        """Declare variables of types that are operands."""
        return "".join(
            f"{NUMBERS[kind]} {names[n]} = {self.read(operand, kind)}; "
            for n, (kind, operand) in enumerate(zip(kinds, operands, strict=True))
        )

    def write(self, target: str, kind: str, expression: str) -> str:
        """Write an expression of a type; what is narrower is extended, by a sign if it has one."""
        if target == "_":
            return ""
        number = view(f"({NUMBERS[kind]})({expression})", kind, self._kinds[target])
        return f"{name_register(target)} = {number};"


def name_register(register: str) -> str:
    """What a register is called in C."""
    return "register_" + register.lstrip("%").replace("$", "_")


def view(expression: str, have: str, kind: str) -> str:
    """Take the bits of a number as one of another type."""
    if kind == have:
        return expression
    if "f" not in have + kind:
        return f"({NUMBERS[kind]})({expression})"
    if count_bytes(have) != count_bytes(kind):
        msg = f"{have} as {kind}"
        raise UnknownInstructionError(msg)
    return f"bits_of_{have}({expression})" if have[0] == "f" else f"{kind}_of_bits({expression})"
