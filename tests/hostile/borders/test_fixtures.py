"""What the other tests here stand on: a claimed run reports, and a scope is a border."""


def test_an_execution_reports_about_itself(site_on_both):
    execution = site_on_both.execution("p", name="you")
    assert site_on_both.state(execution.run) == "RUNNING"
    assert execution.ask("GET", f"/flow_runs/{execution.run}").status == 200


def test_a_key_is_held_to_its_scopes(site):
    reader = site.make_key("runs:read")
    assert site.send("POST", "/flow_runs/filter", {}, key=reader).status == 200
    assert site.send("POST", "/work_pools/", {"name": "x"}, key=reader).status == 403
    assert site.send("POST", "/flow_runs/filter", {}, key=None).status == 401
