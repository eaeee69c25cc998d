"""Docker pools without an engine: jobs, policies, containers and verdicts."""

import io
import tarfile
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from runwright.api.executions import ExecutionSpec
from runwright.errors import ConfigurationError
from runwright.worker.launcher import LaunchFailed
from runwright.worker.launchers.docker.container import (
    KEPT,
    container_config,
    files_for,
    labels_of,
    reached_from_inside,
)
from runwright.worker.launchers.docker.images import digest_of
from runwright.worker.launchers.docker.job import DockerJob, read_docker_job, size_in_bytes
from runwright.worker.launchers.docker.policy import DockerPolicy, Registry, read_policy
from runwright.worker.launchers.docker.verdict import verdict
from runwright.worker.surroundings import Surroundings

ID = UUID(int=7)
SPEC = ExecutionSpec(
    flow_run_id=ID,
    flow_run_name="bold-fox",
    flow_id=ID,
    flow_name="f",
    token=3,
    execution_id=ID,
    credential="rwx_secret",
    job_configuration={"image": "x:1", "command": "make report", "env": {"A": "1"}},
)
AROUND = Surroundings(api_url="http://127.0.0.1:4300/api", spool="/spool")
LABELS = labels_of(api_url=AROUND.api_url, pool="p", worker="w")


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("proj:v1", "IfNotPresent"),
        ("proj", "Always"),
        ("proj:latest", "Always"),
        ("registry:5000/team/proj", "Always"),
        ("registry:5000/team/proj:v1", "IfNotPresent"),
        ("proj@sha256:abc", "IfNotPresent"),
    ],
)
def test_a_tag_that_moves_is_pulled_each_time(image: str, policy: str) -> None:
    assert DockerJob(image=image).pull_policy == policy
    assert DockerJob(image=image, image_pull_policy="Never").pull_policy == "Never"


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", 512 << 20), ("1.5g", 3 << 29), ("64MiB", 64 << 20), ("100", 100), ("-1", -1)],
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text, "mem_limit") == size


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({}, "no image is named"),
        ({"image": ""}, "no image is named"),
        ({"image": "x", "cpus": "many"}, r"makes no sense.*cpus"),
        ({"image": "x", "command": "say 'hm"}, "command"),
        ({"image": "x", "mem_limit": "much"}, "mem_limit is 'much'"),
        ({"image": "x", "env": {"RUNWRIGHT_API_KEY": "k"}}, "RUNWRIGHT_API_KEY"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused_by_name(configuration: dict, said: str) -> None:
    with pytest.raises(LaunchFailed, match=said):
        read_docker_job(configuration)


@pytest.mark.parametrize(
    ("policy", "job", "refused"),
    [
        ({"images": ("reg/team/*",)}, {"image": "reg/other/x:1"}, "the image reg/other/x:1"),
        ({"env": ("APP_*",)}, {"env": {"AWS_SECRET": "1"}}, "the variable AWS_SECRET"),
        ({}, {"volumes": ["/etc:/x:ro"]}, "the directory /etc"),
        ({"mounts": ("/srv:ro",)}, {"volumes": ["/srv/data:/x"]}, "to write in"),
        ({"mounts": ("/srv",)}, {"volumes": ["/srv/../etc:/x"]}, "the directory /srv/../etc"),
        ({"volumes": ("cache",)}, {"volumes": ["other:/x"]}, "the volume other"),
        ({}, {"network_mode": "host"}, "the network mode host"),
        ({}, {"networks": ["host"]}, "the network host"),
        ({}, {"network_mode": "container:db"}, "the network mode container:db"),
        ({"networks": ("a",)}, {"networks": ["b"]}, "the network b"),
        ({}, {"privileged": True}, "privileged"),
        ({"devices": False}, {"device_requests": [{"Count": 1}]}, "devices"),
        ({"max_memory": "1g"}, {"mem_limit": "2g"}, "mem_limit 2g"),
        ({"max_memory": "1g"}, {}, "mem_limit unlimited"),
        ({"max_cpus": 2}, {"cpus": 3}, "cpus 3"),
        ({"commands": ()}, {"command": "sh -c x"}, "the command sh"),
        ({"commands": ("/opt/*",)}, {"command": ["curl", "x"]}, "the command curl"),
    ],
)
def test_what_a_policy_refuses(policy: dict, job: dict, refused: str) -> None:
    with pytest.raises(LaunchFailed, match=f"does not allow.*{refused}"):
        DockerPolicy(**policy).check(DockerJob(**{"image": "x:1", **job}))


def test_what_a_single_run_may_say_to_containers() -> None:
    job = DockerJob(image="x:1", env={"PYTHONPATH": "/srv"}, command="  ")
    DockerPolicy().check(job, [])
    DockerPolicy().check(job, None)
    for policy, names in (({}, ["env.PYTHONPATH"]), ({"overrides": ("cpus",)}, ["cpus", "image"])):
        with pytest.raises(LaunchFailed, match=f"single run set {names[-1]}"):
            DockerPolicy(**policy).check(job, names)


def test_what_a_policy_lets_pass() -> None:
    policy = DockerPolicy(
        images=("reg/team/*",), mounts=("/srv", "/etc/ssl:ro"), max_memory="1g", host_network=True
    )
    policy.check(
        DockerJob(
            image="reg/team/x:1",
            volumes=["/srv/data:/data", "/etc/ssl:/ssl:ro", "cache:/cache"],
            mem_limit="512m",
            network_mode="host",
        )
    )
    joined = DockerPolicy(default_networks=("site",)).completed(DockerJob(image="x"))
    assert joined.networks == ["site"]


def test_a_symlink_does_not_lead_out_of_what_may_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "door").symlink_to("/etc")
    policy = DockerPolicy(mounts=(str(tmp_path / "open"),))
    with pytest.raises(LaunchFailed, match="does not allow the directory"):
        policy.check(DockerJob(image="x", volumes=[f"{tmp_path}/open/door:/x"]))


def test_a_policy_file_is_read_strictly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        '[docker]\nimages = ["reg:5000/*"]\n[docker.registries."reg:5000"]\n'
        'username = "robot"\npassword_env = "REG_PASSWORD"\n'
    )
    policy = read_policy(file)
    monkeypatch.setenv("REG_PASSWORD", "s3cret")
    signed_in = {"username": "robot", "password": "s3cret"}
    assert policy.credentials_for(DockerJob(image="reg:5000/x:1")) == signed_in
    assert policy.credentials_for(DockerJob(image="x:1")) is None
    with pytest.raises(LaunchFailed, match=r"'other'.*reg:5000"):
        policy.credentials_for(DockerJob(image="x", registry_credentials="other"))
    file.write_text("[docker]\nimgaes = []\n")
    with pytest.raises(ConfigurationError, match="imgaes"):
        read_policy(file)
    assert read_policy(None) == DockerPolicy()


def test_a_password_goes_to_its_own_registry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REG_PASSWORD", "s3cret")
    kept = Registry(username="robot", password_env="REG_PASSWORD")
    aliased = Registry(username="hub", password_env="REG_PASSWORD", host="index.docker.io")
    policy = DockerPolicy(registries={"reg:5000": kept, "hub": aliased, "docker.io": kept})

    def user(image: str, name: str | None = None) -> str | None:
        found = policy.credentials_for(DockerJob(image=image, registry_credentials=name))
        return None if found is None else found["username"]

    for foreign in ("evil.example.com/x:1", "evil.example.com/reg:5000/x", "x:1", "reg/x"):
        with pytest.raises(LaunchFailed, match="whose password is for reg:5000"):
            user(foreign, "reg:5000")
    with pytest.raises(LaunchFailed, match=r"is for index\.docker\.io.* comes from reg:5000"):
        user("reg:5000/x", "hub")
    assert user("reg:5000/x:1", "reg:5000") == user("reg:5000/x:1") == "robot"
    assert user("team/x:1", "hub") == user("docker.io/team/x:1", "hub") == "hub"
    assert user("team/x:1", "docker.io") == user("team/x:1") == user("x") == "robot"
    assert user("evil.example.com/x") is None


def test_a_container_is_told_everything_but_by_variables_no_secret() -> None:
    job = read_docker_job(
        {
            "image": "x:1",
            "env": {"A": "1", "B": None},
            "labels": {"team": "blue", "io.runwright.pool": "forged"},
            "mem_limit": "64m",
            "cpus": 0.5,
        }
    )
    config = container_config(SPEC, job, DockerPolicy(), AROUND, LABELS)
    env = dict(each.split("=", 1) for each in config["Env"])
    assert env["A"] == "1"
    assert "B" not in env
    assert env["RUNWRIGHT_API_URL"] == "http://host.docker.internal:4300/api"
    assert "rwx_secret" not in str(config)
    assert config["Labels"]["team"] == "blue"
    assert config["Labels"]["io.runwright.pool"] == "p"
    host = config["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 64 << 20
    assert host["NanoCpus"] == 500_000_000
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["ExtraHosts"] == ["host.docker.internal:host-gateway"]


def test_a_container_that_stays_says_so_to_every_worker() -> None:
    kept = container_config(
        SPEC, DockerJob(image="x", auto_remove=False), DockerPolicy(), AROUND, LABELS
    )
    gone = container_config(SPEC, DockerJob(image="x"), DockerPolicy(), AROUND, LABELS)
    assert KEPT in kept["Labels"]
    assert KEPT not in gone["Labels"]


def test_the_engine_starts_no_container_again() -> None:
    """Attempts are the control plane's alone to make."""
    config = container_config(SPEC, DockerJob(image="x"), DockerPolicy(), AROUND, LABELS)
    assert config["HostConfig"]["RestartPolicy"] == {"Name": "no"}


def test_the_execution_is_a_file_in_the_container() -> None:
    job = read_docker_job(SPEC.job_configuration)
    with tarfile.open(fileobj=io.BytesIO(files_for(SPEC, job, AROUND))) as archive:
        [member] = archive.getmembers()
        content = archive.extractfile(member)
        assert content is not None
        inside = msgspec.json.decode(content.read(), type=ExecutionSpec)
    assert member.name == "run/runwright/execution.json"
    # What the container already is, is not for the supervisor in it.
    assert inside.job_configuration == {"command": "make report"}
    assert (inside.credential, inside.token) == ("rwx_secret", 3)


@pytest.mark.parametrize(
    ("url", "mode", "inside"),
    [
        ("http://localhost:4300/api", None, "http://host.docker.internal:4300/api"),
        ("http://127.0.0.1:4300/api", "host", "http://127.0.0.1:4300/api"),
        ("https://rw.example.com/api", None, "https://rw.example.com/api"),
    ],
)
def test_the_control_plane_as_a_container_reaches_it(url: str, mode: str | None, inside: str):
    assert reached_from_inside(url, mode) == inside


def _state(**state: object) -> dict:
    return {"State": {"ExitCode": 0, "Error": "", **state}, "HostConfig": {"Memory": 64 << 20}}


def test_verdicts() -> None:
    assert verdict(ID, _state(), []).is_reported
    killed = verdict(ID, _state(ExitCode=137), ["last"])
    assert (killed.signal, killed.oom_killed, killed.last_lines) == (9, False, ["last"])
    starved = verdict(ID, _state(ExitCode=137, OOMKilled=True), [])
    assert (starved.oom_killed, starved.memory_limit_bytes) == (True, 64 << 20)
    # A child ran out of memory, and its parent ended in its own way.
    survived = verdict(ID, _state(ExitCode=3, OOMKilled=True), [])
    assert (survived.exit_code, survived.oom_killed) == (3, False)
    silent = verdict(ID, _state(ExitCode=75), [])
    assert not silent.is_reported
    assert "could not reach" in (silent.reason or "")
    never = verdict(ID, _state(ExitCode=127, Error="no such file"), [])
    assert never.reason == "its container could not start: no such file"


def test_the_digest_is_that_of_the_repository_it_was_named_by() -> None:
    image = {"Id": "sha256:id", "RepoDigests": ["a/x@sha256:1", "reg:5000/team/x@sha256:2"]}
    assert digest_of(image, "reg:5000/team/x:v1") == "reg:5000/team/x@sha256:2"
    assert digest_of(image, "unknown/x:v1") == "sha256:id"
