"""Everybody at every route, with everybody else's ids: a short form of `make fuzz`."""

from chaos.borders import CROSSING, attack, calm_server
from chaos.goals import Goals


def test_nobody_reaches_what_is_not_theirs_by_any_route(tmp_path, database_url):
    goals = Goals()
    with calm_server(tmp_path / "server", database_url) as server:
        attack(goals, server, times=2, seed=1)
    assert goals.violations == []
    assert goals[CROSSING].trials > 500


def test_a_border_that_is_open_is_noticed(tmp_path):
    """The same with a flow that is given the administrator's key, which may do everything."""
    goals = Goals()
    with calm_server(tmp_path / "server", f"sqlite:///{tmp_path}/runwright.db") as server:
        attack(goals, server, times=1, seed=1, flow_key=server.key)
    assert any("hostile flow" in each for each in goals.violations)
