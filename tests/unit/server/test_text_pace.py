"""Texts in quick succession become fewer messages; nothing else changes, neither the text nor the order."""

import asyncio
import json
from typing import Any

import pytest

from kernel_messages import message, printed
from widgetshot.server.text_pace import TextPace


def told(sent: list[list[Any]]) -> list[tuple[str, str, str]]:
    """Return each message as its kind or stream, its request and its text."""
    found = []
    for one in sent:
        header, parent, _, content = (json.loads(part) for part in one[1:5])
        found.append((content.get("name", header["msg_type"]), parent["msg_id"], content.get("text", "")))
    return found


async def taken(*messages: list[Any], wait: bool = False) -> list[list[Any]]:
    """Give messages to a page at once; what was sent, after a moment in which all that waits is due or without one."""
    sent: list[list[Any]] = []
    pace = TextPace(sent.append)
    for one in messages:
        pace.take(one)
    while wait and pace.waits:
        await asyncio.sleep(0)
    pace.stop()
    return sent


IDLE = message("status", {"execution_state": "idle"})


def test_lines_that_follow_upon_each_other_are_sent_together() -> None:
    lines = [f"line {number}\n" for number in range(500)]
    sent = asyncio.run(taken(*map(printed, lines), IDLE))
    assert "".join(text for _, _, text in told(sent)) == "".join(lines)
    assert len(sent) < 6
    assert sent[-1] is IDLE


def test_what_waits_is_sent_though_nothing_follows() -> None:
    assert told(asyncio.run(taken(*map(printed, "abcd"), wait=True))) == [
        ("stdout", "r", "a"),
        ("stdout", "r", "b"),
        ("stdout", "r", "cd"),
    ]


@pytest.mark.parametrize(
    "between",
    [
        printed("x", "stderr"),
        printed("x", request="other"),
        printed("x", isolated=True),
        message("clear_output", {"wait": True}),
        message("display_data", {"data": {}}),
        message("comm_msg", {"data": {}}),
    ],
    ids=["other-stream", "other-request", "metadata", "clear", "display", "comm"],
)
def test_nothing_overtakes_text_and_text_overtakes_nothing(between: list[Any]) -> None:
    before, after = [printed(text) for text in "abcdef"], [printed(text) for text in "ghijkl"]
    sent = asyncio.run(taken(*before, between, *after, IDLE))
    at = next(index for index, one in enumerate(sent) if one is between)
    assert "".join(text for _, _, text in told(sent[:at])) == "abcdef"
    assert "".join(text for _, _, text in told(sent[at + 1 :])) == "ghijkl"


@pytest.mark.parametrize("move", ["\r", "\b"])
def test_text_that_goes_back_is_sent_as_it_came(move: str) -> None:
    texts = ["a", "b", f"{move}c", f"d{move}", "e", f"{move}"]
    sent = asyncio.run(taken(*map(printed, texts), IDLE))
    assert "".join(text for _, _, text in told(sent)) == "".join(texts)
    assert [text for _, _, text in told(sent) if move in text] == [text for text in texts if move in text]


def test_a_page_that_is_gone_is_sent_nothing() -> None:
    async def work() -> list[list[Any]]:
        sent: list[list[Any]] = []
        pace = TextPace(sent.append)
        for text in "abcd":
            pace.take(printed(text))
        before = [*sent]
        pace.stop()
        pace.flush()
        return sent[len(before) :]

    assert asyncio.run(work()) == []
