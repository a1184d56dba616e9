"""Errors in the form that OpenAI's clients read: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from voxlet.errors import AudioError, MissingExtraError, TextError, VoiceError, VoxletError
from voxlet.serving.limits import BusyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

LONGEST_MESSAGE = 500  # characters
JSON = "application/json"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
INVALID = "invalid_request_error"
# The field of a request that each kind of error is about.
FIELDS = {TextError: "input", VoiceError: "voice", AudioError: "file"}


class Problem(BaseModel):
    """What is wrong: a message, the type of error, the field that it is about, and a code."""

    message: str
    type: str
    param: str | None
    code: str | None


class Refusal(BaseModel):
    """The body of an error response."""

    error: Problem


# For the OpenAPI schema: all errors have this form.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refusal, "description": "Refused"},
    "5XX": {"model": Refusal, "description": "Failed"},
}


class RefusedError(Exception):
    """A refused request: a status, a message, and optionally the field at fault and an error code."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None):
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


def refusal(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error response; the message is cut to `LONGEST_MESSAGE`, and JSON escapes what a client sent."""
    kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(status)
    kind = kind or (INVALID if status < 500 else "server_error")
    problem = Problem(message=message[:LONGEST_MESSAGE], type=kind, param=param, code=code)
    return JSONResponse(Refusal(error=problem).model_dump(), status, dict(headers or {}))


def busy(error: BusyError) -> JSONResponse:
    """The response to one request too many."""
    message = f"too many requests at once; try again in {error.seconds} s"
    return refusal(429, message, code="rate_limit_exceeded", headers={"Retry-After": str(error.seconds)})


def from_voxlet(error: VoxletError) -> JSONResponse:
    """A voxlet error as a response: 501 if the server lacks a package, which no client can help, else 400."""
    if isinstance(error, MissingExtraError):
        return refusal(501, str(error), code="not_installed")
    param = next((field for kind, field in FIELDS.items() if isinstance(error, kind)), None)
    return refusal(400, str(error), param=param)


def content_type(request: Request) -> str:
    """The media type of a request's body by its header, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def from_validation(request: Request, error: RequestValidationError) -> JSONResponse:
    """The response that names the first invalid field, without its value."""
    first = error.errors()[0]
    if first["loc"] == ("body",):
        kind = content_type(request)
        if not kind.endswith(("/json", "+json")):
            told = f"this was sent as {kind!r}" if kind else "this was sent without one"
            return refusal(415, f"the body must be JSON, with Content-Type: {JSON}; {told}")
        if first["type"] == "missing":
            return refusal(400, "the body is empty; it must be a JSON object")
    places = [str(place) for place in first["loc"][1:] if isinstance(place, str | int)]
    param = places[0] if places and first["type"] != "json_invalid" else None
    message = f"{param}: {first['msg']}" if param else str(first["msg"])
    return refusal(400, message, param=param)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """The methods that the path of a request allows; empty if no route matches it."""
    routes = [route for route in app.routes if not isinstance(route, Mount)]  # a folder matches every path
    ways = ({**request.scope, "method": method} for method in METHODS)
    found = {way["method"] for way in ways if any(one.matches(way)[0] is Match.FULL for one in routes)}
    return sorted(found | {"HEAD"} if "GET" in found else found)


def install(app: FastAPI) -> None:
    """Make an application answer all errors in this form."""

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return from_validation(request, error)

    async def voxlet(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, VoxletError)
        return from_voxlet(error)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RefusedError)
        return refusal(error.status, error.message, param=error.param, code=error.code)

    async def too_many(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, BusyError)
        return busy(error)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        asked = f"({request.method} {request.url.path})"
        methods = _methods(app, request) if error.status_code in (404, 405) else []
        if methods:  # the 404 is from the page's folder, which is tried last
            message = f"Method Not Allowed, {' or '.join(methods)} {asked}"
            return refusal(405, message, headers={"Allow": ", ".join(methods)})
        return refusal(error.status_code, f"{error.detail} {asked}", headers=error.headers)

    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(VoxletError, voxlet)
    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(BusyError, too_many)
    app.add_exception_handler(HTTPException, http)
