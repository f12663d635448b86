"""Arrays and parameters of PTX, and accesses to them, which are checked."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from ptx.operations import UnknownInstructionError
from ptx.statements import count_bytes, split_address

if TYPE_CHECKING:
    from ptx.registers import Registers

# Of a thread, whose stack has no more for them.
_MOST_LOCAL_BYTES = 2**16
_SPACE = r"(?:\.(?P<space>global|shared|local|param)(?:(?<=global)\.nc)?)?"
_KIND = r"\.(?P<kind>[busf](?:8|16|32|64))"
_ACCESSES = {
    "ld": re.compile(rf"ld(?:\.volatile)?{_SPACE}(?:\.v(?P<n>[24]))?{_KIND}"),
    "st": re.compile(rf"st(?:\.volatile)?{_SPACE}(?:\.v(?P<n>[24]))?{_KIND}"),
    "atom": re.compile(rf"atom\.(?P<space>global|shared)\.(?P<how>\w+){_KIND}"),
}
_PARAMETER = re.compile(
    r"\.param (?:\.align \d+ )?\.(?P<kind>\w+) (?P<name>[\w$]+)(?:\[(?P<n>\d+)\])?"
)
_ARRAY = re.compile(
    r"(?:\.visible |\.common )*\.(?P<space>shared|global|local) (?:\.align \d+ )?"
    r"\.(?P<kind>[busf]\d+) (?P<name>[\w$]+)(?:\[(?P<n>\d+)\])?(?: = (?P<values>.*))?"
)


class Access(NamedTuple):
    """What an instruction reads or writes: where that is in C, what checks it, and its type."""

    address: str
    check: str
    kind: str
    how: str


class Named(NamedTuple):
    """Memory that has a name: what it is called in C, and how long it is."""

    name: str
    n_bytes: int


class Parameter(NamedTuple):
    """A parameter as PTX declares it."""

    name: str
    kind: str
    n: int

    @property
    def n_bytes(self) -> int:
        return self.n * count_bytes(self.kind)


class Memory:
    """What there is beside registers.

    Parameters
    ----------
    places
        Memory and functions, by their names in PTX: what they are called in C.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self.before: list[str] = []
        self._places = places
        self._arrays: dict[str, list[Named]] = {"global": [], "shared": [], "local": []}
        self._parameters: dict[str, Named] = {}

    @property
    def tables(self) -> list[str]:
        """Tables of the arrays that all threads share."""
        return [
            f"static const Array {space}_table[] = {{ {_list(self._arrays[space])} }};"
            for space in ("global", "shared")
        ]

    def begin_function(self, parameters: list[Parameter], names: list[str]) -> None:
        """Forget what an earlier function had, and take parameters for what they are in C."""
        self._arrays["local"] = []
        self._parameters = {
            parameter.name: Named(name, parameter.n_bytes)
            for parameter, name in zip(parameters, names, strict=True)
        }

    def declare_parameter(self, statement: str) -> str:
        """Declare what a function is called with, or returns."""
        parameter = read_parameter(statement)
        self._parameters[parameter.name] = Named(parameter.name, parameter.n_bytes)
        return f"_Alignas(16) char {parameter.name}[{parameter.n_bytes}];"

    def declare_array(self, statement: str) -> str:
        """Declare an array, of a thread where it stands, and of all before their functions."""
        found = _ARRAY.fullmatch(statement)
        if found is None or (found["values"] and found["kind"] != "b8"):
            raise UnknownInstructionError(statement)
        name = self._places.setdefault(found["name"], f"memory{len(self._places)}")
        n_bytes = int(found["n"] or 1) * count_bytes(found["kind"])
        self._arrays[found["space"]].append(Named(name, n_bytes))
        array = f"_Alignas(64) unsigned char {name}[{n_bytes}]"
        if found["space"] == "local":
            if n_bytes > _MOST_LOCAL_BYTES:
                raise UnknownInstructionError(statement)
            return f"{array}; memset({name}, 0xff, {n_bytes});"
        values = f" = {found['values']}" if found["values"] else ""
        self.before.append(f"static {array}{values};")
        return ""

    def find_access(
        self, registers: Registers, name: str, operand: str, n_operands: int = 1
    ) -> Access:
        """Find what an instruction accesses by an operand, ``[%rd1+8]``."""
        head = name.partition(".")[0]
        found = _ACCESSES[head].fullmatch(name)
        named = found.groupdict() if found else {}
        if n_operands != int(named.get("n") or 1) or "kind" not in named:
            raise UnknownInstructionError(name)
        space, kind = named["space"], named["kind"]
        n_bytes = n_operands * count_bytes(kind)
        base, offset = split_address(operand)
        if space == "param":
            parameter = self._parameters[base]
            if not 0 <= offset <= parameter.n_bytes - n_bytes:
                raise UnknownInstructionError(name)
            return Access(f"{parameter.name} + {offset}", "", kind, "")
        tables = {
            "global": ["given_arrays", *(["global_table"] if head == "ld" else [])],
            "shared": ["shared_table"],
            "local": [f"(Array[]){{ {_list(self._arrays['local'])} }}"],
        }
        # Addresses of no space may be of any.
        searched = tables[space] if space else itertools.chain(*tables.values())
        is_there = " || ".join(f"is_inside({table}, at, {n_bytes})" for table in searched)
        find = f"char *at = (char *)({registers.read(base, 'u64')} + (int64_t){offset});"
        check = f'{find} check_access("{name}", at, {n_bytes}, {is_there});'
        return Access("at", check, kind, named.get("how") or "")


def read_parameter(text: str) -> Parameter:
    """Read the declaration of a parameter."""
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise UnknownInstructionError(text)
    return Parameter(found["name"], found["kind"], int(found["n"] or 1))


def _list(arrays: list[Named]) -> str:
    """A table of arrays, whose last is none."""
    return " ".join([*(f"{{(char *){name}, {n}}}," for name, n in arrays), "{NULL, 0}"])
