"""Shards: each of several machines works out for itself which part of a run is its own, and all have one plan."""

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

from widgetshot.declare.notebook import Notebook
from widgetshot.model import MAX_SHARDS, Target
from widgetshot.values import BadValue

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
# Of a run about which nothing is known; all sessions take as long then, and so does the start of a service.
_UNKNOWN_S = 1.0
# One more start of a service must let the last shard end by more than a tenth earlier: it keeps a machine busy, too.
_GOOD_ENOUGH = 0.9
# Between two limits that are tried for the end of the last shard.
_STEP = 1.2

Identity = tuple[str, str]  # of a session, see `Target.session`


@dataclass(frozen=True)
class Shard:
    """One of the parts that a run is dealt into.

    Attributes:
        number: counted from 1.
        count: how many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(value: Any) -> Shard:
    """Parse `2/5`.

    Raises:
        BadValue: it is something else, or there is no such shard.
    """
    found = _SHARD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue(f"must be NUMBER/COUNT, as in 2/5, not {value!r}")
    number, count = map(int, found.groups())
    if not 1 <= number <= count <= MAX_SHARDS:
        raise BadValue(f"must be one of 1/{count} to {count}/{count}, of {MAX_SHARDS:,} at most, not {value!r}")
    return Shard(number, count)


@dataclass(frozen=True)
class Part:
    """What one machine takes as a whole: a session, or a Python test.

    Attributes:
        targets: names of its pictures, where they are known.
        services: the shared services that it needs.
        runs: whether it takes any time; not what is left out on every machine.
    """

    session: Identity
    targets: tuple[str, ...] = ()
    services: frozenset[str] = frozenset()
    runs: bool = True


@dataclass(frozen=True)
class Durations:
    """The time that things took in an earlier run, in seconds.

    Attributes:
        sessions: by identity.
        starts: until a service was ready, by name.
        skipped: notebooks that were left out.
    """

    sessions: Mapping[Identity, float] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)
    skipped: Collection[str] = ()

    @cached_property
    def typical(self) -> float:
        """The time that a session takes about which nothing is known: the mean of the others."""
        return math.fsum(self.sessions.values()) / len(self.sessions) if self.sessions else _UNKNOWN_S

    def of(self, part: Part) -> float:
        """Return the time that a part is expected to take, without the start of services."""
        notebook, _ = part.session
        if not part.runs or (notebook in self.skipped and part.session not in self.sessions):
            return 0.0
        return self.sessions.get(part.session, self.typical)

    def start_of(self, services: Iterable[str]) -> float:
        """Return the time that the start of some services is expected to take, one after the other."""
        # Exact, so that every version of Python has the same sum.
        return math.fsum(self.starts.get(service, self.typical) for service in services)


@dataclass(frozen=True)
class Dealing:
    """A wish for one shard.

    Attributes:
        durations: what took how long in an earlier run, so that all shards end at once.
    """

    shard: Shard
    durations: Durations = field(default_factory=Durations)


@dataclass(frozen=True)
class ShardPlan:
    """What each shard of a run consists of.

    Attributes:
        shard: the one that was asked for.
        shares: the parts of each shard.
        seconds: the time that each is expected to take.
        digest: sha256 of the renderer's name and of all shares with their pictures, as hexadecimal digits.
    """

    shard: Shard
    shares: tuple[tuple[Part, ...], ...]
    seconds: tuple[float, ...]
    digest: str

    @cached_property
    def own(self) -> frozenset[Identity]:
        """The sessions of the shard that was asked for."""
        return frozenset(part.session for part in self.shares[self.shard.number - 1])

    @property
    def parts(self) -> int:
        """The number of parts that were dealt."""
        return sum(map(len, self.shares))

    def __str__(self) -> str:
        sessions = f"{self.parts} session{'' if self.parts == 1 else 's'}"
        return f"shard {self.shard} has {len(self.own)} of {sessions} (plan {self.digest[:8]})"


_Dealt = tuple[list[list[Part]], list[float]]  # of each shard its parts and its time


def parts_of(notebook: Notebook, targets: Iterable[Target], *, runs: bool = True) -> list[Part]:
    """Return the parts that some targets of a notebook are, which are its sessions."""
    names: dict[Identity, list[str]] = {}
    for target in targets:
        names.setdefault(target.session, []).append(target.name)
    # An instance that nobody shares is started for each of its sessions, and is part of their time.
    services = frozenset(need.name for need in notebook.services if not need.exclusive)
    return [Part(session, tuple(several), services, runs) for session, several in names.items()]


def deal(parts: Iterable[Part], dealing: Dealing, renderer: str) -> ShardPlan:
    """Deal parts to shards so that the last of them ends early.

    The longest part goes first, each to the shard that is done with it first (R. L. Graham, "Bounds on multiprocessing
    timing anomalies", SIAM J. Appl. Math. 17, 1969: without services the last shard ends at most a third later than it
    must). A shard that starts a service for a part needs more time for it than one that has the service already, so
    parts that share services are dealt in a few chunks: in as few as let the last shard end within a tenth of the
    earliest end that was found.

    The same parts, in whatever order, give the same plan everywhere, and for every shard.

    Args:
        renderer: browser and platform, see `Settings.renderer`.
    """
    count, durations = dealing.shard.count, dealing.durations
    unique: dict[Identity, Part] = {}
    for part in parts:
        known = unique.get(part.session, part)
        unique[part.session] = replace(part, targets=tuple(sorted({*known.targets, *part.targets})))
    groups = _groups([unique[session] for session in sorted(unique)])
    shares, seconds = _best(groups, count, durations)
    shares = [sorted(share, key=lambda part: part.session) for share in shares]
    said = [[[*part.session, *part.targets] for part in share] for share in shares]
    digest = hashlib.sha256(json.dumps([renderer, said]).encode()).hexdigest()
    return ShardPlan(dealing.shard, tuple(map(tuple, shares)), tuple(seconds), digest)


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Return parts in groups: those that share a service, or one with another one, are together."""
    groups: list[tuple[set[str], list[Part]]] = []
    alone: list[list[Part]] = []
    for part in parts:
        if not part.services or not part.runs:
            alone.append([part])
            continue
        services, members = set(part.services), [part]
        rest = []
        for group in groups:
            if group[0] & services:
                services |= group[0]
                members = group[1] + members
            else:
                rest.append(group)
        groups = [*rest, (services, members)]
    return [*alone, *(members for _, members in groups)]


def _best(groups: Sequence[Sequence[Part]], count: int, durations: Durations) -> _Dealt:
    """Return what each shard has, with the groups in as few chunks as are good enough."""
    together = _dealt(groups, count, durations)
    if not any(len(group) > 1 for group in groups):
        return together
    # However it is dealt, the last shard ends no earlier than this.
    limit = max(
        math.fsum(durations.of(part) for group in groups for part in group) / count,
        max(durations.of(part) + durations.start_of(part.services) for group in groups for part in group),
    )
    tried = [(len(groups), together)]
    while limit < max(together[1]):
        chunks = [chunk for group in groups for chunk in _chunks(group, limit, durations)]
        tried.append((len(chunks), _dealt(chunks, count, durations)))
        limit *= _STEP
    earliest = min(max(ends) for _, (_, ends) in tried)
    good = [one for one in tried if max(one[1][1]) * _GOOD_ENOUGH <= earliest]
    return min(good, key=lambda one: (one[0], max(one[1][1])))[1]


def _chunks(group: Sequence[Part], limit: float, durations: Durations) -> list[list[Part]]:
    """Return a group in chunks of about equal time, of which each with the start of its services ends by a limit."""
    if len(group) == 1:
        return [list(group)]
    seconds = math.fsum(durations.of(part) for part in group)
    services: frozenset[str] = frozenset().union(*(part.services for part in group))
    room = limit - durations.start_of(services)
    number = len(group) if room <= 0 else min(len(group), math.ceil(seconds / room))
    chunks, _ = _dealt(
        [[part] for part in group], max(1, number), replace(durations, starts=dict.fromkeys(services, 0.0))
    )
    return [chunk for chunk in chunks if chunk]


def _dealt(groups: Iterable[Sequence[Part]], count: int, durations: Durations) -> _Dealt:
    """Return the parts of each shard and its time, where the parts of a group stay together."""
    weighed = []
    for group in groups:
        services: frozenset[str] = frozenset().union(*(part.services for part in group if part.runs))
        seconds = math.fsum(durations.of(part) for part in group)
        weighed.append((-seconds - durations.start_of(services), group[0].session, seconds, services, group))
    shares: list[list[Part]] = [[] for _ in range(count)]
    ends = [0.0] * count
    there: list[frozenset[str]] = [frozenset()] * count
    # Who is done first. An entry that is no longer true is passed over.
    first = [(0.0, 0, at) for at in range(count)]
    for *_, seconds, services, group in sorted(weighed, key=lambda one: one[:2]):
        if services:
            at = min(range(count), key=lambda at: (ends[at] + durations.start_of(services - there[at]), ends[at], at))
        elif seconds:
            while first[0][:2] != (ends[first[0][2]], len(shares[first[0][2]])):
                heappop(first)
            _, _, at = first[0]
        else:
            at = min(range(count), key=lambda at: (len(shares[at]), ends[at], at))
        ends[at] += durations.start_of(services - there[at]) + seconds
        there[at] |= services
        shares[at] += group
        heappush(first, (ends[at], len(shares[at]), at))
    return shares, ends
