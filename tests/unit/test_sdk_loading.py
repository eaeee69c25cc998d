"""Flows from files, modules and repositories, and what is said when they cannot be loaded."""

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runwright.errors import FlowLoadError
from runwright.sdk.entrypoints import Entrypoint, find_flows, parse_entrypoint
from runwright.sdk.git_source import GitSource, clone, looks_like_git, parse_git
from runwright.sdk.loading import extend_python_path, load_flow
from runwright.sdk.pull_steps import run_pull_steps

ETL = """
    from runwright import flow

    @flow
    def daily_load(day: str = "today"):
        return day

    @flow(name="Nightly")
    def nightly(): ...

    def plain(): ...
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files below a directory that is the present one, and forget their modules after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    yield write
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


def test_a_flow_is_loaded_by_function_or_by_name(write, tmp_path):
    write("flows/etl_by_name.py", ETL)
    assert load_flow("flows/etl_by_name.py:daily_load").name == "daily-load"
    assert load_flow("etl_by_name.py:Nightly", path=tmp_path / "flows").name == "Nightly"


FILE_NAMES = [
    "etl.v2.py", "etl.v2.1.py", "my-flow.py", "1st of may.py", "class.py", "json.py", "étl.py",
    "x:y.py", ".hidden.py", ".py", "__main__.py", "__init__.py", "runwright.py", "a%2Fb.py",
]  # fmt: skip


@pytest.mark.parametrize("name", FILE_NAMES)
@pytest.mark.parametrize("folder", ["plain", "a.folder-1", "pack_named", "pack_named/inner"])
def test_a_file_of_any_name_is_loaded(write, tmp_path, folder, name):
    """In a package its relative imports work; what it declares can be pickled."""
    is_package = folder.startswith("pack_named") or (folder, name) == ("plain", "__init__.py")
    if folder.startswith("pack_named"):
        write("pack_named/__init__.py", "")
        write(f"{folder}/__init__.py", "")
    write(f"{folder}/neighbour_of_it.py", "VALUE = 1")
    write(
        f"{folder}/{name}",
        ("from ." if is_package else "from ")
        + "neighbour_of_it import VALUE\nfrom runwright import flow\n"
        "class Kept: ...\n@flow\ndef found(): return Kept()\n",
    )
    for text in (f"{folder}/{name}:found", f"{folder}/{name}"):
        loaded = load_flow(text, path=tmp_path)
        kept = loaded.fn()
        assert type(pickle.loads(pickle.dumps(kept))) is type(kept)
    assert "." not in type(kept).__module__ or is_package


def test_two_names_that_differ_in_a_dot_are_two_modules(write):
    for folder in ("apart", "together"):
        write(f"{folder}/etl.v9.py", ETL)
        write(f"{folder}/etl_v9.py", ETL)
        if folder == "together":
            write("together/__init__.py", "")
        for name in ("etl_v9.py", "etl.v9.py", "etl_v9.py"):
            found = load_flow(f"{folder}/{name}:daily_load")
            assert Path(found.fn.__code__.co_filename).name == name


def test_a_flow_is_loaded_from_a_module(write):
    write("shop_one/flows.py", ETL)
    assert load_flow("shop_one.flows:nightly").name == "Nightly"


def test_a_file_in_a_package_can_import_its_neighbours(write):
    write("shop_two/__init__.py", "")
    write("shop_two/names.py", "NAME = 'from-next-door'")
    write(
        "shop_two/flows.py",
        "from runwright import flow\nfrom .names import NAME\n@flow(name=NAME)\ndef f(): ...\n",
    )
    assert load_flow("shop_two/flows.py:f").name == "from-next-door"


def test_a_file_named_like_a_known_module_does_not_replace_it(write):
    import json

    write("json.py", "from runwright import flow\n@flow\ndef f(): ...\n")
    assert load_flow("json.py:f").name == "f"
    assert sys.modules["json"] is json


def test_the_only_flow_need_not_be_named(write):
    write("single_flow.py", "from runwright import flow\n@flow\ndef only(): ...\n")
    assert load_flow("single_flow.py").name == "only"


@pytest.mark.parametrize(
    ("entrypoint", "says"),
    [
        ("gone.py:f", r"There is no file .*gone\.py \(looked from .*\)"),
        ("gone_module:f", r"There is no module 'gone_module'"),
        ("several.py", r"several flows .* There are: several.py:daily_load, several.py:nightly\."),
        ("several.py:other", r"There is no flow 'other' in several.py\. There are: "),
        ("several.py:plain", r"'plain' in several.py is a function, not a flow.*@flow"),
        ("empty.py", r"There is no flow in empty.py"),
        ("empty.py:f", r"There is no flow 'f' in empty.py\. There is no flow at all"),
        ("not an entrypoint", "is not an entrypoint. Write"),
        ("", "is not an entrypoint"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_what_there_is(write, entrypoint, says):
    write("several.py", ETL)
    write("empty.py", "x = 1")
    with pytest.raises(FlowLoadError, match=says):
        load_flow(entrypoint)


def test_an_import_error_in_user_code_shows_where(write):
    write("broken_import.py", "from runwright import flow\n\nimport no_such_package_at_all\n")
    with pytest.raises(FlowLoadError) as caught:
        load_flow("broken_import.py:f")

    message = str(caught.value)
    assert message.startswith("Importing broken_import.py failed:")
    assert 'broken_import.py", line 3, in <module>' in message
    assert "ModuleNotFoundError: No module named 'no_such_package_at_all'" in message
    assert "importlib" not in message
    assert "loading.py" not in message


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def f(:\n", "SyntaxError"),
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_whatever_goes_wrong_at_import_is_told(write, source, says):
    write("broken_anyhow.py", source)
    with pytest.raises(FlowLoadError, match=says):
        load_flow("broken_anyhow.py:f")


def test_entrypoints_are_parsed():
    assert parse_entrypoint("a/b.py:f") == Entrypoint("a/b.py", "f", True)
    assert parse_entrypoint("a/b.py") == Entrypoint("a/b.py", None, True)
    assert parse_entrypoint("a.b:C.f") == Entrypoint("a.b", "C.f", False)
    assert str(parse_entrypoint("a.b:f")) == "a.b:f"


def test_flows_are_found_without_running_the_file(write):
    path = write(
        "unimportable.py",
        """
        import no_such_package
        import runwright as rw

        @rw.flow(name="Named", retries=2)
        async def one(): ...

        class Jobs:
            @rw.flow
            def two_of_it(self): ...

        @rw.task
        def not_a_flow(): ...
        """,
    )
    found = find_flows(path)
    assert [(each.function, each.name) for each in found] == [
        ("one", "Named"),
        ("Jobs.two_of_it", "two-of-it"),
    ]
    assert found[0].line == 6


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits on main and a branch."""
    where = tmp_path / "origin" / "project.git"
    where.mkdir(parents=True)

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    (where / "version.txt").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    first = git("rev-parse", "HEAD")
    git("branch", "side")
    (where / "version.txt").write_text("2")
    git("commit", "--quiet", "-am", "two")
    return where, first


def test_a_repository_is_cloned_at_head_branch_or_commit(repository, tmp_path):
    url, first = f"file://{repository[0]}", repository[1]
    for source, version in [
        (GitSource(url=url), "2"),
        (GitSource(url=url, branch="side"), "1"),
        (GitSource(url=url, commit=first), "1"),
        (GitSource(url=url), "2"),
    ]:
        directory = clone(source, tmp_path / "clone")
        assert (directory / "version.txt").read_text() == version


@pytest.mark.parametrize(
    ("source", "url", "branch", "commit"),
    [
        ("https://x.org/team/flows.git", "https://x.org/team/flows.git", None, None),
        ("https://x.org/team/flows@v1", "https://x.org/team/flows", "v1", None),
        (
            "https://me@x.org/flows.git@feature/a@b",
            "https://me@x.org/flows.git",
            "feature/a@b",
            None,
        ),
        ("https://me@x.org/flows", "https://me@x.org/flows", None, None),
        ("git@x.org:team/flows.git", "git@x.org:team/flows.git", None, None),
        ("git@x.org:team/flows.git@v1", "git@x.org:team/flows.git", "v1", None),
        ("git@x.org:flows@" + "a1" * 20, "git@x.org:flows", None, "a1" * 20),
        ("/srv/flows.git@v1", "/srv/flows.git", "v1", None),
    ],
)
def test_an_address_may_name_what_to_take(source, url, branch, commit):
    assert looks_like_git(source)
    assert parse_git(source) == GitSource(url=url, branch=branch, commit=commit)


def test_tags_and_short_commits_are_taken(repository, tmp_path):
    where, first = repository
    subprocess.run(["git", "tag", "v1", first], cwd=where, check=True)
    subprocess.run(["git", "branch", "beefbeef", first], cwd=where, check=True)
    for wanted in ("v1", first, first[:8], "side", "beefbeef"):
        directory = clone(parse_git(f"file://{where}@{wanted}"), tmp_path / "clone")
        assert (directory / "version.txt").read_text() == "1", wanted
    with pytest.raises(FlowLoadError, match="is to follow"):
        parse_git(f"file://{where}@")


def test_modules_are_found_beside_the_flow_at_the_root_and_where_it_is_said(tmp_path):
    for name in ("flows_27/beside_27.py", "root_27/__init__.py", "lib/asked_27.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    source = (
        "import beside_27, root_27\nfrom runwright import flow\n@flow\n"
        "def f():\n    import asked_27\nimport asked_27\n"
    )
    (tmp_path / "flows_27" / "etl_27.py").write_text(source)
    with pytest.raises(FlowLoadError) as raised:
        load_flow("flows_27/etl_27.py:f", path=tmp_path)
    last = str(raised.value).splitlines()[-1]
    assert "No module named 'asked_27'" in last
    assert f"Looked in {tmp_path}/flows_27, {tmp_path}, and the installed packages" in last
    assert "--python-path" in last
    extend_python_path(["lib"], tmp_path)
    assert load_flow("flows_27/etl_27.py:f", path=tmp_path).name == "f"
    with pytest.raises(FlowLoadError, match="no folder 'nowhere'"):
        extend_python_path(["nowhere"], tmp_path)


def test_a_clone_that_fails_says_what_git_said(tmp_path):
    with pytest.raises(FlowLoadError, match=r"git fetch of .*nowhere failed"):
        clone(GitSource(url=f"file://{tmp_path}/nowhere"), tmp_path / "clone")


def test_credentials_are_not_in_arguments_nor_messages(tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    seen = tmp_path / "seen"
    fake.write_text(
        f'#!/bin/sh\necho "$@" >> {seen}\n'
        f'if [ "$1" = fetch ]; then "$GIT_ASKPASS" Password >> {seen}.password\n'
        'echo "cannot read https://me:hunter2@example.org/x" >&2; exit 1; fi\n'
    )
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")

    with pytest.raises(FlowLoadError) as caught:
        clone(GitSource(url="https://me:hunter2@example.org/x.git"), tmp_path / "clone")

    assert "hunter2" not in seen.read_text()
    assert "hunter2" not in str(caught.value)
    assert Path(f"{seen}.password").read_text() == "hunter2"


def test_a_missing_token_is_named(tmp_path):
    source = GitSource(url="https://example.org/x.git", token_env="NO_SUCH_TOKEN")
    with pytest.raises(FlowLoadError, match="NO_SUCH_TOKEN"):
        clone(source, tmp_path)


def test_options_cannot_be_smuggled_into_git(tmp_path):
    with pytest.raises(FlowLoadError, match="cannot be a git address"):
        clone(GitSource(url="--upload-pack=touch /tmp/x"), tmp_path)


def test_sources_are_told_apart():
    assert looks_like_git("https://example.org/x")
    assert looks_like_git("git@example.org:me/x.git")
    assert not looks_like_git("./flows")
    assert not looks_like_git("/srv/flows")


def test_pull_steps_lead_to_the_code(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (repository[0] / "flows").mkdir()
    run_pull_steps(
        [
            {
                "prefect.deployments.steps.git_clone": {
                    "id": "clone",
                    "repository": f"file://{repository[0]}",
                }
            },
            {"runwright.set_working_directory": {"directory": "{{ clone.directory }}"}},
        ]
    )
    assert Path.cwd() == tmp_path / "project"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"os.system": {"command": "true"}}, "There is no pull step 'os.system'"),
        ({"runwright.set_working_directory": {"to": "x"}}, "inputs of pull step"),
        ({"runwright.set_working_directory": {"directory": "/no/such"}}, "Cannot go to"),
        ({"runwright.set_working_directory": {"directory": "{{ a.b }}"}}, "no output"),
        ({"a": {}, "b": {}}, "one name with its inputs"),
    ],
)
def test_a_pull_step_that_cannot_be_run_says_why(step, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowLoadError, match=says):
        run_pull_steps([step])
