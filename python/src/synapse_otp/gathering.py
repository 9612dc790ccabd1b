"""Runs in the zygote: brings together the functions that workers call, since each call counts references to its function and its code.

A count is a few bytes, and writing it makes a page of 4 KB the worker's own. What is called lies among ten times as much that is not, one
or two functions on a page; copies that are made one after the other share a tenth of the pages.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from .heap import fill_heap
from .packing import fill_holes

__all__ = ["gather"]

_MOVABLE = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
"""What a function is made of, and that all its references are counted, is tested with these versions. In others only code is copied."""

_IMMUTABLE_TYPE = 1 << 8
"""The flag of types that take no new attributes (Py_TPFLAGS_IMMUTABLETYPE)."""

_KINDS = {FunctionType, property, staticmethod, classmethod}

_Holder = tuple[Any, str]
"""A class or a module, and the name that it has for something."""


def gather(called: Sequence[int]) -> int:
    """Copies the code of what is called, and those functions to which only classes and modules refer, in that order.

    Args:
        called: The `id()` of code that is called, what is called most first.

    Returns:
        How many functions have got a copy of their code.
    """
    places = {number: place for place, number in enumerate(called)}
    found = [
        (each, place) for each in gc.get_objects() if type(each) is FunctionType and (place := _place(each.__code__, places)) is not None
    ]
    found.sort(key=lambda each: each[1])
    functions = [each for each, _ in found]
    count = len(functions)
    if count == 0:
        return 0
    del found
    for function in functions:
        _make_what_copying_makes(function.__code__, places)
        if _MOVABLE:
            _ = function.__annotations__
    fill_holes()
    fill_heap()
    _copy_code(functions, places)
    order = [id(each) for each in functions]
    del functions, function  # else there would be references to them
    if _MOVABLE:
        _move(order)
    return count


def _place(code: CodeType, places: Mapping[int, int]) -> int | None:
    """Where it, or the first of the functions defined in it, is among what is called."""
    own = places.get(id(code))
    inner = [place for each in code.co_consts if type(each) is CodeType and (place := _place(each, places)) is not None]
    return own if not inner else min(inner) if own is None else min(own, *inner)


def _make_what_copying_makes(code: CodeType, places: Mapping[int, int]) -> None:
    """Code keeps its instructions as `bytes` once they were asked for: these must not lie between the copies."""
    _ = code.co_code
    for each in code.co_consts:
        if type(each) is CodeType and _place(each, places) is not None:
            _make_what_copying_makes(each, places)


def _copy_code(functions: Iterable[FunctionType], places: Mapping[int, int]) -> None:
    copies: dict[int, CodeType] = {}
    text = functools.cache(_copy_text)

    def copy(code: CodeType) -> CodeType:
        if id(code) not in copies:
            inner = [copy(each) if type(each) is CodeType and _place(each, places) is not None else each for each in code.co_consts]
            # A coroutine counts references to both of its names.
            copies[id(code)] = code.replace(co_consts=tuple(inner), co_name=text(code.co_name), co_qualname=text(code.co_qualname))
        return copies[id(code)]

    # The old code stays until there is all of the new: a copy would be made in the hole of the last one.
    pairs = [(function, function.__code__, copy(function.__code__)) for function in functions]
    for function, _, code in pairs:
        function.__name__, function.__qualname__ = text(function.__name__), text(function.__qualname__)
        function.__code__ = code


def _move(order: Sequence[int]) -> None:
    """Puts copies in the places of functions, of what wraps one and of what one decorates, if nothing else refers to them.

    Args:
        order: The `id()` of the functions, in the order in which the copies are to lie.
    """
    places = {number: place for place, number in enumerate(order)}
    one, one_within, two_behind = (
        _references((_Known, "plain")),
        _references_within((_Known, "within")),
        _references_behind((_Known, "front")),
    )
    copies: list[tuple[Any, Any, list[_Holder]]] = []
    behind: list[tuple[CellType, FunctionType]] = []
    for _, held in sorted(_holders(places).values(), key=lambda each: each[0]):
        if _references(held[0]) != one + len(held) - 1 or any(owner.__flags__ & _IMMUTABLE_TYPE for owner, _ in held if _is_type(owner)):
            continue
        if type(_value(held[0])) is not FunctionType and _references_within(held[0]) != one_within:
            continue
        counted_behind = _references_behind(held[0])
        old = _value(held[0])
        if weakref.getweakrefcount(old) or weakref.getweakrefcount(_function_in(old)):
            continue
        if (copy := _copy_of(old)) is not None:
            copies.append((old, copy, held))  # the old one stays until there are all of the new
            if counted_behind == two_behind:
                behind.append(_put_copy_behind(copy))
    for cell, function in behind:
        cell.cell_contents = function
    for _, copy, held in copies:
        for owner, name in held:
            if _is_type(owner):
                type.__setattr__(owner, name, copy)
            else:
                setattr(owner, name, copy)


def _decorate(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def front(*args: object) -> object:
        return function(*args)

    return front


class _Known:
    """Functions to which there are no more references than those that are looked for."""

    def plain(self) -> None:
        """In its class."""

    @property
    def within(self) -> None:
        """In its property."""

    @_decorate
    def front(self) -> None:
        """In a cell and in `__wrapped__` of the function in front of it, as `contextlib.contextmanager` has it."""


def _holders(places: Mapping[int, int]) -> dict[int, tuple[int, list[_Holder]]]:
    """The place of each value that is one of the functions or wraps one, and who holds it, by `id()`."""
    holders: dict[int, tuple[int, list[_Holder]]] = {}
    for owner in (*_modules(), *_classes()):
        for name, value in _names(owner).items():
            if type(value) in _KINDS and (place := places.get(id(_function_in(value)))) is not None:
                holders.setdefault(id(value), (place, []))[1].append((owner, name))
    return holders


def _modules() -> list[ModuleType]:
    """What is in `sys.modules` under whatever name, once each."""
    return list({id(module): module for module in sys.modules.values() if type(module) is ModuleType}.values())


def _classes() -> list[type]:
    """All that there are, once each: a class knows its subclasses."""
    found: dict[int, type] = {id(object): object}
    pending: list[type] = [object]
    while pending:
        subclasses: list[type] = type.__subclasses__(pending.pop())
        for each in subclasses:
            if id(each) not in found:
                found[id(each)] = each
                pending.append(each)
    return list(found.values())


def _is_type(each: object) -> bool:
    return issubclass(type(each), type)  # `isinstance` would ask a proxy what it stands for


def _names(owner: Any) -> Mapping[str, Any]:
    names: Mapping[str, Any] = type.__dict__["__dict__"].__get__(owner) if _is_type(owner) else vars(owner)
    return names


def _value(holder: _Holder) -> Any:
    owner, name = holder
    return _names(owner)[name]


def _function_in(value: Any) -> Any:
    kind = type(value)
    if kind is property:
        return value.fget
    return value.__func__ if kind is staticmethod or kind is classmethod else value


def _function_behind(value: Any) -> Any:
    """What a decorated function stands in front of; None if it is in no cell of it."""
    behind = _own_names(value).get("__wrapped__") if type(value) is FunctionType else None
    if type(behind) is not FunctionType or weakref.getweakrefcount(behind) or _cell_with(behind, value) is None:
        return None
    return behind


def _cell_with(function: FunctionType, value: FunctionType) -> CellType | None:
    for cell in value.__closure__ or ():
        with contextlib.suppress(ValueError):  # it is empty
            if cell.cell_contents is function:
                return cell
    return None


def _own_names(function: Any) -> dict[str, Any]:
    """The attributes of a function, whose dictionary is made when it is asked for."""
    known = (function.__globals__, function.__builtins__, function.__annotations__, function.__kwdefaults__)
    has = any(type(each) is dict and not any(each is one for one in known) for each in gc.get_referents(function))
    return vars(function) if has else {}


def _references(holder: _Holder) -> int:
    return sys.getrefcount(_value(holder))


def _references_within(holder: _Holder) -> int:
    return sys.getrefcount(_function_in(_value(holder)))


def _references_behind(holder: _Holder) -> int:
    return sys.getrefcount(_function_behind(_value(holder)))


def _copy_of(value: Any) -> Any:
    """A copy of a function, or of what wraps one; None if it has more than a copy would have."""
    if type(value) is FunctionType:
        return _copy_function(value)
    if type(value) is property:
        return None if value.fset or value.fdel else property(_copy_function(value.fget), doc=value.__doc__)
    copy = type(value)(_copy_function(value.__func__))
    return copy if vars(copy) == vars(value) else None


def _copy_function(function: Any) -> FunctionType:
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__doc__, copy.__module__, copy.__qualname__ = function.__doc__, function.__module__, function.__qualname__
    if own := _own_names(function):
        copy.__dict__.update(own)
    return copy


def _put_copy_behind(front: FunctionType) -> tuple[CellType, FunctionType]:
    """Behind a decorated function; what its cell is to have is returned, since another function may have that cell, too."""
    behind = _function_behind(front)
    cell = _cell_with(behind, front)
    assert cell is not None
    copy = _copy_function(behind)
    copy.__doc__ = _copy_text(copy.__doc__) if copy.__doc__ else None  # each context manager counts a reference to it
    front.__dict__["__wrapped__"] = copy
    return cell, copy


def _copy_text(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
