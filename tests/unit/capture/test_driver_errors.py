"""What is told of Playwright's errors."""

import pytest
from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.driver_errors import capture_errors, first_line
from widgetshot.capture.events import PageLog
from widgetshot.errors import CaptureError
from widgetshot.redact import Redactor

SECRET, TOKEN = "canary/of+4711=letters", "0123456789abcdef" * 3
REDACTOR = Redactor([SECRET]).including(TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        "Page.goto: net::ERR_ABORTED at http://127.0.0.1:1/widgetshot/anchor?token={token}",
        "WebSocket ws://127.0.0.1:1/api/kernels/1/channels?session_id=2&token={token} failed",
        "Page.goto: net::ERR_ABORTED at http://127.0.0.1:1/?next=%2F%3Ftoken%3D{token}",
        "the header was 'token {token}', the key canary%2Fof%2B4711%3Dletters",
    ],
)
def test_neither_the_token_nor_a_secret_is_told_however_they_stand_there(text: str) -> None:
    error = PlaywrightError(text.format(token=TOKEN) + "\nCall log:\n  - navigating")
    for said in (first_line(error, REDACTOR), str(told(error))):
        assert TOKEN not in said
        assert "4711" not in said
        assert "***" in said
        assert "Call log" not in said


def test_what_is_called_a_token_elsewhere_is_told() -> None:
    text = "Page.goto: net::ERR_FAILED at https://example.org/?token=of-the-notebook"
    assert first_line(PlaywrightError(text), REDACTOR) == text


def told(error: PlaywrightError) -> CaptureError:
    with pytest.raises(CaptureError) as raised, capture_errors("the page did not load", PageLog(REDACTOR)):
        raise error
    return raised.value
