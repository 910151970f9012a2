"""The JSON Schemas in docs/reference."""

from pathlib import Path

import pytest

from widgetshot.schemas import DOCUMENTS, main, schema_texts

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_that_of_the_types(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == schema_texts()[name], "make schemas"


def test_every_schema_is_made_from_types(tmp_path: Path) -> None:
    main(str(tmp_path))
    assert {file.name for file in REFERENCE.glob("*.schema.json")} == {file.name for file in tmp_path.iterdir()}
