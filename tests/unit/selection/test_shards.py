"""Shards: every machine deals the same, and nothing is lost or doubled."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import block, read
from widgetshot.model import Need
from widgetshot.selection.shards import Dealing, Durations, Part, Shard, ShardPlan, deal, parse_shard, parts_of
from widgetshot.values import BadValue


def part(name: str, *services: str, targets: tuple[str, ...] = ("a",)) -> Part:
    return Part((name, ""), targets, frozenset(services))


def dealt(parts: list[Part], count: int, seconds: dict[str, float] | None = None, **starts: float) -> ShardPlan:
    durations = Durations({(name, ""): one for name, one in (seconds or {}).items()}, starts)
    return deal(parts, Dealing(Shard(1, count), durations), "env")


def names(plan: ShardPlan) -> list[str]:
    return ["".join(part.session[0] for part in share) for share in plan.shares]


@pytest.mark.parametrize(("text", "number", "count"), [("1/1", 1, 1), ("2/5", 2, 5), ("02/05", 2, 5)])
def test_a_shard_is_a_number_and_a_count(text: str, number: int, count: int) -> None:
    assert parse_shard(text) == Shard(number, count)
    assert str(parse_shard(text)) == f"{number}/{count}"


@pytest.mark.parametrize(
    "value", ["", "2", "2/", "/2", "0/2", "3/2", "-1/2", "1/0", "1/1001", "1 / 2", "1/2\n", "١/٢", 3, None]
)
def test_what_is_no_shard_is_refused(value: Any) -> None:
    with pytest.raises(BadValue, match="must be"):
        parse_shard(value)


def test_the_longest_goes_first_each_to_who_is_done_first() -> None:
    seconds = {"a": 5.0, "b": 4.0, "c": 3.0, "d": 3.0, "e": 3.0}
    plan = dealt([part(name) for name in "edcba"], 2, seconds)
    assert names(plan) == ["ad", "bce"]
    assert plan.seconds == (8.0, 10.0)


def test_without_durations_all_shards_have_as_many() -> None:
    plan = dealt([part(f"{index:02}") for index in range(23)], 4)
    assert sorted(map(len, plan.shares)) == [5, 6, 6, 6]


def test_what_is_not_known_takes_as_long_as_others_do() -> None:
    plan = dealt([part(name) for name in "abcd"], 2, {"a": 30.0, "b": 10.0, "c": 20.0})
    assert plan.seconds == (40.0, 40.0)


def test_what_takes_no_time_is_spread() -> None:
    durations = Durations({("a", ""): 3.0, ("b", ""): 1.0}, skipped={"c", "d", "e", "f"})
    plan = deal([part(name) for name in "abcdef"], Dealing(Shard(1, 3), durations), "env")
    assert sorted(map(len, plan.shares)) == [2, 2, 2]


def test_parts_of_one_session_are_one() -> None:
    several = [part("x", targets=("b", "a")), part("x", targets=("c",)), part("y")]
    plans = [deal(parts, Dealing(Shard(1, 2)), "env") for parts in ([*several], several[::-1])]
    assert plans[0] == plans[1]
    assert plans[0].parts == 2
    assert ("a", "b", "c") in {part.targets for share in plans[0].shares for part in share}


def test_what_was_left_out_takes_no_time() -> None:
    durations = Durations({("a", ""): 3.0, ("b", ""): 3.0}, skipped={"c"})
    plan = deal([part("a"), part("b"), part("c")], Dealing(Shard(1, 2), durations), "env")
    assert plan.seconds == (3.0, 3.0)


# Two seconds each.
TWO_EACH = dict.fromkeys("abcdef", 2.0)


def test_notebooks_of_a_service_stay_together_where_that_is_cheaper() -> None:
    parts = [part("a", "db"), part("b", "db"), *map(part, "cdef")]
    plan = dealt(parts, 2, TWO_EACH, db=20.0)
    assert names(plan) == ["ab", "cdef"]
    assert plan.seconds == (24.0, 8.0)


def test_they_are_parted_where_that_is_cheaper() -> None:
    parts = [part(name, "db") for name in "abcdef"]
    plan = dealt(parts, 2, TWO_EACH, db=1.0)
    assert sorted(map(len, plan.shares)) == [3, 3]
    assert plan.seconds == (7.0, 7.0)


def test_who_has_a_service_already_is_given_what_needs_it() -> None:
    # Two services; apart they start twice each.
    parts = [part("a", "db"), part("b", "db"), part("c", "web"), part("d", "web")]
    assert names(dealt(parts, 2, TWO_EACH, db=5.0, web=5.0)) == ["ab", "cd"]


def test_notebooks_that_share_one_service_each_are_one_group() -> None:
    parts = [part("a", "db"), part("b", "db", "web"), part("c", "web"), part("d")]
    assert names(dealt(parts, 2, TWO_EACH, db=50.0, web=50.0)) == ["abc", "d"]


@pytest.mark.parametrize(
    ("services", "of_each", "count", "start", "latest"),
    [
        (2, 6, 4, 1.0, 4.0),
        (3, 20, 9, 1.0, 8.0),
        (2, 6, 4, None, 4.0),
        (1, 100, 10, 0.0, 10.0),
    ],
)
def test_services_of_one_size_leave_no_shard_idle(
    services: int, of_each: int, count: int, start: float | None, latest: float
) -> None:
    parts = [part(f"{service}-{index:03}", f"s{service}") for service in range(services) for index in range(of_each)]
    starts = {} if start is None else {f"s{service}": start for service in range(services)}
    plan = dealt(parts, count, None, **starts)
    assert min(map(len, plan.shares)) > 0
    assert max(plan.seconds) <= latest


def test_a_service_is_started_no_more_often_than_pays() -> None:
    seconds = {f"{index:02}": 10.0 for index in range(30)}
    parts = [part(name, *(["db"] if name < "10" else [])) for name in seconds]
    plan = dealt(parts, 8, seconds, db=100.0)
    # On all eight it would end after 140.
    assert sum(any(part.services for part in share) for share in plan.shares) <= 4
    assert max(plan.seconds) <= 140.0


ANY_PARTS = st.lists(
    st.builds(
        Part,
        st.tuples(st.text("abc", min_size=1, max_size=4), st.sampled_from(["", "dark"])),
        st.sampled_from([("a",), ("a", "b")]),
        st.frozensets(st.sampled_from(["db", "web", "queue"]), max_size=2),
        st.booleans(),
    ),
    unique_by=lambda part: part.session,
    max_size=25,
)
ANY_DURATIONS = st.builds(
    Durations,
    st.dictionaries(st.tuples(st.text("abc", min_size=1, max_size=2), st.just("")), st.floats(0, 100), max_size=8),
    st.dictionaries(st.sampled_from(["db", "web"]), st.floats(0, 100)),
)


@given(ANY_PARTS, ANY_DURATIONS, st.integers(1, 7), st.randoms())
def test_every_machine_deals_the_same_and_each_part_once(
    parts: list[Part], durations: Durations, count: int, random: Any
) -> None:
    plans = []
    for number in range(1, count + 1):
        random.shuffle(parts)
        plans.append(deal(parts, Dealing(Shard(number, count), durations), "env"))
    assert len({plan.digest for plan in plans}) == 1
    shares = [session for plan in plans for session in plan.own]
    assert sorted(shares) == sorted(part.session for part in parts)


@given(st.lists(st.integers(0, 20).map(float), max_size=6), st.integers(1, 3))
def test_the_last_shard_ends_at_most_a_third_late(seconds: list[float], count: int) -> None:
    names = [f"{index}" for index in range(len(seconds))]
    plan = dealt([part(name) for name in names], count, dict(zip(names, seconds, strict=True)))
    places = itertools.product(range(count), repeat=len(seconds))
    best = min(
        max(sum(one for one, at in zip(seconds, each, strict=True) if at == place) for place in range(count))
        for each in places
    )
    assert max(plan.seconds) <= best * 4 / 3
    assert sum(plan.seconds) == sum(seconds)


@pytest.mark.parametrize(
    "other",
    [
        dealt([part("a"), part("b", targets=("a", "b"))], 2),
        dealt([part("a"), part("b"), part("c")], 2),
        dealt([part("a"), part("b")], 3),
        deal([part("a"), part("b")], Dealing(Shard(1, 2)), "other"),
    ],
)
def test_another_run_has_another_plan(other: ShardPlan) -> None:
    assert dealt([part("a"), part("b")], 2).digest != other.digest


def test_a_notebook_has_a_part_for_each_session(tmp_path: Path) -> None:
    notebook = read(
        tmp_path,
        block("widgetshot: {services: [db, {name: own, exclusive: true}]}", "shot: [a, b]", "theme: [light, dark]"),
    )
    assert {need.name for need in notebook.services} == {"db", "own"}
    assert isinstance(notebook.services[0], Need)
    parts = parts_of(notebook, notebook.targets)
    assert [part.session for part in parts] == [("notebooks/x.ipynb", ""), ("notebooks/x.ipynb", "dark")]
    assert parts[0].targets == ("a", "b")
    assert {part.services for part in parts} == {frozenset({"db"})}


def test_a_large_suite_is_dealt() -> None:
    parts = [part(f"{index:05}", *(["db"] if index % 50 == 0 else [])) for index in range(25_000)]
    seconds = {one.session[0]: 1.0 + index % 97 for index, one in enumerate(parts)}
    plan = dealt(parts, 128, seconds, db=30.0)
    assert max(plan.seconds) < 1.02 * sum(plan.seconds) / 128
