"""What the camera notes while a page is captured: bounded, in the order of time, without secrets."""

from pathlib import Path

import pytest

from widgetshot.capture.trace import CaptureTrace
from widgetshot.files import sha256
from widgetshot.model import Trace
from widgetshot.ports import PageTrace, TracedCell, TracedMessage
from widgetshot.redact import Redactor
from widgetshot.report.entry_json import EntryTrace
from widgetshot.report.trace_file import MAX_TRACE_BYTES, read_trace, trace_bytes

SECRET, TOKEN = "canary-of-4711-letters", "0123456789abcdef" * 3


def taken(trace: CaptureTrace, page: PageTrace | None = None) -> Trace:
    return trace.taken(page or PageTrace(), Redactor([SECRET]).including(TOKEN))


def test_slices_of_one_stage_are_one_and_a_stage_that_fails_has_its_time() -> None:
    trace = CaptureTrace()
    for _ in range(3):
        with trace.stage("execute"):
            pass
    with pytest.raises(ValueError, match="no"), trace.stage("settle"):
        raise ValueError("no")
    stages = taken(trace).stages
    assert [(stage.name, stage.status) for stage in stages] == [("execute", ""), ("settle", "failed")]
    assert all(stage.duration is not None for stage in stages)


def test_what_goes_on_has_no_duration() -> None:
    trace = CaptureTrace()
    with trace.shot("s"), trace.step("step 1: click"):
        found = taken(trace)
    assert [(span.name, span.duration) for span in (*found.shots, *found.steps)] == [
        ("s", None),
        ("step 1: click", None),
    ]
    assert all(span.duration is not None for span in taken(trace).shots)


def test_of_much_the_last_is_kept() -> None:
    trace = CaptureTrace()
    for number in range(10_000):
        trace.request(number, "GET", f"http://127.0.0.1/{number}")
        trace.answered(number, "answered" if number % 2 else "failed")
        trace.error(f"error {number}")
        with trace.step(f"step {number}"), trace.stage(f"stage {number}"):
            pass
    found = taken(trace)
    assert found.requests[-1].name == "GET http://127.0.0.1/9999"
    assert [one.status for one in found.requests[-2:]] == ["failed", "answered"]
    assert found.console[-1].text == "error 9999"
    for part in (found.requests, found.console, found.steps, found.stages):
        assert len(part) <= 300
    assert len(trace_bytes(found)) < MAX_TRACE_BYTES


def test_neither_secrets_nor_the_token_are_in_it_and_no_part_of_one_at_a_cut() -> None:
    trace = CaptureTrace()
    trace.request(1, "GET", f"http://127.0.0.1/page?token={TOKEN}&key={SECRET}")
    trace.request(2, "GET", "http://127.0.0.1/" + "x" * 970 + SECRET)
    with trace.step(f"step 1: fill text='{SECRET}'"):
        pass
    messages = (
        TracedMessage(1.0, "shell/comm_msg", f'{{"value":"{SECRET}"}}', False),
        TracedMessage(1.0, "shell/comm_msg", '{"value":"' + SECRET[:12], True),
        TracedMessage(1.0, "shell/comm_msg", "it ends with " + SECRET[:1], False),
        TracedMessage(1.0, "iopub/execute_result", f'"Label(value={SECRET[:15]}…)", "{SECRET[8:]}"', False),
    )
    found = taken(trace, PageTrace((TracedCell(SECRET, 1.0, None, SECRET),), {SECRET: 1}, messages))
    assert found.messages[3].text == '"Label(value=***…)", "***"'
    for part in (SECRET, SECRET[:6], SECRET[-6:], TOKEN, TOKEN[:12]):
        assert part.encode() not in trace_bytes(found)
    assert found.messages[0].text == '{"value":"***"}'
    assert found.messages[2].text == "it ends with c"


@pytest.mark.unmeasured
def test_a_page_that_a_notebook_speaks_for_fills_no_disk(tmp_path: Path) -> None:
    much = PageTrace(
        tuple(TracedCell("c" * 10_000, 1e300, -5.0, "s" * 10_000) for _ in range(5_000)),
        {f"type {number}": 10**30 for number in range(5_000)},
        tuple(TracedMessage(-1e300, "t" * 10_000, "x" * 10_000, True) for _ in range(5_000)),
    )
    data = trace_bytes(taken(CaptureTrace(), much))
    assert len(data) < MAX_TRACE_BYTES
    (tmp_path / "t.json").write_bytes(data)
    read = read_trace(tmp_path, EntryTrace(path="t.json", sha256=sha256(data)))
    assert (len(read.cells), len(read.messages), len(read.counts)) == (1000, 50, 100)
    assert max(len(message.text) for message in read.messages) == 200


def test_of_a_long_text_the_begin_is_kept_without_the_begin_of_a_secret_that_goes_on_behind_it() -> None:
    page = PageTrace((TracedCell(SECRET * 50, 1.0, None, "ok"), TracedCell("a" * 500, 2.0, None, "ok")), {}, ())
    first, second = (span.name for span in taken(CaptureTrace(), page).cells)
    assert set(first) == {"*"}
    assert second == "a" * 100
