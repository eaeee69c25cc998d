"""Runs in containers of a real engine: what they are told, and how their ends are known."""

import os
import signal
from typing import Any

from tests.acceptance.docker.engine import IMAGE, logs_of, run, until


def begun(plant: Any, run_id: str) -> str:
    """The container of a run whose flow has begun."""
    container = plant.container_of(run_id)
    until(lambda: "begun" in logs_of(container), 60, "the flow to begin")
    return container


def test_a_run_completes_in_a_container_of_its_own_and_nothing_is_left(plant: Any) -> None:
    plant.pool("boxes")
    deployment = plant.deploy("hello", "boxes", env={"GREETING": "box"})
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=plant.policy())
    run_id = plant.run(deployment, parameters={"name": "you"})
    ended = plant.await_state(run_id, "COMPLETED", "FAILED", "CRASHED")
    assert ended["state_type"] == "COMPLETED", ended["state"]
    assert "hello you from box" in plant.lines(run_id)
    assert ended["image"] == IMAGE
    assert ended["image_digest"].startswith("sha256:")
    assert ended["deployment_version_number"] == 1
    assert len(ended["infrastructure_pid"].split(":")[1]) == 64
    until(lambda: not plant.containers(), 20, "the container to be removed")


def test_a_killed_container_is_a_crash_with_its_cause_and_the_next_attempt_completes(
    plant: Any,
) -> None:
    plant.pool("boxes")
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=plant.policy())
    run_id = plant.run(plant.deploy("held_once", "boxes", retries=1))
    container = begun(plant, run_id)
    run("docker", "kill", container)
    crashed = plant.await_state(run_id, "CRASHED")
    assert "killed by signal 9" in crashed["state"]["message"]
    assert "begun" in crashed["exit_report"]["last_lines"]
    second = until(lambda: plant.attempts(run_id)[1:], 20, "the next attempt")[0]
    assert plant.await_state(second["id"], "COMPLETED", "FAILED")["state_type"] == "COMPLETED"


def test_more_memory_than_the_limit_is_told_with_limit_and_peak(plant: Any) -> None:
    plant.pool("boxes")
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=plant.policy())
    run_id = plant.run(plant.deploy("hungry", "boxes", mem_limit="160m"))
    crashed = plant.await_state(run_id, "CRASHED")
    message = crashed["state"]["message"]
    assert "memory ran out: limit 160 MiB, peak" in message
    peak = crashed["exit_report"]["peak_memory_bytes"]
    assert 100 << 20 < peak <= 160 << 20


def test_a_cancelled_run_stops_its_container_within_the_grace(plant: Any) -> None:
    plant.pool("boxes")
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=plant.policy())
    run_id = plant.run(plant.deploy("held", "boxes"))
    begun(plant, run_id)
    plant.ask("POST", f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING"}})
    plant.await_state(run_id, "CANCELLED", seconds=20)
    until(lambda: not plant.containers(), 20, "the container to be gone")


def test_what_cannot_be_pulled_started_or_allowed_is_the_cause(plant: Any, registry: str) -> None:
    plant.pool("boxes")
    policy = plant.policy(f'images = ["{registry}/*", "{IMAGE}", "runwright-tests-python:1"]')
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=policy)
    causes = {
        "no such image or tag": {"image": f"{registry}/team/absent:1"},
        "is Never": {"image": f"{registry}/team/absent:1", "image_pull_policy": "Never"},
        "does not allow the image": {"image": "docker.io/library/evil:1"},
        "does not allow the directory /etc": {"volumes": ["/etc:/host"]},
        "does not allow a privileged container": {"privileged": True},
        "does not allow the network mode host": {"network_mode": "host"},
        "no module named": {"image": "runwright-tests-python:1"},
        "mem_limit is 'much'": {"mem_limit": "much"},
        "executable file not found": {"env": {"PATH": "/nowhere"}},
    }
    for cause, variables in causes.items():
        ended = plant.await_state(plant.run(plant.deploy("hello", "boxes", **variables)), "CRASHED")
        report = ended["exit_report"]
        told = f"{ended['state']['message']} {' '.join(report.get('last_lines', []))}"
        assert cause.lower() in told.lower(), told
    until(lambda: not plant.containers(), 20, "the containers to be removed")


def test_a_worker_that_is_killed_finds_its_containers_again(plant: Any) -> None:
    plant.pool("boxes")
    policy = plant.policy()
    worker = plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=policy)
    deployment = plant.deploy("held", "boxes", retries=1)
    run_id = plant.run(deployment, parameters={"seconds": 8})
    lost = plant.run(deployment, parameters={"seconds": 300})
    begun(plant, run_id)
    container = begun(plant, lost)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    run("docker", "kill", container)  # nobody watches it now
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=policy)
    assert plant.await_state(run_id, "COMPLETED", "FAILED", "CRASHED")["attempt"] == 1
    assert plant.read(run_id)["state_type"] == "COMPLETED"
    assert plant.await_state(lost, "CRASHED")["state"]["message"].startswith("The flow's process")
    second = until(lambda: plant.attempts(lost)[1:], 20, "the next attempt")[0]
    begun(plant, second["id"])
    until(lambda: len(plant.containers()) == 1, 20, "the dead container to be removed")


def test_a_container_that_is_to_stay_outlasts_its_worker(
    plant: Any,
) -> None:
    plant.pool("boxes")
    policy = plant.policy()
    worker = plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=policy)
    run_id = plant.run(plant.deploy("hello", "boxes", auto_remove=False))
    plant.await_state(run_id, "COMPLETED")
    [kept] = plant.containers()
    worker.terminate()
    worker.wait(40)
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=policy)
    # The new worker has looked at it when it has carried out something else.
    plant.await_state(plant.run(plant.deploy("hello", "boxes")), "COMPLETED")
    until(lambda: plant.containers() == [kept], 20, "the other one to be removed")
