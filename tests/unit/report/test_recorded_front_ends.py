"""What differs between front ends that have drawn real cells: pictures and elements as runs have recorded them."""

from pathlib import Path

import pytest

from widgetshot.files import read_png, sha256
from widgetshot.report.elements_file import read_elements
from widgetshot.report.entry_json import EntryElements
from widgetshot.verdict.front_ends import FrontEndPicture, compare_front_ends

FOLDER = Path(__file__).with_name("recorded_front_ends")


def recorded(frontend: str, shot: str) -> FrontEndPicture:
    name = f"{frontend}-{shot}"
    entry = EntryElements(path=f"{name}.json", sha256=sha256((FOLDER / f"{name}.json").read_bytes()))
    elements, cut = read_elements(FOLDER, entry)
    return FrontEndPicture(frontend, read_png((FOLDER / f"{name}.png").read_bytes()), (), elements, cut)


@pytest.mark.parametrize(
    ("shot", "frontends", "sentence"),
    [
        # nbconvert writes prompts, which JupyterLab hides where there is no room; the table itself is the same.
        ("table", ("page", "static"), "in page text 'Out[6]:' is missing"),
        # Voila's margin is wider, and the widgets are the same to the pixel.
        (
            "fields", ("page", "voila"),
            "in voila the picture is 12 px wider and 2 px higher; "
            "in voila everything is 5 px farther right and 5 px farther down",
        ),
    ],
)  # fmt: skip
def test_the_cause_is_told(shot: str, frontends: tuple[str, str], sentence: str) -> None:
    found = compare_front_ends(*(recorded(frontend, shot) for frontend in frontends))
    assert found.sentence == sentence


def test_only_the_prompt_is_marked_where_a_table_stands_farther_right() -> None:
    found = compare_front_ends(recorded("page", "table"), recorded("static", "table"))
    assert found.comparison is not None
    assert found.places == ((76, 0), (0, 5))
    (region,) = found.comparison.regions
    assert region.x + region.width < 76


def test_two_front_ends_with_the_same_widgets_leave_no_pixel_of_difference() -> None:
    found = compare_front_ends(recorded("page", "fields"), recorded("voila", "fields"))
    assert found.comparison is not None
    assert found.comparison.changed == 0
