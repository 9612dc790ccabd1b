"""Runs in the worker: what an agent takes and answers, as JSON Schema, and the hash that tells whether that has changed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_ai import DeferredToolRequests, _output
from pydantic_ai.agent import AbstractAgent

__all__ = ["contract_hash", "deps_contract", "input_schema", "output_schema", "schema_json"]

_log = logging.getLogger("synapse_otp.contract")

JsonSchema = dict[str, Any]

_MEDIUM: JsonSchema = {"enum": ["image", "audio", "video", "document"], "type": "string"}
_STRING: JsonSchema = {"type": "string"}


def _part(required: dict[str, JsonSchema], **optional: JsonSchema) -> JsonSchema:
    return {"type": "object", "properties": {**required, **optional}, "required": [*required], "additionalProperties": False}


def input_schema() -> JsonSchema:
    """What a prompt may be, of any agent: a text, or texts and media in parts; bytes are base64 here."""
    text = _part({"type": {"const": "text", "type": "string"}, "text": _STRING})
    by_url = _part({"type": _MEDIUM, "url": _STRING}, mediaType=_STRING)
    by_data = _part({"type": _MEDIUM, "data": {"type": "string", "contentEncoding": "base64"}, "mediaType": _STRING})
    return {"anyOf": [_STRING, {"type": "array", "items": {"anyOf": [_STRING, text, by_url, by_data]}, "minItems": 1}]}


def output_schema(agent: AbstractAgent[Any, Any]) -> JsonSchema | None:
    """What the agent's runs answer with, `DeferredToolRequests` aside; None when pydantic cannot say it.

    Args:
        agent: The loaded agent.
    """
    try:
        spec = agent.output_type
        types_of = getattr(_output, "types_from_output_spec", None)
        if types_of is None:
            return agent.output_json_schema(_without_deferred(spec))
        return _schema_of([kind for kind in types_of(_without_deferred(spec)) if kind is not DeferredToolRequests])
    except Exception as error:  # pydantic and user types raise what they like
        _log.debug("the output type has no JSON schema: %s", error)
        return None


def deps_contract(agent: AbstractAgent[Any, Any], factory: Callable[..., Any] | None = None) -> tuple[str, JsonSchema | None]:
    """The name of what runs take as deps, empty when they take none, and its schema, None when no JSON makes it.

    Args:
        agent: The loaded agent.
        factory: Makes the deps of the JSON value, in place of the agent's deps_type; it takes what its first argument is annotated with.
    """
    kind: Any = agent.deps_type if factory is None else _taken_by(factory)
    if kind in (object, type(None), None):
        return "", None
    name = _name_of(kind)
    try:
        return name, TypeAdapter(kind).json_schema()
    except Exception as error:
        _log.debug("%s has no JSON schema: %s", name, error)
        return name, None


def contract_hash(**parts: Any) -> str:
    """SHA-256, in hex, of the canonical JSON of these schemas and tables of schemas, without what is only for people.

    Args:
        **parts: By their names. A schema, a dict of schemas under names (as a schema's `properties`), or None.
    """
    # The parts stand as properties do: their names are names, not keywords.
    return hashlib.sha256(_dumped(_bare_table(parts), sort_keys=True)).hexdigest()


def schema_json(schema: JsonSchema | None) -> bytes:
    """A schema as JSON, its properties in the order of the code. Of None: nothing.

    Args:
        schema: A JSON Schema.
    """
    return b"" if schema is None else _dumped(schema)


class _Written(GenerateJsonSchema):
    """The schema of what is written: a field with a default is there too."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "serialization" and field["type"] != "typed-dict-field":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)


def _schema_of(types: Sequence[Any]) -> JsonSchema | None:
    if not types:
        return None
    mode: JsonSchemaMode = "serialization"
    if len(types) == 1:
        return TypeAdapter(types[0]).json_schema(mode=mode, schema_generator=_Written)
    adapters: list[tuple[int, JsonSchemaMode, TypeAdapter[Any]]] = [(at, mode, TypeAdapter(kind)) for at, kind in enumerate(types)]
    by_key, shared = TypeAdapter.json_schemas(adapters, schema_generator=_Written)
    members: list[JsonSchema] = []
    for at in range(len(types)):
        member = by_key[(at, mode)]
        if member not in members:
            members.append(member)
    return {**(members[0] if len(members) == 1 else {"anyOf": members}), **shared}


def _without_deferred(spec: Any) -> Any:
    members = list(spec) if isinstance(spec, Sequence) and not isinstance(spec, str) else list(get_args(spec))
    if DeferredToolRequests not in members:
        return spec
    return [member for member in members if member is not DeferredToolRequests]


def _taken_by(factory: Callable[..., Any]) -> Any:
    try:
        code: Any = getattr(factory, "__code__", None)
        return get_type_hints(factory)[code.co_varnames[0]] if code is not None and code.co_argcount > 0 else Any
    except Exception:  # no annotation, or one that names what is not there
        return Any


def _name_of(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) else str(kind).removeprefix("typing.")


# Under these keywords stand schemas by name, and under these lists of schemas; the rest that are dicts are schemas.
_TABLES = frozenset({"properties", "$defs", "patternProperties", "dependentSchemas"})
_FOR_PEOPLE = frozenset({"title", "description", "examples", "default", "deprecated", "$comment"})
_VALUES = frozenset({"const", "enum"})


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    bare: JsonSchema = {}
    for key, value in schema.items():
        if key in _FOR_PEOPLE:
            continue
        if key in _VALUES:
            bare[key] = value
        elif key in _TABLES:
            bare[key] = _bare_table(value)
        elif key == "required":
            bare[key] = sorted(value)
        else:
            bare[key] = _bare(value)
    return bare


def _dumped(value: Any, *, sort_keys: bool = False) -> bytes:
    return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False).encode()


def _bare_table(table: dict[str, Any]) -> dict[str, Any]:
    return {name: _bare(schema) for name, schema in table.items()}
