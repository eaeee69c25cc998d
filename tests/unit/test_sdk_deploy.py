"""What a deployment tells the control plane, and what is refused before it is asked."""

import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest

from runwright import flow
from runwright.api.deployments import Deployment, DeploymentCreate
from runwright.api.flow_runs import FlowRun
from runwright.api.flows import Flow as FlowOnWire
from runwright.core.states import State, StateType
from runwright.errors import FlowError, NotFound, ParameterError, Unprocessable
from runwright.schedules import Cron, Interval, InvalidSchedule, RRule
from runwright.sdk import deployment_runs, procedures
from runwright.sdk.deploy import deploy, from_source, register, to_deployment, with_image
from runwright.sdk.environment import RealEnvironment, use_environment
from runwright.sdk.git_source import GitSource
from runwright.sdk.journal import Told
from runwright.sdk.serving import pool_name


@flow(name="Daily load", retries=2, retry_delay_seconds=5, version="7")
def daily_load(day: str, count: int = 3):
    """Load a day."""


class ControlPlane:
    """Answers as the server does, and keeps what it was asked."""

    def __init__(self, pools=("main",)):
        self.pools = pools
        self.asked = []

    def __call__(self, method, path, body):
        self.asked.append((method, path, body))
        wire = msgspec.json.decode(msgspec.json.encode(body))
        if path.startswith("/work_pools/") and method == "GET":
            name = path.removeprefix("/work_pools/")
            return Told(200, {"name": name}) if name in self.pools else Told(404, {"detail": "no"})
        if path == "/work_pools/filter":
            return Told(200, [{"name": name} for name in self.pools])
        if path == "/flows/":
            made = FlowOnWire(id=uuid4(), created=None, updated=None, name=wire["name"])
            return Told(201, msgspec.to_builtins(made))
        if path == "/deployments/":
            created = msgspec.convert(wire, DeploymentCreate, strict=False)
            made = Deployment(
                id=uuid4(), created=None, updated=None, name=created.name, flow_id=created.flow_id
            )
            return Told(201, msgspec.to_builtins(made))
        return Told(422, {"exception_message": "Invalid request received."})


def body_of(planned):
    control_plane = ControlPlane()
    register(planned, control_plane)
    return control_plane.asked[-1][2]


def test_a_deployment_carries_what_a_worker_needs():
    planned = to_deployment(
        daily_load,
        "nightly",
        work_pool_name="main",
        parameters={"count": "4"},
        tags=["b", "a"],
        job_variables={"env": {"A": "1"}},
        concurrency_limit=1,
        collision_strategy="CANCEL_NEW",
    )
    body = body_of(planned)

    assert body.name == "nightly"
    assert body.version == "7"
    assert body.description == "Load a day."
    assert body.parameters == {"count": 4}
    assert body.tags == ["a", "b"]
    assert body.entrypoint.endswith("test_sdk_deploy.py:daily_load")
    assert (body.retries, body.retry_delay_seconds) == (2, 5.0)
    assert body.parameter_openapi_schema["required"] == ["day"]
    assert body.concurrency_options.collision_strategy == "CANCEL_NEW"
    assert body.schedules is msgspec.UNSET


def test_schedules_of_all_kinds():
    planned = to_deployment(
        daily_load,
        "nightly",
        cron=["0 9 * * *", "0 17 * * *"],
        interval=timedelta(hours=1),
        rrule="FREQ=DAILY",
        timezone="Europe/Paris",
        schedules=[
            Cron("0 0 * * *", slug="midnight", parameters={"day": "x"}, catchup="all"),
            Interval(60, active=False),
            RRule("FREQ=WEEKLY"),
            {"cron": "5 5 * * *"},
        ],
    )
    wire = [each.to_wire() for each in planned.schedules]
    kinds = [next(key for key in ("cron", "interval", "rrule") if key in w.schedule) for w in wire]
    assert kinds == ["cron", "cron", "interval", "rrule", "cron", "interval", "rrule", "cron"]
    assert wire[0].schedule["timezone"] == "Europe/Paris"
    assert (wire[4].slug, wire[4].parameters, wire[4].catchup) == ("midnight", {"day": "x"}, "all")
    assert wire[5].active is False


def test_no_schedules_is_not_the_same_as_none_mentioned():
    assert to_deployment(daily_load, "a").schedules is None
    assert to_deployment(daily_load, "a", schedules=[]).schedules == []


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"cron": "every day"}, InvalidSchedule, "every day"),
        ({"interval": 0}, InvalidSchedule, "interval"),
        ({"cron": "0 9 * * *", "timezone": "Mars/Olympus"}, InvalidSchedule, "Mars/Olympus"),
        ({"schedules": [3]}, FlowError, "is not a schedule"),
        ({"parameters": {"count": "many"}}, ParameterError, "count: Input should be a valid int"),
        ({"parameters": {"color": 1}}, ParameterError, "there is no such parameter"),
        ({"crom": "0 9 * * *"}, FlowError, "no option 'crom'"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(options, error, says):
    with pytest.raises(error, match=says):
        to_deployment(daily_load, "nightly", **options)


def test_a_name_with_a_slash_is_refused():
    with pytest.raises(FlowError, match="without slashes"):
        to_deployment(daily_load, "a/b")


def test_a_flow_inside_a_function_is_refused():
    @flow
    def hidden(): ...

    with pytest.raises(FlowError, match="declared inside a function"):
        to_deployment(hidden, "nightly")


def test_an_unknown_pool_is_told_with_those_there_are():
    planned = to_deployment(daily_load, "nightly", work_pool_name="mian")
    with pytest.raises(NotFound, match=r"no work pool 'mian'\. There are: gpu, main\.") as caught:
        register(planned, ControlPlane(pools=("main", "gpu")))
    assert "runwright work-pool create 'mian'" in str(caught.value)


def test_deploy_needs_a_pool():
    with pytest.raises(FlowError, match="needs work_pool_name"):
        deploy(daily_load, "nightly")


def test_a_refusal_is_told_with_its_detail():
    planned = to_deployment(daily_load, "nightly")
    with pytest.raises(
        Unprocessable, match=r"Invalid .*for the deployment 'Daily load/nightly', 422"
    ):
        register(planned, lambda *_: Told(422, {"exception_message": "Invalid request received."}))


def test_a_flow_from_a_directory_is_deployed_from_there(tmp_path):
    (tmp_path / "from_dir.py").write_text("from runwright import flow\n@flow\ndef f(): ...\n")
    body = body_of(to_deployment(from_source(tmp_path, "from_dir.py:f"), "x"))
    assert (body.path, body.entrypoint) == (str(tmp_path), "from_dir.py:f")
    assert body.pull_steps is None


def test_a_flow_from_a_repository_is_cloned_by_each_run(tmp_path):
    (tmp_path / "from_git.py").write_text("from runwright import flow\n@flow\ndef f(): ...\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True)
    url = f"file://{tmp_path}"

    body = body_of(
        to_deployment(from_source(GitSource(url=url, branch="main"), "from_git.py:f"), "x")
    )

    assert body.path is None
    assert body.pull_steps == [{"runwright.git_clone": {"repository": url, "branch": "main"}}]


def test_a_password_in_an_address_is_not_sent_to_the_control_plane():
    with pytest.raises(FlowError, match="token_env"):
        from_source("https://me:secret@example.org/x.git", "a.py:f")


def test_a_script_deploys_the_file_that_it_is(tmp_path):
    (tmp_path / "script.py").write_text(
        "from runwright import flow\n"
        "@flow\ndef f(): ...\n"
        "p = f.to_deployment('x')\nprint(p.source.path, p.source.entrypoint)\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(tmp_path), "script.py:f"]


def test_what_is_served_together_has_one_pool():
    one, two = to_deployment(daily_load, "a"), to_deployment(daily_load, "b")
    assert pool_name((one,)) == "serve:Daily load:a"
    assert pool_name((one, two)) == "serve:Daily load:a+1"


class World(RealEnvironment):
    """A control plane with one deployment whose runs live by the given states."""

    settings = SimpleNamespace()

    def __init__(self, *attempts):
        super().__init__()
        self.attempts = list(attempts)
        self.slept = []
        self.sleep = self.slept.append
        self.root = uuid4()
        self.runs = []
        self.created = None

    def ask(self, _settings, method, path, body=None):
        if path.startswith("/deployments/name/"):
            deployment = Deployment(
                id=uuid4(), created=None, updated=None, name="d", flow_id=uuid4()
            )
            return Told(200, msgspec.to_builtins(deployment))
        if path.endswith("/create_flow_run"):
            self.created = body
            self.runs.append(self.root)
            return Told(201, self.run(0, StateType.SCHEDULED))
        if path == "/flow_runs/filter":
            return Told(200, [self.run(i, StateType.SCHEDULED) for i in range(len(self.runs))])
        index = self.runs.index(type(self.root)(path.rpartition("/")[2]))
        kind = self.attempts[index].pop(0)
        if kind is StateType.CRASHED and len(self.attempts) > index + 1:
            self.runs.append(uuid4())
        return Told(200, self.run(index, kind))

    def run(self, index, kind):
        state = State(id=uuid4(), type=kind, name=kind.title(), timestamp=self.clock.now())
        run = FlowRun(
            id=self.runs[index],
            created=None,
            updated=None,
            name="r",
            flow_id=uuid4(),
            root_run_id=self.root,
            attempt=index + 1,
            state_type=kind,
            state=state,
        )
        return msgspec.to_builtins(run)


def run_in(world, monkeypatch, **options):
    monkeypatch.setattr(procedures, "ask_api", world.ask)
    with use_environment(world):
        return deployment_runs.run_deployment("Daily load/d", **options)


RUNNING, CRASHED, COMPLETED = StateType.RUNNING, StateType.CRASHED, StateType.COMPLETED


def test_a_run_is_waited_for(monkeypatch):
    world = World([RUNNING, RUNNING, COMPLETED])
    run = run_in(world, monkeypatch, poll_interval=2, parameters={"day": "x"})
    assert run.state.type is COMPLETED
    assert world.slept == [2, 2]
    assert world.created.parameters == {"day": "x"}


def test_the_attempt_after_a_crash_is_waited_for(monkeypatch):
    world = World([RUNNING, CRASHED], [RUNNING, COMPLETED])
    run = run_in(world, monkeypatch)
    assert (run.attempt, run.state.type) == (2, COMPLETED)


def test_a_crash_without_another_attempt_is_the_end(monkeypatch):
    assert run_in(World([CRASHED]), monkeypatch).state.type is CRASHED


def test_a_timeout_gives_the_run_as_it_is(monkeypatch):
    world = World([RUNNING] * 9)
    assert run_in(world, monkeypatch, timeout=3).state.type is RUNNING
    assert world.slept == [1, 1, 1]
    assert run_in(World([]), monkeypatch, timeout=0).state.type is StateType.SCHEDULED


def test_a_name_without_a_slash_is_refused():
    with pytest.raises(FlowError, match="flow name/deployment name"):
        deployment_runs.run_deployment("nightly")


def test_folders_of_a_directory_are_told_to_workers_and_refused_for_images(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "with_lib.py").write_text("from runwright import flow\n@flow\ndef f(): ...\n")
    flow = from_source(tmp_path, "with_lib.py:f", python_path=["lib"])
    planned = to_deployment(flow, "x")
    assert body_of(planned).pull_steps == [
        {"runwright.set_working_directory": {"directory": str(tmp_path)}},
        {"runwright.extend_python_path": {"folders": ["lib"]}},
    ]
    with pytest.raises(FlowError, match="PYTHONPATH"):
        with_image(planned, "x:1", build=False, push=False, tell=print)
