"""The beginning and the digest of a long text in a sidecar, as the live page writes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from widgetshot.shortened_text import ShortenedText, find_shortened

# The live page's own tests hold it to the same file.
EXAMPLES = json.loads((Path(__file__).parents[2] / "js/tests/live/shortened-texts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["digest"])
def test_what_the_live_page_writes_is_read(example: dict[str, Any]) -> None:
    assert find_shortened(example["shortened"]) == ShortenedText(
        example["beginning"], example["length"], example["digest"]
    )
    assert find_shortened(example["text"]) is None


def test_a_shortened_text_is_found_within_the_json_of_a_value() -> None:
    value = json.dumps([1, f"{'x' * 400}... (1001 characters, digest 0a1b2c3d)"])
    assert find_shortened(value) == ShortenedText(f'[1, "{"x" * 400}', 1001, "0a1b2c3d")


@pytest.mark.parametrize("text", ["", "and so on...", "x (900 characters, digest 0a1b2c3d)", "x... (3 bytes)"])
def test_other_texts_are_not_taken_for_shortened_ones(text: str) -> None:
    assert find_shortened(text) is None
