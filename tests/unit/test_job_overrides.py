"""Which job variables a run sets, and which of them a list of patterns allows."""

import pytest

from runwright.core.job_overrides import is_loader, overridden, refused


def test_variables_that_are_merged_are_named_each():
    given = {"command": "x", "env": {"A": "1", "B": None}, "labels": {"l": "1"}, "cpus": 1}
    assert overridden(given) == ["command", "cpus", "env.A", "env.B", "labels.l"]
    assert overridden({"env": None, "labels": "x"}) == ["env", "labels"]
    assert overridden(None) == overridden({}) == overridden({"env": {}}) == []


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ([], ["cpus", "env.APP_A", "env.PATH"]),
        (["cpus"], ["env.APP_A", "env.PATH"]),
        (["env.APP_*", "c*"], ["env.PATH"]),
        (["*"], ["env.PATH"]),
        (["env.PATH"], ["cpus", "env.APP_A"]),
        (["env"], ["cpus", "env.APP_A", "env.PATH"]),
        (["env.path", "ENV.APP_A"], ["cpus", "env.APP_A", "env.PATH"]),
    ],
)
def test_a_pattern_allows_no_loader_variable_that_it_does_not_name(patterns, left):
    assert refused(["cpus", "env.APP_A", "env.PATH"], patterns) == left


@pytest.mark.parametrize(
    "name",
    [
        "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONSTARTUP",
        "PYTHONHOME", "BASH_ENV", "ENV", "IFS", "PATH", "GIT_SSH_COMMAND", "pythonpath",
        "https_proxy", "BASH_FUNC_ls%%", "NODE_OPTIONS", "RUNWRIGHT_API_URL",
        "RUNWRIGHT_EXECUTION",
    ],
)  # fmt: skip
def test_loader_variables(name):
    assert is_loader(name)


@pytest.mark.parametrize("name", ["LOG_LEVEL", "AWS_REGION", "RUNWRIGHT_LOG_LEVEL", "LDAP_URL"])
def test_other_variables(name):
    assert not is_loader(name)
