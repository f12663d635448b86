"""A kernel's PTX as C: registers are variables, labels are labels, and accesses are checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ptx.operations import CHANGES, UnknownInstructionError, find_operation
from ptx.statements import (
    NUMBERS,
    count_bytes,
    split_address,
    split_operands,
    split_statements,
    split_vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SPECIAL = {
    "%tid.x": "now->thread",
    "%ntid.x": "now->n_threads",
    "%ctaid.x": "now->block",
    "%nctaid.x": "now->n_blocks",
}
# What is in the memory of a thread, or anywhere, is not looked for, only whether it is aligned.
_CHECKS = {"global": "check_global", "shared": "check_shared"}
_GUARD = re.compile(r"@(!?)(%\w+) (.*)")
_FUNCTION = re.compile(
    r"(?:\.visible |\.weak )?\.(entry|func)(?: \((?P<result>[^)]*)\))? ?(?P<name>[\w$]+) ?"
    r"\((?P<parameters>.*)\)"
)
_PARAMETER = re.compile(r"\.param (?:\.align \d+ )?\.(?P<kind>\w+) (?P<name>[\w$]+)(?:\[(\d+)\])?")
_REGISTERS = re.compile(r"\.reg \.(\w+) (.*)")
_MEMORY = re.compile(
    r"(?:\.visible |\.common )*\.(?P<space>shared|global|local) (?:\.align \d+ )?"
    r"\.(?P<kind>[busf]\d+) (?P<name>[\w$]+)(?:\[(?P<n>\d+)\])?(?: = (?P<values>.*))?"
)
_WHOLE = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|\d+)U?")
_REAL = re.compile(r"0[fF]([0-9A-Fa-f]{8})|0[dD]([0-9A-Fa-f]{16})")


class Access(NamedTuple):
    """What an instruction reads or writes."""

    address: str
    check: str
    kind: str


class Translation:
    """One kernel and the functions that it calls, in C.

    Parameters
    ----------
    ptx
        With one entry.
    """

    def __init__(self, ptx: str) -> None:
        self.parameters: list[str] = []
        self.waits = False
        self._registers: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._parameters: dict[str, str] = {}
        self._arrays: dict[str, list[str]] = {"global": [], "shared": []}
        self._before: list[str] = []
        self._lines: list[str] = []
        self._depth, self._head = 0, ""
        for statement in split_statements(ptx):
            self._translate(statement)

    @property
    def c(self) -> str:
        """The translation, which needs ``machine.h`` before it and ``scheduler.h`` after it."""
        tables = [
            f"static const Array {space}_table[] = {{ {' '.join(arrays)} {{NULL, 0}} }};"
            for space, arrays in self._arrays.items()
        ]
        return "\n".join(
            [
                *self._before,
                *tables,
                f"enum {{ WAITS = {int(self.waits)} }};",
                *self._lines,
            ]
        )

    def _translate(self, statement: str) -> None:
        if statement == "{":
            self._depth += 1
            self._lines.append("{" if self._depth > 1 else f"{self._head} {{ uint32_t carry = 0;")
        elif statement == "}":
            self._depth -= 1
            self._lines.append("}")
        elif statement.endswith(":"):
            self._lines.append(f"{_name_label(statement[:-1])}: ;")
        elif found := _FUNCTION.fullmatch(statement):
            self._begin_function(found)
        elif statement.startswith("."):
            self._declare(statement)
        else:
            guard = _GUARD.fullmatch(statement)
            condition = f"if ({guard[1]}{_name(guard[2])}) " if guard else ""
            name, _, operands = (guard[3] if guard else statement).partition(" ")
            code = self._translate_instruction(name, split_operands(operands))
            self._lines.append(f"{condition}{{ {code} }}")

    def _begin_function(self, found: re.Match[str]) -> None:
        given = list(_PARAMETER.finditer(found["parameters"]))
        self._registers = {}
        if found[1] == "entry":
            if self.parameters:
                msg = "a kernel has one entry, and this PTX has two"
                raise UnknownInstructionError(msg)
            self.parameters = [parameter["kind"] for parameter in given]
            self._parameters = {
                parameter["name"]: f"((char *)&arguments[{n}])" for n, parameter in enumerate(given)
            }
            self._head = "static void run_thread(void)"
            return
        names = ["result", *(f"given{n}" for n in range(len(given)))]
        results = _PARAMETER.findall(found["result"] or "")
        of_ptx = [name for _, name, _ in results] + [parameter["name"] for parameter in given]
        self._parameters = dict(zip(of_ptx, names if results else names[1:], strict=True))
        function = self._places.setdefault(found["name"], f"function{len(self._places)}")
        self._head = f"static void {function}({', '.join(f'char *{name}' for name in names)})"
        self._before.append(f"{self._head};")

    def _declare(self, statement: str) -> None:
        if found := _REGISTERS.fullmatch(statement):
            self._declare_registers(found[1], split_operands(found[2]))
        elif found := _PARAMETER.fullmatch(statement):
            n = int(found[3] or 1) * count_bytes(found["kind"])
            self._parameters[found["name"]] = found["name"]
            self._lines.append(f"_Alignas(16) char {found['name']}[{n}];")
        elif found := _MEMORY.fullmatch(statement):
            self._declare_memory(found)
        elif not statement.startswith(".pragma"):
            raise UnknownInstructionError(statement)

    def _declare_registers(self, kind: str, names: list[str]) -> None:
        for name in names:
            prefix, _, n = name.rstrip(">").partition("<")
            declared = [f"{prefix}{i}" for i in range(int(n))] if n else [name]
            self._registers.update(dict.fromkeys(declared, kind))
            self._lines.append(f"{NUMBERS[kind]} {', '.join(map(_name, declared))};")

    def _declare_memory(self, found: re.Match[str]) -> None:
        n = int(found["n"] or 1) * count_bytes(found["kind"])
        place = self._places.setdefault(found["name"], f"memory{len(self._places)}")
        array = f"_Alignas(64) char {place}[{n}]"
        if found["space"] == "local":
            self._lines.append(f"{array}; memset({place}, 0xff, {n});")
            return
        values = f" = {found['values']}" if found["values"] else ""
        self._before.append(f"static unsigned {array}{values};")
        self._arrays[found["space"]].append(f"{{(char *){place}, {n}}},")

    def _translate_instruction(self, name: str, operands: list[str]) -> str:
        head = name.partition(".")[0]
        special: dict[str, Callable[[str, list[str]], str]] = {
            "ret": lambda *_: "return;",
            "bra": lambda _, operands: f"goto {_name_label(operands[0])};",
            "bar": self._wait,
            "vote": self._vote,
            "call": self._call,
            "ld": self._load,
            "st": self._store,
            "atom": self._change,
            "addc": self._carry,
            "subc": self._carry,
            "madc": self._carry,
        }
        if head in special:
            return special[head](name, operands)
        if ".cc." in name:
            return self._carry(name, operands)
        if head == "mov" and operands[0].startswith("{"):
            return self._take_apart(name, *operands)
        if head == "mov" and operands[1].startswith("{"):
            return self._put_together(name, *operands)
        return self._compute(name, operands)

    def _compute(self, name: str, operands: list[str]) -> str:
        operation = find_operation(name)
        target, *read = operands
        given = "".join(
            f"{NUMBERS[kind]} {'abcd'[n]} = {self._read(operand, kind)}; "
            for n, (kind, operand) in enumerate(zip(operation.operands, read, strict=True))
        )
        yes, _, no = target.partition("|")
        result = f"{NUMBERS[operation.result]} result = {operation.code}; "
        code = given + result + self._write(yes, operation.result, "result")
        return f"{code} {_name(no)} = !result;" if no else code

    def _carry(self, name: str, operands: list[str]) -> str:
        """Add or subtract with a carry, that of before, that for after, or both."""
        head, *modifiers, kind = name.split(".")
        if kind != "u32" or not set(modifiers) <= {"cc", "lo", "hi"}:
            raise UnknownInstructionError(name)
        target, *read = operands
        numbers = [f"(uint64_t){self._read(operand, kind)}" for operand in read]
        carry = "carry" if head.endswith("c") else "0"
        if head.startswith("mad"):
            product = f"({numbers[0]} * {numbers[1]})"
            half = f"({product} >> 32)" if "hi" in modifiers else f"(uint32_t){product}"
            numbers = [half, numbers[2]]
        sign = "-" if head.startswith("sub") else "+"
        code = f"uint64_t wide = {numbers[0]} {sign} {numbers[1]} {sign} {carry}; "
        if "cc" in modifiers:
            code += "carry = (wide >> 32) & 1; "
        return code + self._write(target, kind, "(uint32_t)wide")

    def _take_apart(self, name: str, target: str, source: str) -> str:
        kind = name.rpartition(".")[2]
        half, bits = _halve(name, kind)
        low, high = split_vector(target)
        code = f"{NUMBERS[kind]} both = {self._read(source, kind)};"
        code += self._write(low, half, f"({NUMBERS[half]})both")
        return code + self._write(high, half, f"({NUMBERS[half]})(both >> {bits})")

    def _put_together(self, name: str, target: str, source: str) -> str:
        kind = name.rpartition(".")[2]
        half, bits = _halve(name, kind)
        low, high = (self._read(part, half) for part in split_vector(source))
        return self._write(target, kind, f"({NUMBERS[kind]}){high} << {bits} | {low}")

    def _wait(self, name: str, operands: list[str]) -> str:
        if name != "bar.sync" or operands != ["0"]:
            raise UnknownInstructionError(name)
        self.waits = True
        return "wait_at(BARRIER);"

    def _vote(self, name: str, operands: list[str]) -> str:
        if name != "vote.sync.ballot.b32":
            raise UnknownInstructionError(name)
        self.waits = True
        vote, mask = self._read(operands[1], "pred"), self._read(operands[2], "b32")
        return self._write(operands[0], "b32", f"take_votes({vote}, {mask})")

    def _call(self, name: str, operands: list[str]) -> str:
        if name != "call.uni":
            raise UnknownInstructionError(name)
        result = operands[0].strip("() ") if len(operands) == 3 else "0"
        given = split_operands(operands[-1].strip("() "))
        return f"{self._places[operands[-2]]}({', '.join([result, *given])});"

    def _find_access(self, name: str, operand: str, n: int = 1) -> Access:
        parts, kind = name.split("."), name.rpartition(".")[2]
        base, offset = split_address(operand)
        if "param" in parts:
            return Access(f"{self._parameters[base]} + {offset}", "", kind)
        find = f"char *at = (char *)({self._read(base, 'u64')} + (int64_t){offset});"
        check = next((_CHECKS[part] for part in parts if part in _CHECKS), "check_alignment")
        return Access("at", f'{find} {check}("{name}", at, {n * count_bytes(kind)});', kind)

    def _load(self, name: str, operands: list[str]) -> str:
        targets = split_vector(operands[0])
        at, check, kind = self._find_access(name, operands[1], len(targets))
        read = f"{NUMBERS[kind]} read[{len(targets)}]; memcpy(read, {at}, sizeof read); "
        writes = (self._write(target, kind, f"read[{n}]") for n, target in enumerate(targets))
        return f"{check} {read} {' '.join(writes)}"

    def _store(self, name: str, operands: list[str]) -> str:
        sources = split_vector(operands[1])
        at, check, kind = self._find_access(name, operands[0], len(sources))
        values = ", ".join(self._read(source, kind) for source in sources)
        put = f"memcpy({at}, written, sizeof written);"
        return f"{check} {NUMBERS[kind]} written[] = {{{values}}}; {put}"

    def _change(self, name: str, operands: list[str]) -> str:
        """Change memory with an atomic, which here everything is."""
        how = name.split(".")[2]
        if how not in CHANGES:
            raise UnknownInstructionError(name)
        at, check, kind = self._find_access(name, operands[1])
        number = NUMBERS[kind]
        given = "".join(
            f"{number} {variable} = {self._read(operand, kind)}; "
            for variable, operand in zip("bc", operands[2:], strict=False)
        )
        change = f"{number} old; memcpy(&old, {at}, sizeof old); {number} made = {CHANGES[how]}; "
        put = f"memcpy({at}, &made, sizeof made); "
        return check + given + change + put + self._write(operands[0], kind, "old")

    def _read(self, operand: str, kind: str) -> str:
        """An operand as an expression: of a register, only the number of bits is known."""
        if operand in _SPECIAL:
            return f"({NUMBERS[kind]}){_SPECIAL[operand]}"
        if operand in self._places:
            return f"(uint64_t){self._places[operand]}"
        if real := _REAL.fullmatch(operand):
            have, number = ("f32", f"0x{real[1]}u") if real[1] else ("f64", f"0x{real[2]}ull")
            return _view(number, "u32" if have == "f32" else "u64", kind)
        if operand not in self._registers and _WHOLE.fullmatch(operand) and kind[0] != "f":
            number = int(operand.rstrip("U"), 0)
            if kind == "pred":
                return str(int(number != 0))
            return f"({NUMBERS[kind]}){number % 2 ** (8 * count_bytes(kind))}ull"
        if operand.startswith("!"):
            return f"!{_name(operand[1:])}"
        return _view(_name(operand), self._registers[operand], kind)

    def _write(self, target: str, kind: str, expression: str) -> str:
        if target == "_":
            return ""
        have = self._registers[target]
        # What is narrower than its register is extended, by its sign if it has one.
        return f"{_name(target)} = {_view(f'({NUMBERS[kind]})({expression})', kind, have)};"


def _name(register: str) -> str:
    return "register_" + register.lstrip("%").replace("$", "_")


def _name_label(label: str) -> str:
    return "label" + label.replace("$", "_")


def _halve(name: str, kind: str) -> tuple[str, int]:
    if kind not in ("b32", "b64"):
        raise UnknownInstructionError(name)
    bits = 4 * count_bytes(kind)
    return f"b{bits}", bits


def _view(expression: str, have: str, kind: str) -> str:
    """Take the bits of a number as one of another type."""
    if kind == have:
        return expression
    if "f" not in have + kind:
        return f"({NUMBERS[kind]})({expression})"
    if count_bytes(have) != count_bytes(kind):
        msg = f"{have} as {kind}"
        raise UnknownInstructionError(msg)
    return f"bits_of_{have}({expression})" if have[0] == "f" else f"{kind}_of_bits({expression})"
