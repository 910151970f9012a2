"""The description of a shot, which becomes the sidecar of its baseline."""

from msgspec import UNSET

from builders import LAYOUT, baseline_of, picture, result_called, result_of
from widgetshot.baselines.sidecar import describe, encode_description


def test_the_sidecar_says_what_is_visible_and_where() -> None:
    assert describe(result_called("new")).layout == [str(element) for element in LAYOUT]
    assert describe(result_called("new")).layout == ["0,0 30x20 group", "  -4,3 5x3 button 'Run [1]'"]
    assert baseline_of(picture()).layout is None


def test_only_a_layout_that_was_cut_is_said_to_be() -> None:
    assert describe(result_called("new")).layout_cut is UNSET
    assert b"layout_cut" not in encode_description(describe(result_called("new")))
    assert describe(result_of("cut", picture(), layout_cut=True)).layout_cut is True


def test_only_characters_that_no_font_has_are_listed() -> None:
    assert b"missing_glyphs" not in encode_description(describe(result_called("new")))
    assert describe(result_of("boxes", picture(), missing_glyphs=("상", "\uf015"))).missing_glyphs == ["상", "\uf015"]
