"""The OpenAPI document of the hall's routes."""

from functools import cache
from typing import Any

import msgspec

from pyhall_tui import __version__
from pyhall_tui.hall.faults import ADMIN, Fault
from pyhall_tui.hall.intake import IngestRequest, RecordRequest
from pyhall_tui.hall.models import AttestRequest, Ban, DispatchRequest, EnrollRequest, ReportRequest
from pyhall_tui.hall.policy import TIERS
from pyhall_tui.hall.routing import RouteRequest

_ERRORS = {
    400: "Missing or invalid fields",
    401: "Missing or invalid API key",
    403: "The key has no access to this namespace or lacks a scope, or the request comes from another site's web page",
    404: "The worker or namespace does not exist",
    413: "The body is longer than any request of the contract",
    421: "The Host header names another host than this hall's",
    429: "Rate limited: slow down",
    500: "Registry error: try again",
    503: "There is no room for another stream, or the store is lost: try again later",
}
_ABOUT = f"""A registry of AI workers on this machine.

Faults on demand: `PUT {ADMIN}` with `{{"faults": [...]}}`, from this machine and with a key, replaces the
faults in force; `GET` lists them and `DELETE` removes them all. A fault's fields, all optional:
{", ".join(f"`{name}`" for name in Fault.__struct_fields__)}. The path is mentioned here and not among the operations,
so that a tool that tries every operation does not break the hall that it tests."""
_READ = (401, 429, 500)
_HERE = (403, *_READ)
_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_FLAG: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_OBJECT: dict[str, Any] = {"type": "object"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_VERDICT = _object(
    {
        "worker_id": _TEXT,
        "namespace": _TEXT,
        "status": {"enum": ["active", "retired", "revoked", "banned"]},
        "attested": _FLAG,
        "attest_sha256": _MAYBE,
        "ban_status": {"enum": ["clean", "banned"]},
        "current_hash": _MAYBE,
        "banned": _FLAG,
        "ban_reason": _MAYBE,
        "attested_at": _MAYBE,
        "display_name": _TEXT,
        "capabilities": _list_of(_TEXT),
    }
)
_DECISION = _object(
    {"outcome": {"enum": ["allow", "deny", "hold"]}, "correlation_id": _TEXT, "decision_id": _TEXT},
    {"worker_id": _TEXT, "capability": _TEXT, "deny_code": _TEXT, "reason": _TEXT, "supervisor_required": _FLAG},
)
_ROUTED = _object(
    {
        "decision_id": _TEXT,
        "allowed": _FLAG,
        "denied": _FLAG,
        "worker_id": _MAYBE,
        "selected_worker_species_id": _MAYBE,
        "artifact_hash": _MAYBE,
        "deny_reason": _MAYBE,
        "reason": _MAYBE,
        "correlation_id": _TEXT,
    }
)
_ATTESTED = _object({"id": _TEXT, "worker_id": _TEXT, "sha256": _TEXT, "attested_at": _TEXT, "status": _TEXT})
_OLDER = _object(
    {
        "worker_id": _TEXT,
        "status": _TEXT,
        "current_hash": _MAYBE,
        "banned": _FLAG,
        "ban_reason": _MAYBE,
        "attested_at": _MAYBE,
        "ai_generated": _FLAG,
    }
)


def _answers(shape: dict[str, Any], codes: tuple[int, ...], success: int = 200) -> dict[str, Any]:
    good = {"description": "Done", "content": {"application/json": {"schema": shape}}}
    refused = dict.fromkeys(
        (*codes, 403, 421)
    )  # requests for another host or from another site's page are always refused
    return {str(success): good} | {str(code): {"$ref": f"#/components/responses/E{code}"} for code in refused}


def _pushes(about: str, codes: tuple[int, ...]) -> dict[str, Any]:
    """Return the answers of an operation that never ends by itself."""
    endless = {"description": about, "content": {"text/event-stream": {"schema": _TEXT}}}
    return _answers(_OBJECT, codes) | {"200": endless}


def _takes(name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _operation(summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"summary": summary, "responses": responses} | more


def _number(name: str, least: int, most: int) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "integer", "minimum": least, "maximum": most}}


def _named(name: str, where: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": where, "required": True, "schema": schema, "example": example}


_WORKER = [_named("worker_id", "path", "wkr_abc123")]
_EXPLAINED = [
    _named("worker_id", "query", "wkr_abc123"),
    _named("capability", "query", "llm.text.generate"),
    {"name": "namespace", "in": "query", "schema": {"type": "string"}},
    {"name": "risk_tier", "in": "query", "schema": {"enum": list(TIERS)}},
    _number("at", 0, 10**11),
    {"name": "context", "in": "query", "content": {"application/json": {"schema": _OBJECT}}},
]
_EVENTS = (
    "Server-sent events without end: `connected`; then `ban`, `unban`, `worker`, `policy`, `decisions` as they happen; "
    "`reset` if events were missed, so that everything has to be read again; `heartbeat` if nothing happens."
)
_DISPATCHES = "Server-sent events without end and without names; `type` is `connected`, `heartbeat` or `dispatch`."
_LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that was seen: those after it come first",
    "schema": {"type": "string"},
}
_STREAM = (401, 429, 500, 503)
_WRITE = (400, 401, 403, 413, 429, 500)
_NO_KEY: list[Any] = []


def _paths() -> dict[str, Any]:
    limit = [_number("limit", 1, 1_000_000)]
    feed = [_number("limit", 1, 1000), _number("after", 0, 10**12)]
    by_worker = (400, 404, *_READ)
    own = {"hall_hash": _MAYBE, "hall_hash_banned": {"type": ["boolean", "null"]}}
    health = _object({"ok": _FLAG, "version": _TEXT} | own)
    status = _object({"online": _FLAG, "account_standing": _MAYBE, "standing_checked_at": _MAYBE})
    service = _answers(_object({"ok": _FLAG, "online": _FLAG, "offline_since": _MAYBE}), (401, 403, 429, 500))
    standing = _object({"standing": _TEXT, "tier_id": _MAYBE, "github_login": _MAYBE, "checked_at": _TEXT})
    some = _object({"count": _NUMBER})
    seen = [_number("seen", 0, 10**12)]
    head = {"log_id": _TEXT, "seq": _NUMBER, "entry_hash": _TEXT, "anchor": _NUMBER, "seen": _OBJECT}
    log = _answers(_object(head, {"public_key": _MAYBE, "checkpoint": _MAYBE}), (400, *_READ))
    rules = _object({"rules": _list_of(_OBJECT), "default": _TEXT, "error": _MAYBE, "other_hits": _OBJECT})
    steps = _object({"decision": _OBJECT, "worker": _TEXT, "steps": _list_of(_OBJECT)})
    bans = _answers(_list_of({"$ref": "#/components/schemas/Ban"}), (400, 404, *_READ))
    bans["304"] = {"description": "The list has not changed since the request's ETag"}
    older = _answers(_OLDER, by_worker)
    verify = _answers(_VERDICT, by_worker)
    attest = _answers(_ATTESTED, (*_WRITE, 404))
    enrolled = {"enrolled": _FLAG, "enrollment_id": _TEXT, "worker_id": _TEXT, "artifact_hash_verified": _FLAG}
    record = _answers(_object(enrolled), _WRITE, 201) | _answers(_object(enrolled | {"updated": _FLAG}), ())
    ingested = _object({"recorded": _FLAG, "decision_id": _TEXT})
    return {
        "/health": {"get": _operation("Is the hall up?", _answers(health, (500, 503)), security=_NO_KEY)},
        "/openapi.json": {"get": _operation("This document", _answers(_OBJECT, (500,)), security=_NO_KEY)},
        "/api/v1/dispatch": {
            "post": _operation("May this worker do this?", _answers(_DECISION, _WRITE), **_takes("DispatchRequest"))
        },
        "/api/route": {
            "post": _operation("Which worker may do this?", _answers(_ROUTED, _WRITE), **_takes("RouteRequest"))
        },
        "/api/server/go-online": {"post": _operation("Decide dispatches again", service)},
        "/api/server/go-offline": {"post": _operation("Deny every dispatch", service)},
        "/api/v1/verify/{worker_id}": {"get": _operation("What is this worker's status?", verify, parameters=_WORKER)},
        "/api/v1/hall/enroll": {
            "post": _operation("Enroll a worker", _answers(_VERDICT, _WRITE, 201), **_takes("EnrollRequest"))
        },
        "/api/v1/workers/{worker_id}/attest": {
            "put": _operation("Attest another package", attest, parameters=_WORKER, **_takes("AttestRequest"))
        },
        "/api/v1/ban-list": {"get": _operation("The confirmed bans, newest first", bans, parameters=limit)},
        "/api/v1/ban-list/report": {
            "post": _operation("Report a hash for review", _answers(_OBJECT, _WRITE, 202), **_takes("ReportRequest"))
        },
        "/api/v1/telemetry/decisions": {"post": _operation("Accepted and ignored", _answers(_OBJECT, (413, *_READ)))},
        "/api/v1/log": {"get": _operation("The log's head, and one row's hash", log, parameters=seen)},
        "/api/account/standing": {"get": _operation("The account's standing", _answers(standing, _READ))},
        "/api/v1/keys": {"get": _operation("What the keys may do, and when each was used", _answers(some, _READ))},
        "/status": {"get": _operation("The hall's status", _answers(status, _READ))},
        "/workers": {"get": _operation("All workers", _answers(some, _READ))},
        "/dispatches": {"get": _operation("The last decisions", _answers(some, (400, *_READ)), parameters=feed)},
        "/dispatches/active": {"get": _operation("Dispatches under way", _answers(some, _READ))},
        "/alerts": {"get": _operation("What needs attention", _answers(some, _READ))},
        "/policy": {"get": _operation("The rules, and how often each decided", _answers(rules, _HERE))},
        "/policy/explain": {
            "get": _operation("Which rule decides, and why", _answers(steps, (400, *_HERE)), parameters=_EXPLAINED)
        },
        "/enroll": {"post": _operation("Enroll a worker by its record", record, **_takes("RecordRequest"))},
        "/decisions/ingest": {
            "post": _operation("A decision made elsewhere", _answers(ingested, _WRITE, 201), **_takes("IngestRequest"))
        },
        "/api/v1/events": {
            "get": _operation("Each change at once", _pushes(_EVENTS, _STREAM), parameters=[_LAST_EVENT])
        },
        "/events": {"get": _operation("Each decision at once", _pushes(_DISPATCHES, _STREAM))},
        "/wcp/registry/ban-list": {"get": _operation("Only the banned hashes", _answers(some, _READ))},
        "/wcp/registry/verify/{worker_id}": {"get": _operation("The older shape", older, parameters=_WORKER)},
    }


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of any hall."""
    error = _object({"error": _TEXT}, {"code": _TEXT, "correlation_id": _TEXT})
    types = (
        DispatchRequest,
        EnrollRequest,
        AttestRequest,
        ReportRequest,
        Ban,
        RecordRequest,
        IngestRequest,
        RouteRequest,
    )
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas["AttestRequest"]["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}} for name in ("sha256", "package_hash")
    ]
    return {
        "openapi": "3.1.0",
        "info": {"title": "pyhall-tui's hall", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas | {"Error": error},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {
                f"E{code}": {
                    "description": said,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for code, said in _ERRORS.items()
            },
        },
    }
