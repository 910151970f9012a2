"""Requests of reviewers to a review session, typed: decisions, and decisions that are taken back.

The format is described in docs/reference/review-api.md; the schema beside it is made from these types.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from widgetshot.documents import Document, parse_json
from widgetshot.errors import ConfigError
from widgetshot.review.members import problems_of

MAX_COMMENT = 10_000  # characters
MAX_NAME = 200  # characters
_DIGEST = {"expected": "a digest or null"}
_KEY = Meta(description="Of the result.", extra={"expected": "text"})
_SEEN = Meta(
    ge=0,
    description="Version of the decision on this key that the reviewer knew of; 0 for none.",
    extra={"expected": "a version, 0 for none"},
)


class MalformedDecision(ConfigError):
    """A request that is no decision."""


class UnknownResult(ConfigError):
    """A decision on something that the run does not have."""


class DecisionRequest(Document, frozen=True):
    """The decision of a reviewer on one result, bound to what was seen."""

    key: Annotated[str, _KEY]
    verdict: Annotated[Literal["accept", "reject"], Meta(extra={"expected": "accept or reject"})]
    shot_sha256: Annotated[
        str | None, Meta(description="Of the new picture's file; null where there is none.", extra=_DIGEST)
    ]
    baseline_sha256: Annotated[
        str | None, Meta(description="Of the old picture's file; null where there was none.", extra=_DIGEST)
    ]
    sidecar_sha256: Annotated[
        str | None,
        Meta(
            description="Of what the baseline's sidecar would say, masks included; null where it can't be accepted.",
            extra=_DIGEST,
        ),
    ]
    seen: Annotated[int, _SEEN]
    comment: Annotated[
        str, Meta(max_length=MAX_COMMENT, extra={"expected": f"text of at most {MAX_COMMENT} characters"})
    ] = ""
    reviewer: Annotated[
        str, Meta(max_length=MAX_NAME, extra={"expected": f"text of at most {MAX_NAME} characters"})
    ] = ""


class UndoRequest(Document, frozen=True):
    """A decision on a result that is to be taken back."""

    key: Annotated[str, _KEY]
    seen: Annotated[int, _SEEN]


class ReviewRequest(Document, frozen=True, kw_only=True):
    """Decisions, or decisions that are taken back: one of the two. All of it is done, or nothing."""

    decisions: Annotated[list[DecisionRequest], Meta(min_length=1)] | UnsetType = UNSET
    undo: Annotated[list[UndoRequest], Meta(min_length=1)] | UnsetType = UNSET


Request = TypeVar("Request", DecisionRequest, UndoRequest)


def parse_request(body: bytes) -> ReviewRequest:
    """Return what a request's body asks for.

    Raises:
        MalformedDecision: nothing that can be understood.
    """
    try:
        asked = parse_json(body)
    except ValueError as error:
        raise MalformedDecision(f"is no JSON: {error}", where="the request") from error
    name, many = next(iter(asked.items())) if isinstance(asked, dict) and len(asked) == 1 else ("", None)
    if name not in ("decisions", "undo") or not isinstance(many, list) or not many:
        raise MalformedDecision('must be {"decisions": [...]} or {"undo": [...]}', where="the request")
    if name == "undo":
        return ReviewRequest(undo=[parse_one(UndoRequest, one) for one in many])
    return ReviewRequest(decisions=[parse_one(DecisionRequest, one) for one in many])


def parse_one(kind: type[Request], value: Any) -> Request:
    """Return one decision, or one that is taken back, from JSON.

    Raises:
        MalformedDecision: a member is missing, unknown, or of another type.
    """
    if not isinstance(value, Mapping):
        raise MalformedDecision(f"must be an object, not {value!r:.80}")
    key = value.get("key")
    where = key[:MAX_NAME] if isinstance(key, str) else ""
    problems = problems_of(kind, value)
    problems += [f"{name} is unknown" for name in sorted(set(value) - set(kind.__struct_fields__))]
    if problems:
        raise MalformedDecision(problems[0], where=where)
    return msgspec.convert(value, kind)
