"""`review.json`: the decisions taken on a run so far, and the documents of the live review's API."""

from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import asdict

from widgetshot.documents import Document, Sha256, Time
from widgetshot.ports import FileDigests

FORMAT: Literal[1] = 1
_Version = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class TakenDecision(Document, frozen=True, kw_only=True):
    """A decision that holds."""

    verdict: Literal["accept", "reject"]
    comment: str
    reviewer: str
    time: Time
    version: Annotated[_Version, Meta(description="Of the state with which it came.")]
    written: Annotated[bool, Meta(description="Whether accepting it has written the baseline.")]


class ReviewState(Document, frozen=True, kw_only=True):
    """The decisions on a run that hold now."""

    format: Literal[1] = FORMAT
    run: Annotated[str, Meta(description="`id` of the run; another one is another review.")]
    version: Annotated[_Version, Meta(description="How many times something was asked for and done.")] = 0
    decisions: Annotated[dict[str, TakenDecision], Meta(description="By the key of the result.")] = field(
        default_factory=dict
    )


class NamedState(ReviewState, frozen=True, kw_only=True):
    """The state, as the API answers it."""

    reviewer: Annotated[str, Meta(description="Default name for this server's user.")]


class Refusal(Document, frozen=True, kw_only=True):
    """The reason why the API did nothing."""

    what: str
    where: str
    next_step: str


class RefusalAnswer(Document, frozen=True, kw_only=True):
    """The answer of the API where it did nothing."""

    error: Refusal
    state: Annotated[NamedState | None, Meta(description="What is decided now; null where there is no run.")]


class Digests(Document, frozen=True, array_like=True):
    """Digests of a baseline's picture and of its sidecar; null for a file that does not exist."""

    picture: Sha256 | None
    sidecar: Sha256 | None

    @classmethod
    def of(cls, digests: FileDigests) -> "Digests":
        """Return them as the document holds them."""
        return cls(digests.picture, digests.sidecar)


class Replaced(Document, frozen=True, kw_only=True):
    """A baseline's files before and after it was accepted; the former are in `previous/`."""

    before: Digests
    after: Digests


class RecordedDecision(TakenDecision, frozen=True, kw_only=True):
    """A decision, and what undoing it puts back."""

    undo: Replaced | None

    @property
    def public(self) -> TakenDecision:
        """The decision alone."""
        return TakenDecision(**{name: value for name, value in asdict(self).items() if name != "undo"})


class PendingWrite(Document, frozen=True, kw_only=True):
    """A baseline that is about to be replaced: its files, and the digest of the picture that is to be there."""

    before: Digests
    target: Sha256 | None


class ReviewRecord(Document, frozen=True, kw_only=True):
    """All that `review.json` says, without its seal.

    Attributes:
        pending: of baselines that are being written. What is found here was left by a process that was killed.
    """

    format: Literal[1] = FORMAT
    run: str
    version: _Version = 0
    decisions: dict[str, RecordedDecision] = field(default_factory=dict)
    pending: dict[str, PendingWrite] = field(default_factory=dict)

    @property
    def state(self) -> ReviewState:
        """The part of it that others may know."""
        decisions = {key: decision.public for key, decision in self.decisions.items()}
        return ReviewState(run=self.run, version=self.version, decisions=decisions)
