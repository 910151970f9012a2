"""The messages between the server extension and the front end, as bytes."""

import pytest

from widgetshot.conditions import Condition, OpenFailure
from widgetshot.errors import ServerError
from widgetshot.ports import SourcesSeen
from widgetshot.server.messages import (
    FailedOpening,
    KernelState,
    Opened,
    OpenRequest,
    decode_opening,
    decode_request,
    decode_sources,
    decode_state,
    encode,
)

REQUEST = OpenRequest("/a/x.ipynb", "x.ipynb", "light", "", 3.0, {"A": "1"}, {}, ["secret"], None)


def test_a_request_arrives_as_it_was_sent_with_bytes_that_are_no_utf_8() -> None:
    assert decode_request(encode(REQUEST)) == REQUEST
    odd = OpenRequest("/a/\udcff.ipynb", "x", "dark", "python3", 3, {}, {"B": ""}, ["\udcfe"], 5.5)
    assert decode_request(encode(odd)) == odd


@pytest.mark.parametrize(
    "answer",
    [
        Opened("1", "/live-pages/1/", "/live-pages/1/s.html", ["c0", "c1"], ["told"], {"kernel": 0.5}),
        FailedOpening(Condition(OpenFailure.KERNEL_UNKNOWN, {"kernel": "r"})),
        FailedOpening(Condition(OpenFailure.CELL_RAISED, {"error": "\ud800"}), "c1", "pip install x"),
    ],
)
def test_an_answer_tells_a_page_from_a_failure(answer: Opened | FailedOpening) -> None:
    assert decode_opening(encode(answer)) == answer


def test_what_is_said_of_a_page_arrives() -> None:
    assert decode_state(encode(KernelState(alive=False))) == KernelState(alive=False)
    sources = SourcesSeen("reads", "/work", ("a.css",), ("/front",), "/kernel.json")
    assert decode_sources(encode(sources)) == sources


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is not JSON"),
        (b"{}", "missing required field"),
        (b'{"type": "closed"}', "closed"),
        (b'{"type": "failed", "condition": {"code": "kernel-unknown", "params": {}}}', r"has the parameters \[.kernel"),
    ],
)
def test_another_answer_is_an_error_with_a_next_step(data: bytes, what: str) -> None:
    with pytest.raises(ServerError, match=what) as caught:
        decode_opening(data)
    assert (caught.value.where, caught.value.next_step) == ("a message of the Jupyter server", "widgetshot doctor")
