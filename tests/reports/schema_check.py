"""The part of JSON Schema 2020-12 that report.schema.json uses, checked by hand: no package is needed for it."""

from __future__ import annotations

import re
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    *("$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required", "items", "enum"),
    *("const", "pattern", "minimum", "maximum", "additionalProperties", "anyOf"),
}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Return what is wrong with ``value``, each with its place; an empty list when nothing is."""
    assert set(schema) <= KNOWN, f"this checker does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        tried = [problems(value, choice, root, at) for choice in schema["anyOf"]]
        return [] if any(not found for found in tried) else [f for found in tried for f in found]
    return [*_scalar(value, schema, at), *_children(value, schema, root, at)]


def _scalar(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    found = []
    if "type" in schema and not _is_type(value, schema["type"]):
        found.append(f"{at}: {value!r} is no {schema['type']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} does not match {schema['pattern']}")
    if "minimum" in schema and isinstance(value, int | float) and value < schema["minimum"]:
        found.append(f"{at}: {value!r} is too small")
    if "maximum" in schema and isinstance(value, int | float) and value > schema["maximum"]:
        found.append(f"{at}: {value!r} is too large")
    return found


def _is_type(value: Any, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, TYPES[name]) for name in names)


def _children(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        found += [f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value]
        for key, inner in value.items():
            rule = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if rule is None:
                found.append(f"{at}: {key} is not in the schema")
            else:
                found += problems(inner, rule, root, f"{at}.{key}")
    if isinstance(value, list) and "items" in schema:
        for index, inner in enumerate(value):
            found += problems(inner, schema["items"], root, f"{at}[{index}]")
    return found
