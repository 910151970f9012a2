"""Characters that no font has are drawn as boxes: a picture with such says so before anybody approves it."""

import base64
import json
from io import BytesIO
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]

from projects import Project

WIDGETS = "import ipywidgets as widgets\n"
HTML = "from IPython.display import HTML\n"
SHOT = "#| shot: s\n"
SVG = '<svg width="90" height="30"><text y="20">그림</text></svg>'
ANYWIDGET = """
import anywidget
class W(anywidget.AnyWidget):
    _esm = '''export default {{ render({{ el }}) {{ {} }} }}'''
W()
"""
HIDDEN = (
    '<p>shown</p><p style="display:none">가</p><p style="visibility:hidden">나</p><p style="opacity:0">다</p>'
    '<p style="position:absolute;clip:rect(0,0,0,0)"><b>라</b></p><input type="password" value="마">'
    '<p style="position:absolute;left:-999px">바</p><select><option>a</option><option>사</option></select>'
    '<textarea placeholder="아">b</textarea><svg><title>자</title></svg><p class="secret">차</p><script>"카"</script>'
)
ICONS = '<i style="font:900 20px \'Font Awesome 5 Free\'">\\uf015</i><i class="fa fa-home"></i>'
# What Noto Sans, DejaVu and Noto Emoji have: letters and marks, typography, mathematics, arrows, boxes, emoji.
DRAWN = (
    "Grüße žluťoučký Ελληνικά Кириллица עברית العربية हिन्दी e\\u0301 x\\u0302 “…” – • € ™ ﬁ ½ ₂ ⁿ "
    "\\u2009\\u200b\\u00ad\\ufeff ∀∂∈ℝ∧∪≡∞ √∫ ≤ ⊗ 𝑥 ⟨⟩ ← → ↑ ↔ ⇒ ⟶ ─ │ █ ▲ ◆ □ ▯ ☐ ☑ ✓ ✗ ♥ ☃ "
    "❤\\ufe0f ⏱ ▶\\ufe0f 😀 🧪 👍🏽 👩\\u200d💻 🏳\\ufe0f\\u200d🌈 🇩🇪 1\\ufe0f\\u20e3"
)

# Name -> source, the beginning of the sentence, all that is missing.
NAMED = {
    "label": (WIDGETS + "widgets.Label('상태 실행 ไทย, 상태')", "no font has 상, 태, 실 and 4 more; ", "상태실행ไทย"),
    "field": (
        WIDGETS + "widgets.VBox([widgets.Text('값'), widgets.Text(placeholder='예')])",
        "no font has 값, 예; ",
        "값예",
    ),
    "options": (WIDGETS + "widgets.Select(options=['a', '둘'])", "no font has 둘; ", "둘"),
    "svg": (HTML + f"HTML('{SVG}')", "no font has 그, 림; ", "그림"),
    "shadow_root": (
        ANYWIDGET.format("el.attachShadow({ mode: 'open' }).innerHTML = '<p>그늘</p>'"),
        "no font has 그, 늘; ",
        "그늘",
    ),
    "parts_of_a_syllable": (WIDGETS + "widgets.Label('\\u1112\\u1161\\u11ab')", "no font has 한; ", "한"),
    "private_use": (HTML + "HTML('<p>\\uf015</p>')", "no font has U+F015; ", "\uf015"),
    "two_fonts": (
        HTML + "HTML('''<style>@font-face { font-family: Own; src: url({font}) }</style>"
        "<p style=\"font-family: Own\">상태</p>''')",
        "no font has 태; ",
        "태",
    ),
}
UNNAMED = {
    "drawn": WIDGETS + f"widgets.VBox([widgets.Label('{DRAWN}'), widgets.Text('{DRAWN}')])",
    "serif_and_code": HTML + f"HTML('<pre>{DRAWN}</pre><p style=\"font-family: serif\">{DRAWN}</p>')",
    "icons": WIDGETS + f"widgets.VBox([widgets.Button(icon='check'), widgets.HTML('''{ICONS}''')])",
    "formula": "from IPython.display import Math\nMath(r'\\sum_{i=0}^\\infty \\mathbb{R} \\to \\alpha')",
    "secret": ANYWIDGET.format("el.innerHTML = '<p>hello</p><p>' + '비밀' + '번호</p>'"),
    "hidden": HTML + f"HTML('''{HIDDEN}''')",
}
SYLLABLE = "상"


def font_of_one_syllable() -> bytes:
    """A font that has one syllable of Hangul, and nothing else."""
    outlines = {}
    for name, size in ((".notdef", 500), ("syllable", 800)):
        pen = TTGlyphPen(None)
        for step, to in ((pen.moveTo, (0, 0)), (pen.lineTo, (0, size)), (pen.lineTo, (size, 0))):
            step(to)
        pen.closePath()
        outlines[name] = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(list(outlines))
    font.setupCharacterMap({ord(SYLLABLE): "syllable"})
    font.setupGlyf(outlines)
    font.setupHorizontalMetrics({".notdef": (600, 0), "syllable": (900, 0)})
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": "Syllable", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=900, usWinAscent=900, usWinDescent=100)
    font.setupPost()
    data = BytesIO()
    font.save(data)
    return data.getvalue()


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    url = f"data:font/ttf;base64,{base64.b64encode(font_of_one_syllable()).decode()}"
    for name, (source, _, _) in NAMED.items():
        project.notebook(f"notebooks/{name}.ipynb", SHOT + source.replace("{font}", url))
    for name, source in UNNAMED.items():
        options = "#| shot: {name: s, mask: [{selector: .secret, reason: random}]}\n" if name == "hidden" else SHOT
        project.notebook(f"notebooks/{name}.ipynb", options + source)
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + 'secrets = ["PASSWORD"]\n', encoding="utf-8")
    project.environment["PASSWORD"] = "비밀번호"
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def sidecar(project: Project, name: str) -> dict[str, Any]:
    key = project.entry(f"notebooks/{name}.ipynb::s")["key"]
    return dict(json.loads((project.root / f"baselines/{key}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMED)
def test_characters_that_no_font_has_are_named_before_anybody_approves(ran: Project, name: str) -> None:
    _, sentence, missing = NAMED[name]
    entry = ran.entry(f"notebooks/{name}.ipynb::s")
    assert entry["verdict"] == "new"
    assert entry["sentence"].startswith(sentence)
    assert sidecar(ran, name)["missing_glyphs"] == list(missing)


@pytest.mark.parametrize("name", UNNAMED)
def test_what_is_drawn_or_can_not_be_seen_is_not_named(ran: Project, name: str) -> None:
    entry = ran.entry(f"notebooks/{name}.ipynb::s")
    assert entry["verdict"] == "new", entry["sentence"]
    assert "no font has" not in entry["sentence"]
    assert "missing_glyphs" not in sidecar(ran, name)


@pytest.fixture(scope="module")
def again(ran: Project) -> Project:
    """The project after a run of a notebook that was edited and of a new one, with a font that it had not before."""
    ran.notebook("notebooks/label.ipynb", SHOT + WIDGETS + "widgets.Label('상태 끝')")
    ran.notebook("notebooks/added.ipynb", SHOT + WIDGETS + "widgets.Label('상태')")
    (ran.root / "fonts").mkdir()
    (ran.root / "fonts/own.ttf").write_bytes(font_of_one_syllable())
    settings = ran.root / "pyproject.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + 'fonts = ["fonts/"]\n', encoding="utf-8")
    done = ran.widgetshot("run", "--report", "again", "notebooks/label.ipynb", "notebooks/added.ipynb")
    assert "no font has 끝;" in done.stdout
    return ran


def test_of_a_changed_picture_only_what_was_not_missing_before_is_named(again: Project) -> None:
    (entry,) = [test for test in again.report("again")["tests"] if test["notebook"] == "notebooks/label.ipynb"]
    assert entry["verdict"] in ("changed", "resized")
    assert "no font has 끝;" in entry["sentence"]


def test_fonts_of_the_project_add_what_they_have(again: Project) -> None:
    (entry,) = [test for test in again.report("again")["tests"] if test["notebook"] == "notebooks/added.ipynb"]
    assert entry["sentence"].startswith("no font has 태; ")
