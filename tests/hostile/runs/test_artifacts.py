"""Tables and images arrive as what they are, however their flow is run."""

import json

from tests.hostile.runs.conftest import Run

SOURCE = """
import math
from runwright import flow, task
from runwright.artifacts import create_image_artifact, create_table_artifact

PNG = b"\\x89PNG\\r\\n\\x1a\\n" + bytes(600_000)

@task
def tables():
    create_table_artifact([{"share": math.nan, "n": 2**70}, {"share": 0.5}], key="small")
    create_table_artifact([{"text": "x" * 1_000} for _ in range(9_000)], key="large")

@flow
def publish():
    tables()
    create_image_artifact(PNG, key="plot")
    try:
        create_image_artifact(PNG * 2, key="huge")
    except Exception as error:
        return str(error)
    raise AssertionError("accepted")
"""


def test_what_is_published_is_recorded_whole_or_says_what_is_missing(run: Run) -> None:
    ended = run(SOURCE, "publish")
    assert ended.state == "COMPLETED", ended
    found = {artifact["key"]: artifact for artifact in ended.artifacts}
    assert sorted(found) == ["large", "plot", "small"]
    assert json.loads(found["small"]["data"], parse_constant=str) == [
        {"share": None, "n": 2**70},
        {"share": 0.5},
    ]
    large = json.loads(found["large"]["data"])
    assert 1_900 < len(large) < 2_000
    assert f"the first {len(large):,} of its 9,000 rows are recorded" in ended.text
    kind, _, content = found["plot"]["data"].partition(",")
    assert (found["plot"]["type"], kind) == ("image", "data:image/png;base64")
    assert len(content) == 800_012
