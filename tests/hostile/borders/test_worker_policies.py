"""A worker refuses what its owner's policy forbids, whoever has the server send it."""


def ended(site, run):
    site.until(lambda: site.state(run) in {"COMPLETED", "CRASHED", "FAILED"}, 30)
    state = site.ask("GET", f"/flow_runs/{run}")["state"]
    return state["type"], state["message"] or ""


def asked(site, deployment, **variables):
    path = f"/deployments/{deployment}/create_flow_run"
    return site.ask("POST", path, {"job_variables": variables})["id"]


def test_the_policy_of_a_process_worker_has_the_last_word(site, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('[process]\ncommands = ["true"]\ndeny_env = ["FORBIDDEN"]\n')
    site.env["RUNWRIGHT_WORKER_POLICY"] = str(policy)
    canary = tmp_path / "canary"
    fine = site.deploy("hello", "p", env={"PYTHONPATH": str(tmp_path)})
    command = site.deploy("hello", "q", command=f"touch {canary}")
    for pool in ("p", "q"):
        site.start_worker(pool)

    # An administrator may ask for all of it, and the deployment for PYTHONPATH.
    runs = {
        "COMPLETED": [asked(site, fine, env={"GREETING": "hi"}), asked(site, fine, command="true")],
        "CRASHED": [
            asked(site, fine, env={"PYTHONPATH": "/tmp"}),
            asked(site, fine, env={"LD_LIBRARY_PATH": "/tmp"}),
            asked(site, fine, env={"FORBIDDEN": "1"}),
            asked(site, fine, command=f"touch {canary}"),
            asked(site, command),
        ],
    }
    for state, of_state in runs.items():
        for run in of_state:
            found, why = ended(site, run)
            assert found == state, (why, run)
            assert ("this worker's policy does not" in why) == (state == "CRASHED"), why
    assert not canary.exists()
