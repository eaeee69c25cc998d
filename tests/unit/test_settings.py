"""Environment over profile over default; bad values are named with where they came from."""

import os
from pathlib import Path

import pytest

from runwright.credentials import credentials_file, keep_key, key_for
from runwright.errors import ConfigurationError
from runwright.local_server import LocalServer, announce_server, local_server, withdraw_server
from runwright.settings import (
    load_settings,
    load_with_sources,
    parse,
    profiles_file,
    resolve_api,
    unknown_variables,
)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"RUNWRIGHT_HOME": str(tmp_path)}


def write_profiles(env: dict[str, str], text: str) -> None:
    profiles_file(Path(env["RUNWRIGHT_HOME"])).write_text(text)


def test_the_environment_overrules_the_profile_and_that_the_default(env: dict[str, str]) -> None:
    write_profiles(env, '[profiles.default]\nlog_level = "DEBUG"\nserver_port = 1234\n')
    settings, sources = load_with_sources(env | {"RUNWRIGHT_SERVER_PORT": "99"})
    assert (settings.server_port, sources["server_port"]) == (99, "environment")
    assert (settings.log_level, sources["log_level"]) == ("DEBUG", "profile")
    assert (settings.lease_seconds, sources["lease_seconds"]) == (30.0, "default")


def test_paths_that_were_not_given_are_below_the_home(env: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings(env)
    assert settings.results_path == tmp_path / "results"
    assert settings.database_url == f"sqlite:///{tmp_path}/runwright.db"


def test_a_relative_home_stays_where_it_was_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNWRIGHT_HOME", "state")
    monkeypatch.setenv("RUNWRIGHT_RESULTS_PATH", "kept")
    before = load_settings()
    assert before.home == tmp_path / "state"
    assert before.results_path == tmp_path / "kept"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_settings().home == before.home
    assert os.environ["RUNWRIGHT_HOME"] == str(before.home)  # also for its children


def test_lists_and_truth_values_are_read_from_text(env: dict[str, str]) -> None:
    given = {"RUNWRIGHT_LOG_EXTRA_LOGGERS": "a, b.c", "RUNWRIGHT_PERSIST_RESULTS": "true"}
    settings = load_settings(env | given)
    assert settings.log_extra_loggers == ["a", "b.c"]
    assert settings.persist_results is True


def test_an_empty_variable_is_none(env: dict[str, str]) -> None:
    assert load_settings(env | {"RUNWRIGHT_API_URL": " "}).api_url is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RUNWRIGHT_SERVER_PORT", "many"),
        ("RUNWRIGHT_SERVER_PORT", "70000"),
        ("RUNWRIGHT_LEASE_SECONDS", "-1"),
        ("RUNWRIGHT_TLS_VERIFY", "perhaps"),
    ],
)
def test_a_bad_value_is_named(env: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} is '{value}'"):
        load_settings(env | {variable: value})


def test_a_url_needs_its_scheme(env: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="begin with http"):
        load_settings(env | {"RUNWRIGHT_API_URL": "localhost:4300/api"})


def test_a_lease_longer_than_the_tolerated_outage_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="outage_tolerance"):
        load_settings(env | {"RUNWRIGHT_OUTAGE_TOLERANCE": "5"})


def test_an_unknown_profile_is_named_with_those_there_are(env: dict[str, str]) -> None:
    write_profiles(env, "[profiles.work]\n")
    with pytest.raises(ConfigurationError, match=r"nope.*Profiles: work.*profile create nope"):
        load_settings(env | {"RUNWRIGHT_PROFILE": "nope"})


def test_the_default_profile_needs_no_file(env: dict[str, str]) -> None:
    assert load_settings(env | {"RUNWRIGHT_PROFILE": "default"}).profile == "default"


def test_a_broken_profile_file_is_told(env: dict[str, str]) -> None:
    write_profiles(env, "[profiles")
    with pytest.raises(ConfigurationError, match=r"profiles\.toml cannot be read"):
        load_settings(env)


def test_an_unknown_field_of_a_profile_is_told(env: dict[str, str]) -> None:
    write_profiles(env, "[profiles.default]\nlog_levle = 3\n")
    with pytest.raises(ConfigurationError, match="log_levle"):
        load_settings(env)


def test_misspelt_variables_are_found_and_internal_ones_are_not(env: dict[str, str]) -> None:
    given = env | {"RUNWRIGHT_LOG_LEVLE": "x", "RUNWRIGHT_EXECUTION": "{}", "PATH": "/"}
    assert unknown_variables(given) == ["RUNWRIGHT_LOG_LEVLE"]


def test_a_kept_key_belongs_to_one_server_and_to_its_owner(
    env: dict[str, str], tmp_path: Path
) -> None:
    keep_key(tmp_path, "http://one/api/", "rwk_1")
    keep_key(tmp_path, "http://two/api", "rwk_2")
    assert load_settings(env | {"RUNWRIGHT_API_URL": "http://one/api"}).api_key == "rwk_1"
    assert credentials_file(tmp_path).stat().st_mode & 0o777 == 0o600
    keep_key(tmp_path, "http://one/api", None)
    assert key_for(tmp_path, "http://one/api") is None
    assert key_for(tmp_path, "http://two/api") == "rwk_2"


def test_the_configured_server_comes_before_the_local_one(
    env: dict[str, str], tmp_path: Path
) -> None:
    assert resolve_api(load_settings(env)) is None
    announce_server(tmp_path, LocalServer(url="http://here/api", pid=os.getpid()))
    keep_key(tmp_path, "http://here/api", "rwk_here")
    assert resolve_api(load_settings(env)) == ("http://here/api", "rwk_here")
    configured = load_settings(env | {"RUNWRIGHT_API_URL": "http://there/api/"})
    assert resolve_api(configured) == ("http://there/api", None)


def test_a_later_process_of_the_same_id_is_not_the_server(tmp_path: Path) -> None:
    announce_server(tmp_path, LocalServer(url="http://here/api", pid=os.getpid()))
    found = local_server(tmp_path)
    assert found is not None
    if found.birth is None:
        pytest.skip("this system does not tell when a process began")
    file = tmp_path / "server.json"
    file.write_text(file.read_text().replace(f'"{found.birth}"', '"1"'))
    assert local_server(tmp_path) is None


def test_only_the_own_announcement_is_withdrawn(tmp_path: Path) -> None:
    announce_server(tmp_path, LocalServer(url="http://here/api", pid=os.getpid()))
    withdraw_server(tmp_path, os.getpid() + 1)
    assert local_server(tmp_path) is not None
    withdraw_server(tmp_path, os.getpid())
    assert local_server(tmp_path) is None


@pytest.mark.parametrize(
    ("given", "level"), [("debug", "DEBUG"), ("INFO", "INFO"), ("15", "15"), ("LOUD", None)]
)
def test_a_level_of_logging_is_one_that_there_is(given, level):
    values = {"home": "/tmp/nowhere", "log_level": given}
    if level is None:
        with pytest.raises(ConfigurationError, match="log_level is 'LOUD': give one of DEBUG"):
            parse(values)
    else:
        assert parse(values).log_level == level
