"""A pickle's value without its effects: an interpreter that imports and calls nothing.

It reads protocols 0 to 5 (Python's pickletools documents the opcodes). Dictionaries, lists,
tuples, numbers and short texts come out as themselves; everything else as one of
`stylegan_ft.pickles.symbols`. Bytes and long texts are left in the file. Opcodes and memory are
bounded by the size of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import (
    CONTAINERS,
    ENCODE,
    FROM_TYPE,
    LATIN,
    LOAD_BYTES,
    MAPPINGS,
    RECONSTRUCT,
    RECONSTRUCTOR,
    SCALAR,
    SOURCE,
)
from stylegan_ft.pickles.reading import (
    BYTE_ESCAPES,
    LETTER_ESCAPES,
    Data,
    Reader,
    damaged,
    text_of,
)
from stylegan_ft.pickles.sources import check_source
from stylegan_ft.pickles.symbols import Call, Global, Persistent, Span, symbol_of

DIGITS = 255
"""Bytes of the largest integer."""

COST = 200
"""Bytes of memory that no opcode exceeds, spread over those that lead up to it."""

ALLOWANCE = 2**25
"""Bytes of memory that any file may take, before a share that grows with its size."""

SOURCE_COST, LETTER_COST = 2**20, 64
"""Bytes of memory that count for each source that is checked, and for each letter of it."""


@dataclass(frozen=True)
class Pickle:
    """What a pickle holds.

    Attributes:
        value: what loading it would have given, in symbols.
        end: the first byte behind it.
        nested: bytes that loading would have unpickled in turn, or texts for them.
        persistents: what was kept outside, in the order of the file.
        foreign: the names that are not on the list of what weights are made of. Where there are
            any, nothing is said of what Python's own unpickler would do with the file.
    """

    value: object
    end: int
    nested: tuple[str | Span, ...]
    persistents: tuple[Persistent, ...]
    foreign: tuple[str, ...]


def interpret(
    data: Data, start: int = 0, end: int | None = None, allowance: int = ALLOWANCE
) -> Pickle:
    """Reads the pickle that starts at a byte.

    Args:
        data: what holds it.
        start, end: where it starts, and where it must have ended.
        allowance: bytes of memory that it may take, before a share that grows with its size.

    Raises:
        CheckpointError: it is damaged, names functions of Python's own library, holds source
            code that would do more than define networks, or would take more memory than its size
            explains.
    """
    machine = _Machine(data, start, len(data) if end is None else end, allowance)
    value = machine.run()
    for source in machine.sources:
        check_source(source if isinstance(source, str) else text_of(data, source))
    nested, persistents = tuple(machine.nested), tuple(machine.persistents)
    return Pickle(value, machine.at, nested, persistents, tuple(machine.foreign))


class _Machine(Reader):
    """The stack, the marks and the memory of a pickle while it is read."""

    def __init__(self, data: Data, start: int, end: int, allowance: int):
        super().__init__(data, start, end, allowance + (end - start) // 4)
        self.nested: list[str | Span] = []
        self.persistents: list[Persistent] = []
        self.sources: dict[str | Span, None] = {}
        self.foreign: dict[str, None] = {}
        self._stack: list = []
        self._below: list[list] = []  # the stacks under the marks
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        while (code := self.byte()) != _STOP:
            self.charge(COST)
            action = _ACTIONS.get(code)
            if action is None:
                raise CheckpointError(f"byte {self.at - 1} holds {code:#04x}, no pickle's opcode")
            action(self)
        return self.pop()

    def push(self, value: object) -> None:
        self._stack.append(value)

    def pop(self) -> object:
        if not self._stack:
            raise damaged("takes more than it has")
        return self._stack.pop()

    def top(self) -> object:
        if not self._stack:
            raise damaged("takes more than it has")
        return self._stack[-1]

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def since_mark(self) -> list:
        """What was pushed since the last mark, which is removed."""
        if not self._below:
            raise damaged("lacks a mark")
        items, self._stack = self._stack, self._below.pop()
        return items

    def last(self, count: int) -> tuple:
        """The last values, taken off."""
        return tuple([self.pop() for _ in range(count)][::-1])

    def put(self, index: int) -> None:
        self._memo[index] = self.top()

    def memoize(self) -> None:
        self.put(len(self._memo))

    def get(self, index: int) -> None:
        if index not in self._memo:
            raise damaged("refers to what it has not made")
        self.push(self._memo[index])

    def push_global(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise damaged("has a name that is no text")
        found = symbol_of(module, name)
        if found.foreign:
            self.foreign[found.name] = None
        self.push(found)

    def call(self, function: object, args: object) -> None:
        """Pushes the symbol of a call."""
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise damaged("calls what is no function")
        made = self.mapping(function.name, args)
        if made is None:
            self.look_at(function.name, args)
            made = Call(function.name, args)
        self.push(made)

    def mapping(self, name: str, args: tuple) -> dict | None:
        """The dictionary that a call makes; None where it makes none, or one of symbols."""
        if name == RECONSTRUCTOR and len(args) == 3 and isinstance(args[0], Global):
            name, args = args[0].name, args[2:]
        if name not in MAPPINGS:
            return None
        entries = args[1:] if name.endswith("defaultdict") else args
        if not entries:
            return {}
        given = list(entries[0].items()) if isinstance(entries[0], dict) else entries[0]
        if len(entries) > 1 or not isinstance(given, list | tuple):
            return None
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
            return None
        self.charge(COST * len(given))
        return {_key(key): value for key, value in given}

    def look_at(self, name: str, args: tuple) -> None:
        """Looks at what a call would run or unpickle, and keeps it for what is read later.

        Raises:
            CheckpointError: it would run what cannot be told from its arguments.
        """
        while name == FROM_TYPE:
            if len(args) != 4 or not isinstance(args[0], Global):
                raise damaged("calls what is no function")
            name, args = args[0].name, args[2]
            if not isinstance(args, list | tuple):
                raise damaged("calls a function with what is no list of arguments")
        if name == LOAD_BYTES:
            self.nested.append(nested_bytes(args))
        elif name == RECONSTRUCT:
            self.keep_source(args[0] if len(args) == 1 else None, SOURCE)
        elif name == SCALAR and not (len(args) == 2 and _is_bytes(args[1])):
            raise damaged("has a number that is none")

    def keep_source(self, held: object, entry: str) -> None:
        """Keeps the source code that a network's description has, which making it would run."""
        if not isinstance(held, dict) or not all(isinstance(key, str) for key in held):
            raise damaged("has a network without its source code")  # or with a name made by a call
        source = held.get(entry)
        if not isinstance(source, str | Span):
            raise damaged("has a network without its source code")
        if source not in self.sources:
            length = source.length if isinstance(source, Span) else len(source)
            self.charge(SOURCE_COST + LETTER_COST * length)
            self.sources[source] = None

    def inst(self) -> None:
        self.push_global(self.line(), self.line())
        function = self.pop()
        self.call(function, tuple(self.since_mark()))

    def obj(self) -> None:
        function, *args = self.since_mark() or [None]
        self.call(function, tuple(args))

    def reduce(self) -> None:
        self.call(*self.last(2))

    def new(self) -> None:
        """Makes an object without its class's __init__, so that a dictionary is empty."""
        function, args = self.last(2)
        empty = isinstance(function, Global) and function.name in MAPPINGS
        self.call(function, () if empty and isinstance(args, tuple) else args)

    def new_with_names(self) -> None:
        function, args, names = self.last(3)
        self.call(function, (*args, names) if isinstance(args, tuple) else None)

    def build(self) -> None:
        """Keeps an object's state beside it; a dictionary's attributes are dropped."""
        state, target = self.pop(), self.top()
        if isinstance(target, Call):
            target.state = state
        elif not isinstance(target, dict) or not isinstance(state, dict | None):
            raise damaged("sets the state of what has none")

    def set_items(self, items: list) -> None:
        """Puts keys and values into the dictionary on top; those of other objects are dropped."""
        target = self.top()
        if len(items) % 2 or not (isinstance(target, dict) or _is_container(target)):
            raise damaged("has items that belong to nothing")
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                target[_key(key)] = value

    def append(self, items: list) -> None:
        """Puts values into the list on top; those of other objects are dropped."""
        target = self.top()
        if not (isinstance(target, list) or _is_container(target)):
            raise damaged("has values that belong to nothing")
        if isinstance(target, list):
            target += items

    def dictionary(self) -> None:
        items = self.since_mark()
        self.push({})
        self.set_items(items)

    def persistent(self, pid: object) -> None:
        found = Persistent(pid)
        self.persistents.append(found)
        self.push(found)

    def integer(self, count: int) -> None:
        if count > DIGITS:
            raise CheckpointError(f"its pickle has an integer of {count} bytes; no weights need it")
        self.push(self.number(count, signed=True))

    def decimal(self) -> None:
        """An integer or truth value of protocol 1, in digits."""
        text = self.line()
        if text in ("00", "01"):
            self.push(text == "01")
            return
        digits = text.removesuffix("L")
        if not digits.removeprefix("-").isdecimal() or len(digits) > 2 * DIGITS:
            raise damaged("has a number that is none")
        self.push(int(digits))

    def fraction(self) -> None:
        """A number of protocol 0, in digits."""
        try:
            self.push(float(self.line()))
        except ValueError as error:
            raise damaged("has a number that is none") from error

    def place(self) -> int:
        """A place in the memory, in digits."""
        text = self.line()
        if not (text.isascii() and text.isdecimal()) or len(text) > 20:
            raise damaged("has a number that is none")
        return int(text)


def nested_bytes(args: tuple) -> str | Span:
    """The bytes that a storage is unpickled from, or the text that stands for them in protocols up
    to 2.

    Raises:
        CheckpointError: they are none.
    """
    held = args[0] if len(args) == 1 else None
    if isinstance(held, Span) and held.coding in ("", BYTE_ESCAPES):
        return held
    plain = isinstance(held, Call) and held.name == ENCODE and len(held.args) == 2
    if not plain or held.args[1] not in LATIN or not isinstance(held.args[0], str | Span):
        raise damaged("has a tensor without bytes")
    return held.args[0]


def _key(key: object) -> object:
    """The key itself if it is of a kind that hashes evenly, else a symbol that equals no other."""
    plain = isinstance(key, str | bool | None) or (type(key) is int and abs(key) < 2**60)
    return key if plain else Call("key", (key,))


def _is_container(value: object) -> bool:
    """Whether values may be put into what a call makes.

    What is known makes a new object then, so that nothing else changes by them unseen.
    """
    return isinstance(value, Call) and (value.name in CONTAINERS or value.foreign)


def _is_bytes(value: object) -> bool:
    return isinstance(value, str | Span) or (isinstance(value, Call) and value.name == ENCODE)


def _unframed(machine: _Machine) -> None:
    machine.take(8)  # a frame's length is a hint for readers of streams


_STOP = ord(".")

_ACTIONS: dict[int, Callable[[_Machine], object]] = {
    ord("("): _Machine.mark,
    ord("0"): _Machine.pop,
    ord("1"): _Machine.since_mark,
    ord("2"): lambda m: m.push(m.top()),
    # constants and numbers
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("K"): lambda m: m.push(m.byte()),
    ord("M"): lambda m: m.push(m.number(2)),
    ord("J"): lambda m: m.push(m.number(4, signed=True)),
    ord("G"): lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    ord("F"): _Machine.fraction,
    ord("I"): _Machine.decimal,
    ord("L"): _Machine.decimal,
    0x8A: lambda m: m.integer(m.byte()),
    0x8B: lambda m: m.integer(m.number(4)),
    # texts and bytes
    ord("X"): lambda m: m.push(m.text(m.number(4))),
    0x8C: lambda m: m.push(m.text(m.byte())),
    0x8D: lambda m: m.push(m.text(m.number(8))),
    ord("V"): lambda m: m.push(m.escaped(LETTER_ESCAPES)),
    ord("S"): lambda m: m.push(m.escaped(BYTE_ESCAPES)),
    ord("T"): lambda m: m.push(m.string(m.number(4))),
    ord("U"): lambda m: m.push(m.string(m.byte())),
    ord("B"): lambda m: m.push(m.span(m.number(4))),
    ord("C"): lambda m: m.push(m.span(m.byte())),
    0x8E: lambda m: m.push(m.span(m.number(8))),
    0x96: lambda m: m.push(m.span(m.number(8))),
    # containers
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(tuple(m.since_mark())),
    0x85: lambda m: m.push(m.last(1)),
    0x86: lambda m: m.push(m.last(2)),
    0x87: lambda m: m.push(m.last(3)),
    ord("]"): lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.since_mark()),
    ord("a"): lambda m: m.append([m.pop()]),
    ord("e"): lambda m: m.append(m.since_mark()),
    ord("}"): lambda m: m.push({}),
    ord("d"): _Machine.dictionary,
    ord("s"): lambda m: m.set_items(list(m.last(2))),
    ord("u"): lambda m: m.set_items(m.since_mark()),
    0x8F: lambda m: m.push([]),  # a set, which no weights need as such
    0x90: lambda m: m.append(m.since_mark()),
    0x91: lambda m: m.push(tuple(m.since_mark())),
    # names, calls, and what would be set on their results
    ord("c"): lambda m: m.push_global(m.line(), m.line()),
    0x93: lambda m: m.push_global(*m.last(2)),
    ord("R"): _Machine.reduce,
    0x81: _Machine.new,
    0x92: _Machine.new_with_names,
    ord("i"): _Machine.inst,
    ord("o"): _Machine.obj,
    ord("b"): _Machine.build,
    ord("P"): lambda m: m.persistent(m.line()),
    ord("Q"): lambda m: m.persistent(m.pop()),
    # memory, and what only concerns readers of streams
    ord("p"): lambda m: m.put(m.place()),
    ord("q"): lambda m: m.put(m.byte()),
    ord("r"): lambda m: m.put(m.number(4)),
    0x94: _Machine.memoize,
    ord("g"): lambda m: m.get(m.place()),
    ord("h"): lambda m: m.get(m.byte()),
    ord("j"): lambda m: m.get(m.number(4)),
    0x80: lambda m: m.byte(),
    0x95: _unframed,
}
