"""A flood of text is cut on its way to the page; everything else goes through as it is."""

import json
from typing import Any

import pytest

from kernel_messages import message, printed
from widgetshot.server.flood import HEAD, LEFT_OUT, TAIL, Flood


def idle(request: str = "r") -> list[Any]:
    return message("status", {"execution_state": "idle"}, request)


def sent(flood: Flood, *messages: list[Any]) -> list[list[Any]]:
    return [out for one in messages for out in flood.bound(one)]


def texts(messages: list[list[Any]]) -> list[str]:
    return [json.loads(one[4])["text"] for one in messages if b'"stream"' in one[1]]


@pytest.mark.parametrize("size", [0, 1, HEAD // 4])
def test_what_is_no_flood_goes_through_untouched(size: int) -> None:
    given = [printed("é" * (size // 6)), message("display_data", {"data": {"text/plain": "x" * size}}), idle()]
    out = sent(Flood(), *given)
    assert all(one is other for one, other in zip(out, given, strict=True))


def test_of_a_flood_the_beginning_and_the_end_are_sent_and_the_note_counts_the_rest() -> None:
    lines = [f"line {number}\n" for number in range(300_000)]
    whole = "".join(lines)
    out = sent(Flood(), *(printed("".join(lines[at : at + 1000])) for at in range(0, len(lines), 1000)), idle())
    text = "".join(texts(out))
    begin, note, end = text.partition("\n[... ")
    count, words, end = end.partition(" characters are left out here by widgetshot ...]\n")
    assert note
    assert words
    left_out = int(count.replace(",", ""))
    assert whole.startswith(begin)
    assert whole.endswith(end)
    assert len(begin) + len(end) + left_out == len(whole)
    assert HEAD * 0.9 < len(begin) <= HEAD
    assert len(end) == TAIL
    assert [json.loads(one[3]).get(LEFT_OUT) for one in out if json.loads(one[3])] == [left_out]
    assert json.loads(out[-1][4]) == {"execution_state": "idle"}


def test_flood_in_one_message_is_cut_as_well() -> None:
    text = "".join(texts(sent(Flood(), printed("x" * 3_000_000), idle())))
    assert f"{3_000_000 - HEAD - TAIL:,} characters" in text
    assert len(text) < HEAD + TAIL + 100


def test_memory_is_bounded_while_nothing_is_answered() -> None:
    flood = Flood()
    for _ in range(200):
        list(flood.bound(printed("x" * 100_000)))
    (kept,) = flood._printed.values()
    assert sum(len(text) for _, text in kept.tail) == TAIL


def test_both_streams_keep_their_order_at_the_end() -> None:
    flood = Flood()
    out = sent(flood, printed("x" * 2 * HEAD), printed("out\n"), printed("err\n", "stderr"), printed("last\n"), idle())
    ends = [(json.loads(one[4])["name"], json.loads(one[4])["text"]) for one in out if b'"stream"' in one[1]][-3:]
    assert ends == [("stdout", "out\n"), ("stderr", "err\n"), ("stdout", "last\n")]


def test_what_is_cleared_does_not_count() -> None:
    flood = Flood()
    given: list[list[Any]] = []
    for number in range(20):
        given += [message("clear_output", {"wait": True}), printed(f"{number}" + "x" * (HEAD // 2))]
    out = sent(flood, *given, idle())
    assert all(one is other for one, other in zip(out, given, strict=False))
    assert len(out) == len(given) + 1


def test_requests_are_counted_each_for_itself_and_late_text_arrives() -> None:
    flood = Flood()
    out = sent(flood, printed("x" * 2 * HEAD), idle(), printed("y" * 100, request="s"), printed("late"), idle("t"))
    assert texts(out)[-2:] == ["y" * 100, "late"]


@pytest.mark.parametrize("kind", ["execute_result", "display_data", "update_display_data", "error"])
def test_plain_text_and_tracebacks_are_cut(kind: str) -> None:
    long = "a" * HEAD + "b" * 1_000_000 + "c" * TAIL
    content = {"traceback": ["x", long], "evalue": "v"} if kind == "error" else {"data": {"text/plain": long}}
    (out,) = sent(Flood(), message(kind, content))
    told = json.loads(out[4])
    text = told["traceback"][1] if kind == "error" else told["data"]["text/plain"]
    assert text == f"{'a' * HEAD}\n[... 1,000,000 characters are left out here by widgetshot ...]\n{'c' * TAIL}"
    assert json.loads(out[3]) == {LEFT_OUT: 1_000_000}


def test_what_is_no_text_is_sent_whole() -> None:
    given = message("display_data", {"data": {"image/png": "x" * 3_000_000, "text/html": "y" * 3_000_000}})
    assert sent(Flood(), given) == [given]
