"""The messages between the client of a Dask cluster and its workers: plain data, packed so that little of it travels.

Of a picture that is the baseline's, pixel by pixel, only the baseline's digest travels: nobody looks at it, and the
client has that file.
"""

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from widgetshot.baselines.access import Baselines
from widgetshot.errors import BaselineError, ServerError
from widgetshot.files import sha256
from widgetshot.model import Result, ServiceUsage, Verdict
from widgetshot.project.settings import Settings
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, SessionReport

# Screenshots are mostly of one colour: more effort finds little more, and takes several times as long.
_EFFORT = 1
_NO_PIXELS = np.empty((0, 0, 4), np.uint8)

Outcome = Result | SessionReport | Exception
T = TypeVar("T", Session, "Order")


@dataclass(frozen=True)
class Order:
    """All that a worker is told of a run.

    Attributes:
        run: what tells it from other runs.
        settings: the client's, with the client's paths.
        environment: variables that kernels get from the client. Not in the repr: there are secrets among them.
        services: addresses of services that run elsewhere, by the names of their variables.
        one_page: whether the worker has a page at a time, however many sessions it is given.
    """

    run: str
    settings: Settings
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    services: Mapping[str, str] = field(default_factory=dict, repr=False)
    one_page: bool = False


@dataclass(frozen=True)
class Description:
    """All by which a worker is accepted or refused.

    Attributes:
        renderer: its fingerprint, see `widgetshot.capture.fingerprint`.
        front_ends: the widgets' front ends that are installed -> version.
        platform: as environments name it.
        machine: what tells the machine and its folders from others; "" where that is not known.
    """

    renderer: Mapping[str, Any]
    front_ends: Mapping[str, str]
    platform: str
    machine: str


@dataclass(frozen=True)
class Event:
    """Something that has happened to a session on a worker.

    Attributes:
        session: the key of its task.
        data: what came of it, packed; None where it has begun.
    """

    session: str
    data: bytes | None = None


@dataclass(frozen=True)
class Batch:
    """The events of a worker since those that were taken before.

    Attributes:
        first: the number of the first one; they are numbered from 0.
        usage: of services so far.
        notices: what is to be told of the worker so far.
        ended: whether the run has ended there.
    """

    first: int
    events: tuple[Event, ...] = ()
    usage: Mapping[str, ServiceUsage] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class _Packed:
    """A result on its way.

    Attributes:
        shape: of a picture that is the baseline's, and was left out: height, width, 4; None where it is there.
    """

    result: Result
    shape: tuple[int, ...] | None = None


def pack(value: Session | Order) -> bytes:
    """Return a session or an order as it travels."""
    return _packed(value)


def unpack(data: bytes, kind: type[T]) -> T:
    """Return what has travelled, which is of a kind."""
    value = _unpacked(data)
    assert isinstance(value, kind)
    return value


def pack_outcome(outcome: Outcome) -> bytes:
    """Return what came of a session as it travels. Takes its time for pictures."""
    return _packed(_without_known(outcome) if isinstance(outcome, Result) else outcome)


def unpack_outcome(data: bytes, baselines: Baselines) -> Outcome:
    """Return what came of a session. Takes its time for pictures.

    Args:
        baselines: where the pictures are that have not travelled.

    Returns:
        What came; `broken` for a result that was compared with another baseline than the one that is here.
    """
    outcome = _unpacked(data)
    if isinstance(outcome, _Packed):
        result = outcome.result
        if result.baseline is None and result.verdict is not Verdict.NEW:
            return result  # it did not come to be compared
        picture = baselines.snapshot(result.key).picture
        error = _other_baseline(result, picture, baselines)
        return _with_known(outcome, picture or b"") if error is None else _broken(result, error)
    assert isinstance(outcome, SessionReport | Exception)
    return outcome


def _without_known(result: Result) -> _Packed:
    """Leave out what the client has: baselines of what matches them."""
    shot, baseline = result.shot, result.baseline
    if result.verdict is not Verdict.MATCH or shot is None or baseline is None:
        return _Packed(result)
    bare = replace(baseline, pixels=_NO_PIXELS, data=b"")
    if not np.array_equal(shot.pixels, baseline.pixels):
        return _Packed(replace(result, baseline=bare))
    return _Packed(replace(result, shot=replace(shot, pixels=_NO_PIXELS), baseline=bare), shot.pixels.shape)


def _other_baseline(result: Result, picture: bytes | None, baselines: Baselines) -> ServerError | None:
    """Return the error of a result that was compared with another baseline than the one that is here; None for none.

    Args:
        picture: the file of the baseline that is here; None where there is none.
    """
    there = None if result.baseline is None else result.baseline.sha256
    if there == (None if picture is None else sha256(picture)):
        return None
    if there is None:
        try:
            baselines.read(result.key)
        except BaselineError:
            return None  # it is damaged, and that it is taken anew was asked for
    which = "a worker compared with another baseline than the one that is here"
    return ServerError(
        which if there is not None else "a worker does not have the baseline that is here",
        next_step="run it again when nobody changes baselines; who shares the project must see the same of them",
    )


def _broken(result: Result, error: ServerError) -> Result:
    return broken(result.target, result.key, error, renderer=result.fingerprint, duration=result.duration)


def _with_known(packed: _Packed, picture: bytes) -> Result:
    result = packed.result
    if packed.shape is None:
        return result
    assert result.shot is not None
    assert result.baseline is not None
    # All that is asked of them from here on is whether they are equal, and their size.
    pixels = np.broadcast_to(np.uint8(0), packed.shape)
    return replace(
        result,
        shot=replace(result.shot, pixels=pixels),
        baseline=replace(result.baseline, pixels=pixels, data=picture),
    )


def _packed(value: Any) -> bytes:
    return zlib.compress(pickle.dumps(value, protocol=5), _EFFORT)


def _unpacked(data: bytes) -> Any:
    return pickle.loads(zlib.decompress(data))
