"""The place in a document of a value that msgspec refuses, with the names that it leaves out."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

_MAX_CANDIDATES = 1_000  # members of an object among which the wrong one is searched
# Bytes of documents in which they are searched, together for all of them: each is another look at the whole.
_MAX_SEARCHED = 20_000_000


def exact_place(kind: Any, data: bytes, message: str, place: str) -> str:
    """Return a place of msgspec's with the names in it: of a member of a dict it only tells `[...]`."""
    if "[...]" not in place:
        return place.removeprefix(".")
    try:
        whole = json.loads(data)
        most = min(_MAX_CANDIDATES, _MAX_SEARCHED // len(data))
        while "[...]" in place:
            before = place.partition("[...]")[0]
            name = next(
                name
                for name, document in islice(_with_one_member(whole, before), most)
                if _message(kind, document) == message
            )
            place = place.replace("[...]", f"[{json.dumps(name, ensure_ascii=False)}]", 1)
    except (ValueError, LookupError, TypeError, RecursionError, StopIteration):
        pass  # as near as it is known
    return place.removeprefix(".")


def _with_one_member(whole: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each member's name of the object at a place, and the document in which that object has only this one."""
    steps = [json.loads(name or index) for index, name in _steps(place)]
    node = whole
    for step in steps:
        node = node[step]
    members = dict(node)
    for name, value in members.items():
        node.clear()
        node[name] = value
        yield name, whole
    node.clear()
    node.update(members)


def _steps(place: str) -> Iterator[tuple[str, str]]:
    """Yield (index, "") or ("", name as JSON) for each step of a place such as `.tests[3].timings["load"]`."""
    for found in re.finditer(r'\.([^.\[]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]', place):
        member, index, name = found.groups()
        yield (index, "") if index else ("", name or json.dumps(member))


def _message(kind: Any, document: Any) -> str:
    try:
        msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""
