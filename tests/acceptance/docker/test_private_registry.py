"""A registry that wants a password, which only the worker's machine knows."""

from pathlib import Path
from typing import Any

from tests.acceptance.docker import engine
from tests.acceptance.docker.engine import IMAGE, run

#: robot, s3cret
ACCOUNT = "robot:$2b$05$MLLGdrq8OkNc.xbyJqCnKufIT98c6H6oq57G2Bvtff2uPQ1AJHcjO\n"


def test_the_password_of_the_workers_policy_is_used(plant: Any, tmp_path: Path) -> None:
    with engine.registry(tmp_path, ACCOUNT) as address:
        image = f"{address}/team/private:1"
        run("docker", "tag", IMAGE, image)
        run("docker", "login", "-u", "robot", "-p", "s3cret", address)
        run("docker", "push", image)
        run("docker", "logout", address)
        run("docker", "rmi", image)
        plant.pool("boxes")
        plant.pool("strangers")
        here = {"image": image, "image_pull_policy": "Always"}
        stranger, known = (plant.deploy("hello", pool, **here) for pool in ("strangers", "boxes"))
        policy = plant.policy()
        plant.start_worker("strangers", RUNWRIGHT_WORKER_POLICY=policy)
        refused = plant.await_state(plant.run(stranger), "CRASHED")["state"]["message"]
        assert "The registry wants another user or password" in refused

        signed_in = tmp_path / "signed-in.toml"
        signed_in.write_text(
            f'{Path(policy).read_text()}[docker.registries."{address}"]\n'
            'username = "robot"\npassword_env = "REGISTRY_PASSWORD"\n'
        )
        plant.start_worker(
            "boxes", RUNWRIGHT_WORKER_POLICY=str(signed_in), REGISTRY_PASSWORD="s3cret"
        )
        run_id = plant.run(known)
        ended = plant.await_state(run_id, "COMPLETED", "CRASHED")
        assert ended["state_type"] == "COMPLETED", ended["state"]
        assert ended["image_digest"].startswith(f"{address}/team/private@sha256:")
        # It is nowhere where the control plane, or who looks at containers, could see it.
        assert "s3cret" not in str(ended)
