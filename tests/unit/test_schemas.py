"""The JSON Schemas in docs/reference."""

import json
from pathlib import Path

import jsonschema
import pytest

from builders import VERDICTS, result_called
from run_folders import finish, writer
from widgetshot.schemas import DOCUMENTS, main, schema_texts

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_that_of_the_types(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == schema_texts()[name], "make reference"


def test_every_schema_is_made_from_types(tmp_path: Path) -> None:
    main(str(tmp_path))
    assert {file.name for file in REFERENCE.glob("*.schema.json")} == {file.name for file in tmp_path.iterdir()}


def test_the_schema_of_a_run_holds_for_one_that_was_written_and_for_none_of_another_form(tmp_path: Path) -> None:
    validator = jsonschema.Draft7Validator(json.loads((REFERENCE / "run.schema.json").read_text(encoding="utf-8")))
    validator.check_schema(validator.schema)
    finish(writer(tmp_path / "report"), *map(result_called, VERDICTS))
    run = json.loads((tmp_path / "report" / "run.json").read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(run)] == []
    run["tests"][0]["metrics"]["regions"] = [[1, 2, 3]]
    run["tests"][1] |= {"verdict": "fine", "key": "a/.b", "more": 1}
    assert {tuple(error.path) for error in validator.iter_errors(run)} == {
        ("tests", 0, "metrics", "regions", 0), ("tests", 1, "verdict"), ("tests", 1, "key"), ("tests", 1),
    }  # fmt: skip
