"""docs/states.md draws the lifecycle; here it is held to it."""

import re
from pathlib import Path

from runwright.core.lifecycle import LIFECYCLE
from runwright.core.states import TERMINAL, StateType

DOC = Path(__file__).parents[2] / "docs" / "states.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| ([\w ]+?) \| (yes)? *\|$", re.MULTILINE)
ARROW = re.compile(r"^    (\[\*\]|\w+) --> (\w+): ([\w ]+)$", re.MULTILINE)


def edges_of_the_code():
    return {
        (current.value if current else "none", proposed.value, edge.name, edge.forced)
        for current, following in LIFECYCLE.items()
        for proposed, edge in following.items()
    }


def test_the_table_of_the_page_is_the_lifecycle():
    rows = ROW.findall(DOC.read_text())

    assert {(a, b, name, forced == "yes") for a, b, name, forced in rows} == edges_of_the_code()
    assert len(rows) == len(set(rows))


def test_the_diagram_of_the_page_shows_the_edges_of_living_runs():
    arrows = ARROW.findall(DOC.read_text())
    drawn = {("none" if a == "[*]" else a, b, name) for a, b, name in arrows}

    unforced = {(a, b, name) for a, b, name, forced in edges_of_the_code() if not forced}
    assert drawn == unforced


def test_every_type_has_its_edges_and_only_force_leads_out_of_the_end():
    assert set(LIFECYCLE) == {None, *StateType}
    for ended in TERMINAL:
        assert all(edge.forced for edge in LIFECYCLE[ended].values())
