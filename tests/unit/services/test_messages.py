"""What supervisors and those that use them say to each other: read as it was written, and nothing else is read."""

import pytest

from widgetshot.errors import ServerError
from widgetshot.redact import Redactor
from widgetshot.services.declaration import ReadyDeclaration, ServiceDeclaration
from widgetshot.services.failures import (
    AddressInUse,
    AnyFailure,
    CommandFailed,
    Exited,
    GivenUp,
    NotEnded,
    NotReady,
    NotStarted,
    RecipeFailed,
    ServiceError,
    Unexpected,
    UnknownDaemon,
    redacted,
)
from widgetshot.services.messages import (
    DaemonStates,
    ExitSummary,
    Failed,
    GetStates,
    Kill,
    Request,
    Start,
    Started,
    StartOrder,
    Stop,
    decode_answer,
    decode_order,
    decode_request,
    decode_start,
    encode,
)

DECLARATION = ServiceDeclaration(
    name="pages",
    command=("{python}", "-m", "http.server", "{port}"),
    setup=(("touch", "{folder}/index.html"),),
    ready=ReadyDeclaration("http", ("http://{host}:{port}/",)),
    ports=("port", "admin"),
    url="http://{host}:{port}",
    environment=(("PAGES", "{folder}"),),
    timeout=2.5,
    log="logs/pages.log",
    requires=(("touch", "apt-get install coreutils"),),
    root="/project",
)
# Each with its sentence, whether another port may do, and the next command.
FAILURES: list[tuple[AnyFailure, str, bool, str]] = [
    (AddressInUse("redis", "6379"), "redis can't listen at 6379: the address is in use", True, ""),
    (GivenUp("redis"), "redis was given up before it was ready", False, ""),
    (
        NotReady("redis", "", 2.5),
        "redis was not ready after 2.5 s; its log is empty",
        False,
        "widgetshot doctor --services",
    ),
    (
        Exited("redis", "bind: Address already in use", 1),
        "redis ended with exit code 1 before it was ready; the end of its log:\nbind: Address already in use",
        True,
        "widgetshot doctor --services",
    ),
    (
        NotStarted("redis", "\x1b[2Jx", "no such file"),
        "redis can't be started: no such file; the end of its log:\n⟨U+001B⟩[2Jx",
        False,
        "widgetshot doctor --services",
    ),
    (CommandFailed("initdb -D x", 2, "no room"), "'initdb -D x' ended with exit code 2:\nno room", False, ""),
    (NotEnded(("a", "b"), (7, 8)), "2 of the processes of a, b can't be ended: 7, 8", False, ""),
    (UnknownDaemon("x", ("a", "b")), "there is no daemon 'x' here; there are: a, b", False, ""),
    (RecipeFailed("no loopback", "echo x"), "no loopback", False, "echo x"),
    (Unexpected("KeyError", "'x'"), "KeyError: 'x'", False, ""),
]


@pytest.mark.parametrize("declaration", [None, DECLARATION])
def test_an_order_is_read_as_it_was_written(declaration: ServiceDeclaration | None) -> None:
    order = StartOrder("pages", declaration, ("hunter22",))
    assert decode_order(encode(order)) == order
    assert b"\n" not in encode(order)


@pytest.mark.parametrize("failure", [failure for failure, *_ in FAILURES])
def test_each_failure_is_read_as_it_was_written_from_both_sides(failure: AnyFailure) -> None:
    assert decode_start(encode(Failed(failure))) == Failed(failure)
    assert decode_answer(encode(Failed(failure))) == Failed(failure)


@pytest.mark.parametrize("request_", [Stop(), Start(), Kill("slurmd"), GetStates()])
def test_each_request_is_read_as_it_was_written(request_: Request) -> None:
    assert decode_request(encode(request_)) == request_


def test_answers_are_read_as_they_were_written() -> None:
    started = Started("http://127.0.0.1:1", {"A": "b"}, "/tmp/c", 0.5)
    assert decode_start(encode(started)) == started
    states = DaemonStates((ExitSummary("slurmd", "killed"), ExitSummary("munged", "")))
    assert decode_answer(encode(states)) == states
    assert [one.sentence for one in states.died] == ["slurmd ended, its last words: killed", "munged ended"]


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"Traceback (most recent call last):", b'{"type":"started"}', b'{"type":"kill","daemon":1}'],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    for decode in (decode_order, decode_start, decode_request, decode_answer):
        with pytest.raises(ServerError):
            decode(data)


@pytest.mark.parametrize(("failure", "sentence", "address_in_use", "next_step"), FAILURES)
def test_the_sentence_of_each_failure(failure: AnyFailure, sentence: str, address_in_use: bool, next_step: str) -> None:
    error = ServiceError(failure, where="service x", next_step="widgetshot doctor")
    assert (error.what, error.where, error.next_step) == (sentence, "service x", next_step or "widgetshot doctor")
    assert failure.address_in_use is address_in_use


def test_failures_say_no_secrets() -> None:
    redactor = Redactor(["hunter22"])
    failed = redacted(Exited("db", "login as hunter22 failed", 1), redactor)
    assert failed == Exited("db", "login as *** failed", 1)
    assert redacted(CommandFailed("psql hunter22", 1, "hunter22?"), redactor) == CommandFailed("psql ***", 1, "***?")
