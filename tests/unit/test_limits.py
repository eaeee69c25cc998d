"""Whatever a request may carry has a limit, and the decoder, the document and the table agree."""

from typing import Any, get_args, get_origin

import msgspec
import pytest

from runwright.api import limits
from runwright.api.flow_runs import FlowRunCreate
from runwright.api.logs import Log
from runwright.core.states import State, StateType
from runwright.server.app import body_types, describe
from runwright.server.decoding import decode
from runwright.server.field_limits import fields_of, is_union, limits_of, plain
from runwright.server.problems import Unprocessable
from runwright.storage.logs import fitted

#: What executions and workers report is cut, not refused; bodies as a whole bound it.
LAX = {
    "AnyEntry", "ArtifactMade", "ExecutionRef", "ExitReport", "FlowRunPatched", "FlowRunProposed",
    "FlowRunStarted", "HostFigures", "InfrastructureReport", "JournalBatch", "LogWritten",
    "LogCreate", "ProposedDetails", "ReleaseRequest", "RunFigures", "State", "StateDetails",
    "SyncRequest",
    "TaskRunInfo", "TaskRunMoved",
}  # fmt: skip
#: Their members are bounded by others: a message is cut, labels are looked up and never all sent.
APART = {("StateCreate", "message"), ("ResourceIs", "labels"), ("RelatedIs", "labels")}


def is_unlimited(hint: Any) -> bool:
    inner, _ = plain(hint)
    if limits_of(hint):
        return False
    if is_union(inner):
        return any(is_unlimited(each) for each in get_args(inner))
    return inner in (str, dict, list, Any) or get_origin(inner) in (list, dict)


def test_every_field_of_every_request_has_a_limit():
    unlimited = [
        f"{name}.{field}"
        for name, struct in body_types().items()
        if name not in LAX
        for field, hint in fields_of(struct).items()
        if (name, field) not in APART and is_unlimited(hint)
    ]
    assert not unlimited, f"give these a type of runwright.api.limits: {unlimited}"


def run_create(**fields):
    body = {"flow_id": "00000000-0000-4000-8000-000000000000", **fields}
    return decode(msgspec.json.Decoder(FlowRunCreate), msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("at_most", "too_much", "says"),
    [
        ({"name": "x" * 1000}, {"name": "x" * 1001}, "$.name"),
        ({"tags": ["x"] * 500}, {"tags": ["x"] * 501}, "$.tags"),
        ({"tags": ["x" * 500]}, {"tags": ["x" * 501]}, "$.tags"),
        (
            {"parameters": {"x": "y" * (limits.MAX_PARAMETERS - 8)}},
            {"parameters": {"x": "y" * (limits.MAX_PARAMETERS - 7)}},
            "parameters",
        ),
    ],
)
def test_what_is_at_its_limit_is_taken_and_what_is_beyond_it_is_named(at_most, too_much, says):
    run_create(**at_most)
    with pytest.raises(Unprocessable) as refused:
        run_create(**too_much)
    assert says in refused.value.detail


def test_the_document_says_so_too():
    schemas = describe()["components"]["schemas"]
    run = schemas["FlowRunCreate"]["properties"]
    assert run["name"]["maxLength"] == limits.MAX_NAME
    assert run["tags"]["maxItems"] == limits.MAX_TAGS
    assert run["tags"]["items"]["maxLength"] == limits.MAX_TAG
    assert run["parameters"]["x-max-bytes"] == limits.MAX_PARAMETERS
    assert schemas["IdIs"]["properties"]["any_"]["maxItems"] == limits.MAX_FILTER_VALUES


def state(message):
    return State(id="x", type=StateType.FAILED, name="Failed", timestamp=None, message=message)  # type: ignore[arg-type]


def test_the_message_of_a_state_is_cut_and_says_how_long_it_was():
    assert limits.shortened_state(state("x" * 100_000)).message == "x" * 100_000
    cut = limits.shortened_state(state("x" * 100_001)).message
    assert cut is not None
    assert cut.startswith("x" * 100_000 + "... (cut")
    assert "100,001" in cut


def line(length):
    return Log(id=None, created=None, updated=None, name="n", level=20, message="x" * length,
               timestamp=None)  # type: ignore[arg-type]  # fmt: skip


def test_a_page_of_a_log_is_cut_by_bytes_and_loses_no_line():
    page = [line(20_000) for _ in range(150)] + [line(100) for _ in range(50)]
    shown = fitted(page)
    assert len(shown) == len(page)
    assert sum(len(each.message) for each in shown) <= limits.MAX_GATHERED + 200 * 50
    assert [each.message for each in shown[150:]] == ["x" * 100] * 50
    assert "(cut" in shown[0].message
    small = [line(5_000) for _ in range(200)]
    assert fitted(small) is small
