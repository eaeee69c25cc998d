"""`runwright migrate`, from a server that speaks the same interface as a Prefect server."""

import json
import urllib.request

import pytest

from runwright.credentials import key_for


class Source:
    """The server to copy from."""

    def __init__(self, rw):
        status = rw.ok("server", "status", "-o", "json").json
        self.url = status["url"] if "url" in status else status["api_url"]
        self.key = key_for(rw.home, self.url)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            content = reply.read()
        return json.loads(content) if content else None


@pytest.fixture(scope="module")
def source(rw):
    """A server with one of everything."""
    server = Source(rw)
    server.ask("POST", "/work_pools/", {"name": "main", "concurrency_limit": 4})
    queue = {"name": "urgent", "priority": 1, "concurrency_limit": 2}
    server.ask("POST", "/work_pools/main/queues", queue)
    server.ask("POST", "/v2/concurrency_limits/", {"name": "db", "limit": 3})
    server.ask("POST", "/concurrency_limits/", {"tag": "scarce", "concurrency_limit": 1})
    server.ask("POST", "/variables/", {"name": "colour", "value": {"a": [1]}, "tags": ["t"]})
    flow = server.ask("POST", "/flows/", {"name": "etl"})["id"]
    body = {
        "name": "nightly",
        "flow_id": flow,
        "entrypoint": "etl.py:etl",
        "work_pool_name": "main",
        "work_queue_name": "urgent",
        "schedules": [{"schedule": {"cron": "0 3 * * *"}}, {"schedule": {"interval": 60}}],
        "parameters": {"n": 1},
        "tags": ["x"],
    }
    server.ask("POST", "/deployments/", body)
    server.ask("POST", "/flow_runs/", {"flow_id": flow})
    return server


def migrate(line, source, *options):
    done = line("migrate", "--from", source.url, "--from-key", source.key, *options, "-o", "json")
    actions = {(row["kind"], row["name"]): row["action"] for row in done.json}
    return done, actions


def test_everything_is_shown_copied_once_and_then_the_same(alone, source):
    shown, actions = migrate(alone, source)
    assert shown.code == 0
    assert set(actions.values()) == {"create"}
    assert "Nothing was changed" in shown.err
    assert "flow runs (history stays where it was made)" in shown.err
    assert alone.ok("work-pool", "ls", "-o", "json").json == []

    done, actions = migrate(alone, source, "--apply")
    assert done.code == 0
    assert actions == {
        ("work-pool", "main"): "created",
        ("work-queue", "main/urgent"): "created",
        ("work-queue", "main/default"): "created",
        ("limit", "db"): "created",
        ("tag-limit", "scarce"): "created",
        ("variable", "colour"): "created",
        ("deployment", "etl/nightly"): "created",
    }
    copied = alone.ok("deployment", "inspect", "etl/nightly", "-o", "json").json
    assert [each["active"] for each in copied["schedules"]] == [False, False]
    assert (copied["entrypoint"], copied["work_queue_name"]) == ("etl.py:etl", "urgent")
    queues = alone.ok("work-queue", "ls", "--pool", "main", "-o", "json").json
    assert [(each["name"], each["priority"]) for each in queues] == [("urgent", 1), ("default", 2)]

    _, actions = migrate(alone, source, "--apply")
    assert set(actions.values()) == {"same"}


def test_what_differs_is_left_unless_it_is_to_be_overwritten(alone, source):
    migrate(alone, source, "--apply", "--only", "work-pool", "--only", "work-queue")
    alone.ok("work-pool", "update", "main", "--concurrency-limit", "9", "--description", "mine")
    only = ("--only", "work-pool")
    done, actions = migrate(alone, source, "--apply", *only)
    assert (done.code, actions) == (0, {("work-pool", "main"): "differs"})
    assert done.json[0]["detail"] == "description, concurrency_limit"
    _, actions = migrate(alone, source, "--apply", "--overwrite", *only)
    assert actions == {("work-pool", "main"): "overwritten"}
    _, actions = migrate(alone, source, *only)
    assert actions == {("work-pool", "main"): "same"}


def test_what_the_target_refuses_is_told_and_the_rest_is_done(alone, source):
    only = ("--only", "deployment", "--only", "variable")
    done, actions = migrate(alone, source, "--apply", *only)
    assert done.code == 4
    assert actions == {("variable", "colour"): "created", ("deployment", "etl/nightly"): "failed"}
    assert "no work pool 'main'" in done.out


def test_active_schedules_stay_active_where_asked_for(alone, source):
    migrate(alone, source, "--apply", "--keep-active")
    copied = alone.ok("deployment", "inspect", "etl/nightly", "-o", "json").json
    assert [each["active"] for each in copied["schedules"]] == [True, True]


@pytest.mark.parametrize(
    ("url", "key", "code", "why"),
    [
        ("http://127.0.0.1:1/api", None, 5, "No answer from http://127.0.0.1:1/api"),
        ("{root}/none", None, 1, "is no Prefect server"),
        ("{root}/api", "rwk_user_000000000000_" + "a" * 43, 6, "key"),
    ],
)
def test_a_source_that_does_not_answer_is_told_of(alone, source, url, key, code, why):
    options = ["--from", url.format(root=source.url.removesuffix("/api"))]
    done = alone("migrate", *options, *(["--from-key", key] if key else []))
    assert (done.code, why in done.err) == (code, True), done
