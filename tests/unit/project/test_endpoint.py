"""The address of a browser elsewhere: what it may be, where it is said, and that its token is told nowhere."""

from pathlib import Path

import pytest

from widgetshot.errors import ConfigError
from widgetshot.project.endpoint import VARIABLE, is_cdp, page_of, parse_endpoint, place_of, secrets_of, token_of
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import THIS_PLATFORM
from widgetshot.run.hosts import Hosts, expected_renderer
from widgetshot.values import BadValue

TOKEN = "a-token-of-some-length"
OTHER_PLATFORM = "macos" if THIS_PLATFORM != "macos" else "linux"


@pytest.mark.parametrize(
    "address",
    ["", f"ws://127.0.0.1:4444/{TOKEN}", f"wss://browsers.example/team/{TOKEN}", f"ws://[fd00::2]:4444/{TOKEN}"],
)
def test_an_address_is_taken_as_it_is(address: str) -> None:
    assert parse_endpoint(f" {address}\n") == address


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("http://127.0.0.1:9222", ()),
        ("https://[fd00::2]:9222/", ()),
        (f"http://grid:3000?token={TOKEN}&timeout=60000&stealth=true", (TOKEN,)),
        ("http://h/?token=one%20secret+word", ("one%20secret+word", "one secret word")),
        (f"ws://h:9222/devtools/browser/{TOKEN}?key={TOKEN}-2", (TOKEN, f"{TOKEN}-2")),
    ],
)
def test_an_address_of_devtools_is_one_and_what_is_asked_besides_is_secret(
    address: str, secrets: tuple[str, ...], tmp_path: Path
) -> None:
    assert parse_endpoint(address) == address
    assert is_cdp(address)
    assert secrets_of(address) == secrets
    settings = load_settings(tmp_path, {"browser_endpoint": address})
    shown = settings.redactor.text(f"{address} {place_of(address)}")
    assert not any(secret in shown for secret in secrets)
    assert shown.endswith(place_of(address))


def test_a_scheme_may_be_written_large() -> None:
    # Else the token would be asked for without TLS.
    assert parse_endpoint(f"WSS://Browsers.Example/{TOKEN}") == f"wss://Browsers.Example/{TOKEN}"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"ftp://127.0.0.1:4444/{TOKEN}", r"must be ws://HOST:PORT/TOKEN \(or wss://\).*, not ftp://\.\.\.$"),
        (f"http://127.0.0.1:4444/{TOKEN}", "and nothing besides"),
        (f"http://me:secret-of-mine@h:1/?token={TOKEN}", "and nothing besides"),
        (f"http://h:1/?token={TOKEN}#x", "and nothing besides"),
        (f"http://h:1/?token={TOKEN}&key=short", "has at least 8 characters, or is a number"),
        ("http://h:1/?api_key=1234", "has at least 8 characters, or is a number"),
        (f"http://h:1/?{TOKEN}", "has at least 8 characters, or is a number"),
        (f"127.0.0.1:4444/{TOKEN}", "not something else"),
        (f"ws://:4444/{TOKEN}", "and nothing besides"),
        (f"ws://me:secret-of-mine@h:1/{TOKEN}", "and nothing besides"),
        (f"ws://h:1/{TOKEN}?launch-options=x", "and nothing besides"),
        ("ws://h:1/short", "has at least 16"),
        (f"ws://h:1/{TOKEN}/", "has at least 16"),
        (f"ws://h:1/{TOKEN}%41", "has at least 16"),
        (f"ws://h:99999/{TOKEN}", "host or port is not valid"),
        (f"ws://[::/{TOKEN}", "host or port is not valid"),
    ],
)
def test_what_is_no_address_is_refused_without_its_token(address: str, says: str) -> None:
    with pytest.raises(BadValue, match=says) as raised:
        parse_endpoint(address)
    assert not any(word in str(raised.value) for word in (TOKEN, "secret-of-mine", "short"))


def test_parts_of_an_address() -> None:
    address = f"wss://browsers.example:1/team/{TOKEN}"
    assert not is_cdp(address)
    assert secrets_of(address) == (TOKEN,)
    assert secrets_of("") == ()
    assert token_of(address) == TOKEN
    assert place_of(address) == "browsers.example:1"
    assert page_of(address, "renderer") == f"https://browsers.example:1/team/{TOKEN}/renderer"
    assert page_of(f"ws://h/{TOKEN}", "x") == f"http://h/{TOKEN}/x"


def test_the_flag_comes_before_the_variable_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def address(name: str) -> str:
        return f"ws://{name}:1/{TOKEN}-{name}"

    (tmp_path / "pyproject.toml").write_text(f'[tool.widgetshot]\nbrowser_endpoint = "{address("file")}"\n')
    monkeypatch.delenv(VARIABLE, raising=False)
    assert load_settings(tmp_path).browser_endpoint == address("file")
    monkeypatch.setenv(VARIABLE, address("variable"))
    settings = load_settings(tmp_path)
    assert settings.browser_endpoint == address("variable")
    assert settings.redactor.text(f"{settings.browser_endpoint}!") == "ws://variable:1/***!"
    assert TOKEN not in repr(settings)
    assert load_settings(tmp_path, {"browser_endpoint": address("flag")}).browser_endpoint == address("flag")
    here = load_settings(tmp_path, {"browser_endpoint": ""})
    assert here.browser_endpoint == ""
    assert not here.redactor
    monkeypatch.setenv(VARIABLE, f"http://h/{TOKEN}")
    with pytest.raises(ConfigError, match=rf"^{VARIABLE}: must be ws://") as raised:
        load_settings(tmp_path)
    assert TOKEN not in str(raised.value)
    # A flag is all that counts then.
    assert load_settings(tmp_path, {"browser_endpoint": address("flag")}).browser_endpoint == address("flag")


def test_no_kernel_gets_an_address_from_the_file_of_variables(tmp_path: Path) -> None:
    (tmp_path / ".env.test").write_text(f"{VARIABLE}=ws://h:1/{TOKEN}\nOTHER=1\n")
    assert load_settings(tmp_path).variables == {"OTHER": "1"}


def test_a_platform_is_that_of_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    file = tmp_path / "pyproject.toml"
    file.write_text(f'[tool.widgetshot]\nplatform = "{OTHER_PLATFORM}"\n')
    # Commands that draw nothing need no endpoint.
    here = load_settings(tmp_path)
    assert here.environment() == f"page-chromium-{OTHER_PLATFORM}"
    for draws in (lambda: expected_renderer(here), Hosts(here).find_browser):
        with pytest.raises(ConfigError, match="is the platform of a browser elsewhere, and none is named"):
            draws()
    elsewhere = load_settings(tmp_path, {"browser_endpoint": f"ws://h:1/{TOKEN}"})
    assert elsewhere.environment() == f"page-chromium-{OTHER_PLATFORM}"
    assert not elsewhere.installed_fonts
    # The same file is right on the machine whose platform it names.
    file.write_text(f'[tool.widgetshot]\nplatform = "{THIS_PLATFORM}"\n')
    assert load_settings(tmp_path).environment() == f"page-chromium-{THIS_PLATFORM}"
