"""The unit of a worker takes along what the worker would have here, or there is no unit."""

import os
import pwd
import re
import shlex
from pathlib import Path

import pytest

from runwright.cli import service_environment as service_module
from runwright.cli.service_environment import TAKEN, service_environment
from runwright.cli.worker_service import install
from runwright.errors import ConfigurationError
from runwright.settings import Settings

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def env(tmp_path):
    policy, ca = tmp_path / "policy.toml", tmp_path / "ca.pem"
    policy.write_text('[process]\ncommands = []\n[docker]\nimages = ["mine/*"]\n')
    ca.write_text("a certificate")
    return {
        "RUNWRIGHT_HOME": str(tmp_path / "home"),
        "RUNWRIGHT_API_URL": "https://rw.example/api",
        "RUNWRIGHT_API_KEY": "rwk_worker_a_b",
        "RUNWRIGHT_WORKER_POLICY": str(policy),
        "RUNWRIGHT_TLS_CA_FILE": str(ca),
        "RUNWRIGHT_WORKER_GRACE": "120",
        "RUNWRIGHT_LOG_EXTRA_LOGGERS": "a,b",
        "RUNWRIGHT_SERVER_PORT": "1",
        "HTTPS_PROXY": "http://user:pa ss$x@proxy:1",
        "SSL_CERT_FILE": str(ca),
        "UNRELATED": "stays here",
    }


def variables(text):
    lines = [line.partition("=") for line in text.splitlines()]
    return {name: "".join(shlex.split(value)) for name, _, value in lines}


@pytest.mark.parametrize("kind", ["process", "docker"])
def test_what_is_set_here_goes_along(env, kind):
    given = variables(service_environment(kind, ME, env))
    left = {"RUNWRIGHT_SERVER_PORT", "UNRELATED", "RUNWRIGHT_HOME"}
    expected = {name: value for name, value in env.items() if name not in left}
    assert given == expected | {
        "RUNWRIGHT_HOME": "/var/lib/runwright",
        "RUNWRIGHT_WORKER_GRACE": "120.0",
    }


def test_settings_of_the_profile_go_along_too_and_paths_are_whole(env, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Path(env["RUNWRIGHT_HOME"])
    home.mkdir()
    (home / "profiles.toml").write_text("[profiles.default]\ncancel_grace = 7\n")
    given = variables(
        service_environment("process", ME, env | {"RUNWRIGHT_WORKER_POLICY": "policy.toml"})
    )
    assert given["RUNWRIGHT_CANCEL_GRACE"] == "7.0"
    assert given["RUNWRIGHT_WORKER_POLICY"] == env["RUNWRIGHT_WORKER_POLICY"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"RUNWRIGHT_WORKER_POLICY": "/no/such/policy.toml"}, "does not exist"),
        ({"RUNWRIGHT_TLS_CA_FILE": "/no/such/ca.pem"}, "does not exist"),
        ({"SSL_CERT_FILE": "/no/such/ca.pem"}, "does not exist"),
        ({"HTTPS_PROXY": "a\nEVIL=1"}, "line break"),
        ({"RUNWRIGHT_API_URL": ""}, "Which server"),
    ],
)
def test_what_could_not_be_used_is_refused(env, change, said):
    with pytest.raises(ConfigurationError, match=said):
        service_environment("process", ME, env | change)


def test_a_policy_that_is_none_is_refused_and_registries_bring_their_passwords(env):
    policy = Path(env["RUNWRIGHT_WORKER_POLICY"])
    policy.write_text('[docker.registries."r.example"]\nusername="u"\npassword_env="R_PASSWORD"\n')
    with pytest.raises(ConfigurationError, match="R_PASSWORD, which is not"):
        service_environment("docker", ME, env)
    given = variables(service_environment("docker", ME, env | {"R_PASSWORD": "s"}))
    assert given["R_PASSWORD"] == "s"
    policy.write_text("[process]\ncomands = []\n")
    for kind in ("process", "docker"):
        with pytest.raises(ConfigurationError, match="of no use"):
            service_environment(kind, ME, env)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user's judge here")
def test_a_file_that_the_units_user_cannot_read_is_refused(env):
    Path(env["RUNWRIGHT_WORKER_POLICY"]).chmod(0o600)
    with pytest.raises(ConfigurationError, match="user 'nobody' cannot read"):
        service_environment("process", "nobody", env)
    with pytest.raises(ConfigurationError, match="no user 'no-such'"):
        service_environment("process", "no-such", env)


def test_the_unit_stops_as_patiently_as_its_worker(env, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("RUNWRIGHT_"):
            monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    install(pool="p", user=ME, root=tmp_path / "root")
    unit = tmp_path / "root/etc/systemd/system/runwright-worker-p.service"
    assert "TimeoutStopSec=270" in unit.read_text()
    file = tmp_path / "root/etc/runwright/worker-p.env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert variables(file.read_text())["RUNWRIGHT_WORKER_POLICY"] == env["RUNWRIGHT_WORKER_POLICY"]


def test_every_setting_that_workers_and_flows_read_goes_along():
    root = Path(service_module.__file__).parents[1]
    files = [file for part in ("worker", "sdk", "client") for file in (root / part).rglob("*.py")]
    names = {name for file in files for name in re.findall(r"settings\.(\w+)", file.read_text())}
    read = names & {*Settings.__struct_fields__}
    assert len(read) > 5
    # The database is read by hand alone, where there is no server: a worker has one.
    assert read - {"home", "profile", "api_url", "api_key", "database_url"} <= {*TAKEN}
