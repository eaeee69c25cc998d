"""What a process worker refuses, whatever the control plane sends."""

import asyncio

import msgspec
import pytest

from runwright.errors import ConfigurationError
from runwright.worker.job import read_job
from runwright.worker.launcher import LaunchFailed
from runwright.worker.launchers.process import ProcessLauncher
from runwright.worker.policy import ProcessPolicy, read_process_policy

LOADERS = ["PYTHONPATH", "LD_LIBRARY_PATH", "BASH_ENV", "GIT_SSH_COMMAND", "PATH", "HTTPS_PROXY"]


def check(configuration, overridden=(), **policy):
    ProcessPolicy(**policy).check(read_job(configuration), overridden)


@pytest.mark.parametrize("name", LOADERS)
def test_a_deployment_may_set_loader_variables_and_a_run_may_not(name):
    configuration = {"env": {name: "/srv"}}
    check(configuration)
    check(configuration, None)  # an older server does not say who has set it
    with pytest.raises(LaunchFailed, match=rf"single run set env\.{name}"):
        check(configuration, [f"env.{name}"])
    check(configuration, [f"env.{name}"], overrides=("*", f"env.{name}"))


@pytest.mark.parametrize(
    ("configuration", "policy", "said"),
    [
        ({"command": "/bin/sh -c x"}, {"commands": ()}, "the command /bin/sh"),
        ({"command": ["curl", "x"]}, {"commands": ("/opt/tools/*",)}, "the command curl"),
        ({"python": "/tmp/python"}, {"pythons": ("/opt/*",)}, "the interpreter /tmp/python"),
        ({"command": "/opt/t/../../bin/sh x"}, {"commands": ("/opt/t/*",)}, "the command /opt/t/"),
        ({"command": ["t/../sh"]}, {"commands": ("t/*", "sh")}, "the command t/../sh"),
        ({"python": "/opt/../tmp/python"}, {"pythons": ("/opt/*",)}, "the interpreter /opt/../"),
        ({"preload": ["os", "evil"]}, {"preload": ("os",)}, "preload evil"),
        ({"working_dir": "/opt/../etc"}, {"working_dirs": ("/opt",)}, "directory /opt/../etc"),
        ({"env": {"B": "1"}}, {"env": ("A*",)}, "the variable B"),
        ({"env": {"B": None}}, {"deny_env": ("B",)}, "the variable B"),
        ({"env": {"PYTHONPATH": "1"}}, {"loader_variables": False}, "the variable PYTHONPATH"),
    ],
)
def test_a_policy_holds_for_everybody(configuration, policy, said):
    check(configuration)
    with pytest.raises(LaunchFailed, match=said):
        check(configuration, **policy)


def test_what_a_policy_names_is_allowed():
    policy = {
        "commands": ("/opt/tools/*",),
        "pythons": ("/opt/*",),
        "working_dirs": ("/usr",),
        "env": ("APP_*", "PYTHONPATH"),
        "loader_variables": False,
        "overrides": ("env.APP_*",),
    }
    allowed = {
        "command": "/opt/tools/do it",
        "python": "/opt/py",
        "working_dir": "/usr/lib",
        "env": {"APP_A": "1", "PYTHONPATH": "/srv"},
    }
    check(allowed, ["env.APP_A"], **policy)
    with pytest.raises(LaunchFailed, match="single run set command"):
        check(allowed, ["command", "env.APP_A"], **policy)


def test_the_file(tmp_path):
    file = tmp_path / "policy.toml"
    assert read_process_policy(None) == ProcessPolicy()
    file.write_text('[process]\ncommands = ["/opt/*"]\noverrides = []\n[docker]\nimages = ["a"]\n')
    assert read_process_policy(file) == ProcessPolicy(commands=("/opt/*",), overrides=())
    for wrong in ("[process]\ncomands = []", "[proces]\n", "not toml", '[process]\ncommands="x"'):
        file.write_text(wrong)
        with pytest.raises(ConfigurationError, match="of no use"):
            read_process_policy(file)
    with pytest.raises(ConfigurationError, match="of no use"):
        read_process_policy(tmp_path / "missing.toml")


def test_the_launcher_asks_its_policy_before_anything_is_started(claim, surroundings):
    claimed = claim(job={"env": {"PYTHONPATH": "/tmp"}})
    spec = msgspec.structs.replace(claimed.spec, overridden=["env.PYTHONPATH"])

    class Reached:
        url = "http://127.0.0.1:9/api"

    async def launch():
        launcher = ProcessLauncher(surroundings(Reached()), zygote=("/bin/false",))
        with pytest.raises(LaunchFailed, match="PYTHONPATH"):
            await launcher.launch(msgspec.structs.replace(claimed, spec=spec))
        assert launcher._zygotes == {}

    asyncio.run(launch())
