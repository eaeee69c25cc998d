"""Who finds a database in use is told what helps."""

from pathlib import Path

from runwright.server.database import MAINTENANCE, _in_use


def test_a_command_that_no_server_can_carry_out_is_not_sent_to_one():
    told = str(_in_use(Path("x.db"), "1", is_server=True, role=MAINTENANCE))
    assert "start the server again" in told
    assert "Ask that server" not in told
    asked = str(_in_use(Path("x.db"), "1", is_server=True, role="command"))
    assert "Ask that server" in asked
