"""What the OpenAPI document says of bodies and answers; the examples and limits that clients are written by."""
from __future__ import annotations

from typing import Any, Dict, List

from pydantic import BaseModel, Field

from gluon_r2n2.serving.config import Limits

MEDIA_TYPES = {"glb": "model/gltf-binary", "obj": "model/obj", "ply": "application/octet-stream", "stl": "model/stl",
               "binvox": "application/octet-stream", "npz": "application/octet-stream"}


class Refusal(BaseModel):
    code: str = Field(description="short, for programs")
    message: str = Field(description="one sentence: what was wanted, what came, what to do")


class ErrorAnswer(BaseModel):
    error: Refusal


class Status(BaseModel):
    status: str


class LimitsAnswer(BaseModel):
    views: int = Field(description="pictures of one object")
    file_bytes: int = Field(description="of one picture")
    request_bytes: int = Field(description="of a request's body")
    pixels: int = Field(description="of one picture, decoded")
    side: int = Field(description="pixels, longest side of a picture")
    timeout: float = Field(description="seconds, longest deadline of a request")


class ModelAnswer(BaseModel):
    name: str
    engine: str
    precision: str
    resolution: int = Field(description="cells along each side of the grid")
    threshold: float = Field(description="probability from which on a cell is occupied, if not given")
    input_size: int = Field(description="pixels, side of the picture that the network sees")
    classes: Dict[str, str] = Field(description="names by synset id of what it was trained on")
    formats: List[str]
    foregrounds: List[str]
    limits: LimitsAnswer
    token_required: bool
    version: str


class ViewFacts(BaseModel):
    note: str = Field(description="what was done to the picture, in half a sentence")
    method: str = Field(description="how the object was found")
    warnings: List[str]


class ViewAnswer(ViewFacts):
    foreground: str = Field(description="data URL of a PNG: the picture, its background cut away")
    input: str = Field(description="data URL of a PNG: what the network sees")


class ReconstructionAnswer(BaseModel):
    resolution: int
    threshold: float
    occupied: int = Field(description="cells whose value / 255 reaches the threshold")
    probabilities: str = Field(description="base64 of resolution^3 bytes [x][y][z]: 255 times the probability")
    views: List[ViewFacts]
    warnings: List[str]


DESCRIPTIONS = {
    400: "malformed request", 401: "the token is missing or wrong", 403: "called by a page of another site",
    408: "the body arrived too slowly", 413: "more bytes, pixels or pictures than are taken",
    415: "no form, or no picture of a known type", 422: "a picture, field or result that is of no use",
    429: "as many requests as the server takes; Retry-After says when to ask again", 500: "a defect of the server",
    503: "being stopped, deadline passed, or a worker was lost; Retry-After says when to ask again",
}


def refusals(*statuses: int) -> Dict[Any, Dict[str, Any]]:
    """The `responses` of a route: these statuses with the body of all refusals."""
    described: Dict[Any, Dict[str, Any]] = {}
    for status in statuses:
        described[status] = {"model": ErrorAnswer, "description": DESCRIPTIONS[status]}
        if status in (429, 503):
            described[status]["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return described


def picture_form(limits: Limits, *, file_field: str, most_files: int, fields: Dict[str, Any]) -> Dict[str, Any]:
    """The `openapi_extra` of a route that takes pictures: a multipart form."""
    picture = {"type": "string", "format": "binary"}
    if most_files == 1:
        files: Dict[str, Any] = {**picture, "description": f"PNG, JPEG, WebP, BMP, TIFF or GIF of at most "
                                                           f"{limits.file_bytes} bytes and {limits.pixels} pixels"}
    else:
        files = {"type": "array", "items": picture, "minItems": 1, "maxItems": most_files,
                 "description": "pictures of ONE object, in order"}
    schema = {"type": "object", "required": [file_field], "additionalProperties": False,
              "properties": {file_field: files, **fields}}
    encoding = {file_field: {"contentType": "image/png, image/jpeg, image/webp, image/bmp, image/tiff, image/gif"}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema,
                                                                                  "encoding": encoding}}}}


def file_answers(kinds) -> Dict[str, Any]:
    """The `content` of an answer that is a file of one of *kinds*."""
    return {MEDIA_TYPES[kind]: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
