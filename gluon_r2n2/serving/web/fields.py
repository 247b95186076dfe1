"""Options of a request, as form fields or in the query: one table describes them in the document and checks them."""
from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from gluon_r2n2.deployment import FOREGROUNDS
from gluon_r2n2.serving.errors import ApiError
from gluon_r2n2.surfaces import SURFACES, UNITS

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
INTEGER = re.compile(r"-?[0-9]{1,9}")

# JSON schemas; a value must be of the type, one of the enum, and within the bounds
FIELDS: Dict[str, Dict[str, Any]] = {
    "threshold": {"type": "number", "minimum": 0.001, "maximum": 0.999,
                  "description": "probability from which on a cell is occupied; the model's own if not given"},
    "timeout": {"type": "number", "exclusiveMinimum": 0,
                "description": "seconds after which the result is of no use; the server has a limit of its own"},
    # "model", a segmentation network, is for those who have one beside the command-line tool
    "foreground": {"type": "string", "enum": [name for name in FOREGROUNDS if name != "model"], "default": "auto",
                   "description": "how the object is told from its background"},
    "mesh": {"type": "string", "enum": list(SURFACES), "default": "marching",
             "description": "a smooth surface (marching cubes), or the cells as cubes"},
    "smooth": {"type": "integer", "minimum": 0, "maximum": 100, "default": 0,
               "description": "rounds of smoothing; of a marching surface only"},
    "faces": {"type": "integer", "minimum": 4, "maximum": 1_000_000,
              "description": "about how many triangles the surface should have; of a marching surface only"},
    "height": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e6,
               "description": "height of the object in `units`; without it the cube of the grid has edge 1"},
    "units": {"type": "string", "enum": list(UNITS), "default": "m",
              "description": "of height and of the file; GLB is in metres and STL in millimetres in any case"},
    "ground": {"type": "boolean", "default": False, "description": "the object stands on y = 0"},
}
SURFACE = ("mesh", "smooth", "faces", "height", "units", "ground")


def format_field(kinds: Iterable[str], **more: Any) -> Dict[str, Any]:
    """The schema of `format`, which depends on what the data side can write."""
    return {"type": "string", "enum": list(kinds), "description": "of the answer", **more}


def parse(given: Iterable[Tuple[str, str]], schemas: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """(name, text) pairs -> values by name, defaults filled in; names without a default are left out.

    Raises:
        ApiError: 422, an unknown or repeated name, or a value that its schema does not allow.
    """
    values: Dict[str, Any] = {}
    for name, text in given:
        if name not in schemas:
            raise bad_field(f"a field is not known; known are {', '.join(schemas)}")
        if name in values:
            raise bad_field(f"the field {name} comes twice; give it once")
        values[name] = _value(name, text, schemas[name])
    return {**{name: schema["default"] for name, schema in schemas.items() if "default" in schema}, **values}


def bad_field(message: str) -> ApiError:
    """The refusal of a field."""
    return ApiError(422, "bad_field", message)


def parameters(schemas: Mapping[str, Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """The fields as OpenAPI query parameters."""
    described = []
    for name, schema in schemas.items():
        shape = {key: value for key, value in schema.items() if key != "description"}
        described.append({"name": name, "in": "query", "required": False, "schema": shape,
                          "description": schema["description"]})
    return described


def _value(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    kind = schema["type"]
    if kind == "string":
        if text not in schema["enum"]:
            raise bad_field(f"the field {name} must be one of {', '.join(schema['enum'])}")
        return text
    if kind == "boolean":
        if text not in ("true", "false"):
            raise bad_field(f"the field {name} must be true or false")
        return text == "true"
    value: Optional[float] = None
    if kind == "integer" and INTEGER.fullmatch(text):
        value = int(text)
    elif kind == "number" and NUMBER.fullmatch(text):
        value = float(text)
    inside = value is not None and abs(value) != float("inf") and (
        value >= schema.get("minimum", value) and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]))
    if not inside:
        raise bad_field(f"the field {name} must be {_words(schema)}")
    return value


def _words(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "of at most"}
    bounds = " and ".join([f"{word} {schema[key]:g}" for key, word in words.items() if key in schema])
    return f"{'an integer' if schema['type'] == 'integer' else 'a number'} {bounds}"
