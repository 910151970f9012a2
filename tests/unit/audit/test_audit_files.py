"""How files and notebooks are found and read, and what the command prints."""

import json
from pathlib import Path

import pytest

from projects import Project
from widgetshot.audit.files import find_files
from widgetshot.audit.scan import audit
from widgetshot.audit.table import table

ROOT = Path(__file__).parents[3]


# -- files


def test_notebooks_cells_share_their_names_and_magics_are_read_as_ipython_does(project: Project) -> None:
    file = project.notebook(
        "tests/x.ipynb",
        "%pip install x\nfrom unittest.mock import patch, Mock\n!ls {patch}",
        "\n\n%matplotlib inline\nwith patch('redis.Redis'):\n    await run()",
        "%%time\n%%capture\nclient = Mock()",
        "%%bash\npatch -p1 < x; Mock()",
        "%time other = 1\n%time Mock()\nfiles = !ls\nMock?",
        "def broken(:",
        "patch('a.b')",
    )
    result = audit([file], lambda path: path.name)
    assert [(one.place, one.replaces) for one in result.counted] == [
        ("x.ipynb::cell-1:4", "redis.Redis"),
        ("x.ipynb::cell-2:3", "client"),
        ("x.ipynb::cell-4:2", "an object in the module"),
        ("x.ipynb::cell-6:1", "a.b"),
    ]
    assert [place for place, _ in result.unread] == ["x.ipynb::cell-5:1"]


def test_a_notebook_of_another_language_is_reported(project: Project) -> None:
    file = project.notebook("x.ipynb", "x <- patch('a')", language_info={"name": "R"})
    result = audit([file], lambda path: path.name)
    assert (result.findings, result.unread) == ((), (("x.ipynb", "its language is R"),))


def test_names_are_followed_into_the_project_s_own_modules_and_conftests(tmp_path: Path) -> None:
    for name, text in {
        "conftest.py": "import pytest\nfrom tests.compat import mock\n@pytest.fixture\ndef swap():\n  yield mock.patch",
        "tests/__init__.py": "",
        "tests/compat.py": "try:\n    from unittest import mock\nexcept ImportError:\n    import mock\n",
        "tests/test_relative.py": "from .compat import mock as m\nm.patch('a.b')\n",
        "tests/test_absolute.py": "from tests.compat import *\ndef test(swap):\n    mock.patch('c.d')\n    swap('e.f')",
        "tests/responses.py": "def add(*words): ...\n",
        "tests/test_own.py": "import responses\nresponses.add('http://x')\n",
        "tests/test_loop.py": "from .test_loop_too import x\nx.patch('a')\n",
        "tests/test_loop_too.py": "from .test_loop import x\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = audit(find_files(tmp_path, [str(tmp_path)]), lambda path: path.relative_to(tmp_path).as_posix())
    assert [(one.place, str(one.kind), one.replaces) for one in result.findings] == [
        ("tests/compat.py:2", "import", "unittest.mock"),
        ("tests/test_absolute.py:3", "patch", "c.d"),
        ("tests/test_absolute.py:4", "patch", "e.f"),
        ("tests/test_relative.py:2", "patch", "a.b"),
    ]


def test_without_paths_tests_and_notebooks_are_found_by_their_names(tmp_path: Path) -> None:
    for name in [
        "test_a.py", "b_test.py", "conftest.py", "app.py", "tests/helpers.py", "src/tests/x.py", "notebooks/n.ipynb",
        ".hidden/test_b.py", "node_modules/test_c.py", "own-env/test_d.py", "own-env/pyvenv.cfg", "tests/data.txt",
    ]:  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {file.relative_to(tmp_path).as_posix() for file in find_files(tmp_path, [])}
    assert found == {
        "test_a.py", "b_test.py", "conftest.py", "tests/helpers.py", "src/tests/x.py", "notebooks/n.ipynb",
    }  # fmt: skip
    assert tmp_path / "app.py" in find_files(tmp_path, [str(tmp_path)])


@pytest.mark.parametrize("content", [b"print 'two'\n", b"\xff\xfe\x00", b"x = 'a\x00b'\n", b"(" * 5000, b"def f(:\n"])
def test_a_file_that_does_not_parse_is_reported_and_does_not_sink_the_rest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.py").write_bytes(content)
    (tmp_path / "good.py").write_text("# coding: latin-1\nfrom mock import Mock\nMock()\n", encoding="latin-1")
    result = audit([tmp_path / "bad.py", tmp_path / "good.py"], lambda path: path.name)
    assert [place.partition(":")[0] for place, _ in result.unread] == ["bad.py"]
    assert [one.place for one in result.findings] == ["good.py:3"]
    assert not audit([tmp_path / "bad.py"]).clean


# -- the command


def test_the_command_prints_a_table_and_json_and_says_by_its_exit_code_what_it_found(project: Project) -> None:
    project.write("tests/test_a.py", "def test(monkeypatch):\n    monkeypatch.setenv('A', '1')\n")
    clean = project.widgetshot("audit", "tests")
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == "1 file read, no mocks found\nnot counted as mocks: 1 environment\n"

    project.write(
        "tests/test_b.py", "from unittest.mock import patch\n\n@patch('paramiko.SSHClient')\ndef test(c): ...\n"
    )
    project.write("tests/test_c.py", "def broken(:\n")
    mocked = project.widgetshot("audit")
    assert mocked.returncode == 1
    assert mocked.stdout.splitlines() == [
        "place              how    replaces            for real",
        "tests/test_b.py:3  patch  paramiko.SSHClient  real_sshd in a test, services: [sshd] in a notebook",
        "",
        "3 files read, 1 found in 1 of them: 1 patch",
        "services that could take their place: 1 sshd",
        "not counted as mocks: 1 environment",
        "1 could not be read, see above",
    ]
    assert mocked.stderr.startswith("✗ tests/test_c.py:1: no Python that can be parsed: ")

    machine = project.widgetshot("audit", "--output", "json", "tests")
    document = json.loads(machine.stdout)
    assert machine.returncode == 1
    assert (document["format"], document["files"], document["count"], document["kinds"], document["services"]) == (
        1, 3, 1, {"patch": 1}, {"sshd": 1},
    )  # fmt: skip
    assert document["findings"] == [
        {
            "path": "tests/test_b.py", "line": 3, "column": 1, "cell": "", "kind": "patch", "by": "unittest.mock.patch",
            "replaces": "paramiko.SSHClient", "service": "sshd",
            "for_real": "real_sshd in a test, services: [sshd] in a notebook",
        }
    ]  # fmt: skip
    assert [one["kind"] for one in document["not_counted"]] == ["environment"]
    assert [one["place"] for one in document["unread"]] == ["tests/test_c.py:1"]


def test_a_wrong_path_is_a_configuration_error(project: Project) -> None:
    project.write("data.txt", "x")
    for path, what in {"nowhere": "does not exist", "data.txt": "is neither Python nor a notebook"}.items():
        done = project.widgetshot("audit", path)
        assert done.returncode == 3
        assert f"{path} {what}\n  next: widgetshot audit tests notebooks" in done.stderr


def test_what_a_file_says_can_not_pass_for_a_line_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text("from mock import patch\npatch('a\\n\\x1b[2Kno mocks found')\n", encoding="utf-8")
    assert "\x1b" not in "".join(lines := table(audit([file])))
    assert len(lines) == 4
