"""A kernel's PTX as C: registers are variables, labels are labels, and accesses are checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ptx.memory import Access, Memory, read_parameter
from ptx.operations import UnknownInstructionError, find_change, find_operation
from ptx.registers import Registers
from ptx.statements import NUMBERS, count_bytes, split_operands, split_statements, split_vector

if TYPE_CHECKING:
    from collections.abc import Callable

_GUARD = re.compile(r"@(!?)(%\w+) (.*)")
_REGISTERS = re.compile(r"\.reg \.(\w+) (.*)")
_FUNCTION = re.compile(
    r"(?:\.visible |\.weak )?\.(entry|func)(?: \((?P<result>[^)]*)\))? ?(?P<name>[\w$]+) ?"
    r"\((?P<parameters>.*)\)"
)


class Translation:
    """One kernel and the functions that it calls, in C.

    Parameters
    ----------
    ptx
        With one entry.
    """

    def __init__(self, ptx: str) -> None:
        self.parameters: list[str] = []
        self.waits = self._has_entry = False
        self._places: dict[str, str] = {}
        self._registers, self._memory = Registers(self._places), Memory(self._places)
        self._before: list[str] = []
        self._lines: list[str] = []
        self._depth, self._n_sites, self._head = 0, 0, ""
        for statement in split_statements(ptx):
            try:
                self._translate(statement)
            except (KeyError, IndexError, ValueError) as error:
                raise UnknownInstructionError(statement) from error

    @property
    def c(self) -> str:
        """The translation, which needs ``machine.h`` before it and ``scheduler.h`` after it."""
        waits = f"enum {{ WAITS = {int(self.waits)} }};"
        memory = self._memory
        return "\n".join([*memory.before, *self._before, *memory.tables, waits, *self._lines])

    def _translate(self, statement: str) -> None:
        if statement == "{":
            self._depth += 1
            self._registers.begin_scope()
            self._lines.append("{" if self._depth > 1 else f"{self._head} {{ uint32_t carry = 0;")
        elif statement == "}":
            self._depth -= 1
            self._registers.end_scope()
            self._lines.append("}")
        elif statement.endswith(":"):
            self._lines.append(f"{_name_label(statement[:-1])}: ;")
        elif found := _FUNCTION.fullmatch(statement):
            self._begin_function(found)
        elif statement.startswith("."):
            self._declare(statement)
        else:
            guard = _GUARD.fullmatch(statement)
            asked = guard and self._registers.read(guard[1] + guard[2], "pred")
            condition = f"if ({asked}) " if guard else ""
            name, _, operands = (guard[3] if guard else statement).partition(" ")
            code = self._translate_instruction(name, split_operands(operands))
            self._lines.append(f"{condition}{{ {code} }}")

    def _begin_function(self, found: re.Match[str]) -> None:
        parameters = [read_parameter(text) for text in split_operands(found["parameters"])]
        if found[1] == "entry":
            if self._has_entry or any(parameter.n != 1 for parameter in parameters):
                msg = "a kernel has one entry, which takes numbers"
                raise UnknownInstructionError(msg)
            self._has_entry = True
            self.parameters = [parameter.kind for parameter in parameters]
            names = [f"(char *)&arguments[{n}]" for n in range(len(parameters))]
            self._memory.begin_function(parameters, names)
            self._head = "static void run_thread(void)"
            return
        names = [f"given{n}" for n in range(len(parameters))]
        result = [read_parameter(found["result"])] if found["result"] else []
        self._memory.begin_function(
            [*result, *parameters], [*(["result"] if result else []), *names]
        )
        function = self._places.setdefault(found["name"], f"function{len(self._places)}")
        taken = ", ".join(f"char *{name}" for name in ("result", *names))
        self._head = f"static void {function}({taken})"
        self._before.append(f"{self._head};")

    def _declare(self, statement: str) -> None:
        if found := _REGISTERS.fullmatch(statement):
            self._lines.append(self._registers.declare(found[1], split_operands(found[2])))
        elif statement.startswith(".param"):
            self._lines.append(self._memory.declare_parameter(statement))
        elif not statement.startswith(".pragma"):
            self._lines.append(self._memory.declare_array(statement))

    def _translate_instruction(self, name: str, operands: list[str]) -> str:
        head = name.partition(".")[0]
        special: dict[str, Callable[[str, list[str]], str]] = {
            "ret": self._return,
            "bra": self._go,
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
        given = self._registers.declare_operands("abcd", operation.operands, read)
        result = f"{NUMBERS[operation.result]} result = {operation.code}; "
        return given + result + self._registers.write(target, operation.result, "result")

    def _return(self, name: str, operands: list[str]) -> str:
        if name != "ret" or operands:
            raise UnknownInstructionError(name)
        return "return;"

    def _go(self, name: str, operands: list[str]) -> str:
        if name not in ("bra", "bra.uni") or len(operands) != 1:
            raise UnknownInstructionError(name)
        return f"goto {_name_label(operands[0])};"

    def _carry(self, name: str, operands: list[str]) -> str:
        """Add or subtract with a carry, that of before, that for after, or both."""
        head, *modifiers, kind = name.split(".")
        halves = [modifier for modifier in modifiers if modifier != "cc"]
        is_product = head in ("mad", "madc")
        target, *read = operands
        if (
            kind != "u32"
            or len(halves) != is_product
            or not set(halves) <= {"lo", "hi"}
            or len(read) != (3 if is_product else 2)
        ):
            raise UnknownInstructionError(name)
        numbers = [f"(uint64_t){self._registers.read(operand, kind)}" for operand in read]
        carry = "carry" if head.endswith("c") else "0"
        if is_product:
            product = f"({numbers[0]} * {numbers[1]})"
            half = f"({product} >> 32)" if "hi" in halves else f"(uint32_t){product}"
            numbers = [half, numbers[2]]
        sign = "-" if head.startswith("sub") else "+"
        code = f"uint64_t wide = {numbers[0]} {sign} {numbers[1]} {sign} {carry}; "
        if "cc" in modifiers:
            code += "carry = (wide >> 32) & 1; "
        return code + self._registers.write(target, kind, "(uint32_t)wide")

    def _take_apart(self, name: str, target: str, source: str) -> str:
        kind = name.rpartition(".")[2]
        half, bits = _halve(name, kind)
        low, high = split_vector(target)
        code = f"{NUMBERS[kind]} both = {self._registers.read(source, kind)};"
        code += self._registers.write(low, half, f"({NUMBERS[half]})both")
        return code + self._registers.write(high, half, f"({NUMBERS[half]})(both >> {bits})")

    def _put_together(self, name: str, target: str, source: str) -> str:
        kind = name.rpartition(".")[2]
        half, bits = _halve(name, kind)
        low, high = (self._registers.read(part, half) for part in split_vector(source))
        return self._registers.write(target, kind, f"({NUMBERS[kind]}){high} << {bits} | {low}")

    def _wait(self, name: str, operands: list[str]) -> str:
        if name != "bar.sync" or operands != ["0"]:
            raise UnknownInstructionError(name)
        return f"wait_at(BARRIER, {self._make_site()});"

    def _vote(self, name: str, operands: list[str]) -> str:
        if name != "vote.sync.ballot.b32" or len(operands) != 3:
            raise UnknownInstructionError(name)
        target, vote, lanes = operands
        given = self._registers.read(vote, "pred"), self._registers.read(lanes, "b32")
        taken = f"take_votes({', '.join(given)}, {self._make_site()})"
        return self._registers.write(target, "b32", taken)

    def _make_site(self) -> int:
        """Number a place where threads wait for each other."""
        self.waits = True
        self._n_sites += 1
        return self._n_sites

    def _call(self, name: str, operands: list[str]) -> str:
        if name != "call.uni":
            raise UnknownInstructionError(name)
        result = operands.pop(0).strip("() ") if operands[0].startswith("(") else "NULL"
        function, *given = operands
        taken = split_operands(given[0].strip("() ")) if given else []
        return f"{self._places[function]}({', '.join([result, *taken])});"

    def _find_access(self, name: str, operand: str, n_operands: int = 1) -> Access:
        return self._memory.find_access(self._registers, name, operand, n_operands)

    def _load(self, name: str, operands: list[str]) -> str:
        target, source = operands
        targets = split_vector(target)
        at, check, kind, _ = self._find_access(name, source, len(targets))
        read = f"{NUMBERS[kind]} read[{len(targets)}]; memcpy(read, {at}, sizeof read); "
        writes = (
            self._registers.write(target, kind, f"read[{n}]") for n, target in enumerate(targets)
        )
        return f"{check} {read} {' '.join(writes)}"

    def _store(self, name: str, operands: list[str]) -> str:
        target, source = operands
        sources = split_vector(source)
        at, check, kind, _ = self._find_access(name, target, len(sources))
        values = ", ".join(self._registers.read(source, kind) for source in sources)
        put = f"memcpy({at}, written, sizeof written);"
        return f"{check} {NUMBERS[kind]} written[] = {{{values}}}; {put}"

    def _change(self, name: str, operands: list[str]) -> str:
        """Change memory with an atomic, which here everything is."""
        target, place, *read = operands
        at, check, kind, how = self._find_access(name, place)
        change = find_change(how, kind)
        number = NUMBERS[kind]
        given = self._registers.declare_operands("bc", change.operands, read)
        code = f"{number} old; memcpy(&old, {at}, sizeof old); {number} made = {change.code}; "
        put = f"memcpy({at}, &made, sizeof made); "
        return check + given + code + put + self._registers.write(target, kind, "old")


def _name_label(label: str) -> str:
    return "label" + label.replace("$", "_")


def _halve(name: str, kind: str) -> tuple[str, int]:
    if kind not in ("b32", "b64"):
        raise UnknownInstructionError(name)
    bits = 4 * count_bytes(kind)
    return f"b{bits}", bits
