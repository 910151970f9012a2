"""JSON documents of known types."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta, field

from widgetshot.documents import Document, JsonValue, convert, decode, encode, json_schema, parse_json, read
from widgetshot.errors import BaselineError, RecordError
from widgetshot.json_values import MAX_NODES, check_json, json_value


class Part(Document, frozen=True):
    """A part."""

    count: Annotated[int, Meta(ge=0, le=10, description="How many.")]
    timings: dict[str, Annotated[float, Meta(ge=0)]] = field(default_factory=dict)
    anything: JsonValue = None
    box: tuple[int, int] = (0, 0)


class Whole(Document, frozen=True):
    parts: list[Part] = field(default_factory=list)
    by_name: dict[str, Part] = field(default_factory=dict)


def refused(text: str | bytes, **options: Any) -> str:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(RecordError) as caught:
        decode(Whole, data, "run.json", next_step="widgetshot run", **options)
    assert (caught.value.where, caught.value.next_step) == ("run.json", "widgetshot run")
    return caught.value.what


def test_what_is_written_is_read() -> None:
    whole = Whole(parts=[Part(count=3, timings={"load": 0.5}, anything=[None, {"ü": 1}])])
    assert decode(Whole, encode(whole), "x", next_step="") == whole


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ('{"count": "x"}', "parts[1].count: expected int, got str"),
        ('{"count": -1}', "parts[1].count: expected int >= 0"),
        ('{"count": 1e999}', "parts[1].count: number out of range"),
        ('{"count": 1.5}', "parts[1].count: expected int, got float"),
        ('{"count": 99999999999999999999}', "parts[1].count: expected int <= 10"),
        ('{"count": 1, "anything": 1e999}', "parts[1].anything: number out of range"),
        ('{"count": 1, "more": 2}', "parts[1]: object contains unknown field more"),
        ("{}", "parts[1]: object missing required field count"),
        ("[]", "parts[1]: expected object, got array"),
        ('{"count": 1, "timings": {"a": 1, "b.[": "x", "c": 2}}', 'parts[1].timings["b.["]: expected float, got str'),
        ('{"count": 1, "box": [1]}', "parts[1].box: expected array of length 2"),
        ('{"count": NaN}', "is not JSON: NaN is no JSON number"),
        ('{"count": 1, "anything": "\\ud800"}', "is not JSON: it holds half a surrogate pair"),
        ('{"count": 1, "anything": ' + "[" * 100_000 + "]" * 100_000 + "}", "is nested too deeply"),
        ('{"count": 1, "anything": ' + "9" * 100_000 + "}", "parts[1].anything: integer value out of range"),
        ('{"count": 1,}', "is not JSON: Expecting property name enclosed in double quotes: line 1 column 38 (char 37)"),
    ],
)
def test_what_breaks_the_form_is_named_with_its_place(part: str, expected: str) -> None:
    assert refused(f'{{"parts": [{{"count": 1}}, {part}]}}') == expected


def test_names_of_members_are_part_of_the_place() -> None:
    text = '{"by_name": {"a": {"count": 1}, "b": {"count": 1, "timings": {"x": 1, "y": -1}}}}'
    assert refused(text) == 'by_name["b"].timings["y"]: expected float >= 0.0'


def test_what_is_no_json_is_refused() -> None:
    assert refused(b'{"by_name": {"\xff": 1}}').startswith("is not JSON: 'utf-8' codec can't decode byte 0xff")
    assert refused("").startswith("is not JSON: Expecting value")
    assert refused("3") == "expected object, got int"


def test_a_member_that_is_there_twice_is_refused_where_that_matters() -> None:
    text = '{"parts": [{"count": 1, "count": 2}]}'
    assert decode(Whole, text.encode(), "x", next_step="").parts[0].count == 2
    assert refused(text, unique=True) == 'the member "count" is there twice'


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    assert refused(b" " * 101, max_bytes=100) == "is larger than 100 bytes"
    file = tmp_path / "x.json"
    file.write_bytes(b"{}")
    assert read(Whole, file, next_step="", max_bytes=2) == Whole()
    with pytest.raises(BaselineError, match="larger than 1 bytes"):
        read(Whole, file, next_step="", max_bytes=1, error=BaselineError)
    with pytest.raises(RecordError, match="can't be read: Is a directory"):
        read(Whole, tmp_path, next_step="")
    with pytest.raises(FileNotFoundError):
        read(Whole, tmp_path / "none", next_step="")


def test_half_a_surrogate_pair_is_written_as_a_replacement_character() -> None:
    assert json.loads(encode({"a\ud83d": ["\ude00", 1]})) == {"a\ufffd": ["\ufffd", 1]}


def test_any_value_becomes_one_within_the_limits() -> None:
    deep: Any = []
    for _ in range(1_000):
        deep = [deep]
    value = {
        "numbers": [math.nan, math.inf, -math.inf, 1.5, 10**30, True, None],
        "text": "x" * 30,
        "set": {1},
        "deep": deep,
        "many": [0] * 200_000,
    }
    assert check_json(value) != ""
    plain = json_value(value, max_text=20)
    assert check_json(plain) == ""
    assert plain["numbers"] == ["NaN", "Infinity", "-Infinity", 1.5, "1000000000000000000…", True, None]
    assert (plain["text"], plain["set"], plain["many"]) == ("x" * 19 + "…", "{1}", "(200,000 values)")
    assert json.loads(encode(plain)) == plain
    assert json_value({"a": [1, {"b": "c"}]}) == {"a": [1, {"b": "c"}]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([0] * (MAX_NODES + 1), "values"),
        ({"a": "x" * 1_000_001}, "text of at most"),
        ({"x" * 1_000_001: 1}, "names of at most"),
        (2**64, "numbers below"),
        (json.loads("[" * 40 + "]" * 40), "levels"),
        ([{"a": [1.5, None, "x"]}], ""),
    ],
)
def test_values_of_unknown_form_are_bounded(value: Any, expected: str) -> None:
    assert expected in check_json(value)
    assert bool(expected) == bool(check_json(value))


def test_a_schema_says_what_is_read() -> None:
    schema = json_schema(Whole, "A whole")
    assert (schema["$schema"], schema["title"]) == ("http://json-schema.org/draft-07/schema#", "A whole")
    part = schema["$defs"]["Part"]
    assert (part["description"], part["additionalProperties"], part["required"]) == ("A part.", False, ["count"])
    assert part["properties"]["count"] == {"type": "integer", "minimum": 0, "maximum": 10, "description": "How many."}
    assert part["properties"]["box"]["items"] == [{"type": "integer"}, {"type": "integer"}]
    assert part["properties"]["box"]["additionalItems"] is False


def test_json_that_was_read_elsewhere_is_held_to_the_same_form() -> None:
    value = parse_json(b'{"parts": [{"count": 1, "anything": "\\ud800"}]}')
    assert convert(Whole, value, "x", next_step="") == Whole(parts=[Part(count=1, anything="\ud800")])
    value["parts"][0]["timings"] = {"load": "long"}
    with pytest.raises(BaselineError) as caught:
        convert(Whole, value, "x.json", next_step="widgetshot run", error=BaselineError)
    assert caught.value.what == 'parts[0].timings["load"]: expected float, got str'
    assert (caught.value.where, caught.value.next_step) == ("x.json", "widgetshot run")


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1e999]", "\ufeff{}", "[" * 100_000, '"\udcff"'])
def test_what_is_no_json_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text.encode("utf-8", "surrogateescape"))
