"""What `runwright migrate` would do, given what both servers have."""

import pytest

from runwright.cli.migrating.plan import KINDS, Thing, differing, plan


def thing(kind, *name, **body):
    return Thing(kind=kind, name=name, body=body)


def test_each_thing_is_created_the_same_or_different():
    source = [
        thing("variable", "new", value=1),
        thing("variable", "same", value=[1], tags=[]),
        thing("variable", "other", value=1, tags=["a"]),
    ]
    target = [
        thing("variable", "same", value=[1]),
        thing("variable", "other", value=2, tags=["b"]),
        thing("limit", "new", limit=1),
    ]
    steps = plan(source, target, overwrite=False)
    assert [(step.thing.title, step.action, step.fields) for step in steps] == [
        ("new", "create", []),
        ("same", "same", []),
        ("other", "differs", ["value", "tags"]),
    ]
    assert plan(source, target, overwrite=True)[2].action == "overwrite"


def test_what_others_need_comes_first_and_order_stays_otherwise():
    things = [thing(kind, f"{number}") for kind in reversed(KINDS) for number in range(2)]
    steps = plan(things, [], overwrite=False)
    assert [step.thing.kind for step in steps] == [kind for kind in KINDS for _ in range(2)]
    assert [step.thing.title for step in steps] == ["0", "1"] * len(KINDS)


@pytest.mark.parametrize(
    ("wanted", "there", "fields"),
    [
        ({"a": None}, {}, []),
        ({"a": {"b": None, "c": []}}, {"a": {}}, []),
        ({"a": 1.0}, {"a": 1}, []),
        ({"a": ""}, {"a": None}, []),
        ({"a": False}, {"a": None}, ["a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a"]),
        ({}, {"a": 1}, []),
    ],
)
def test_only_what_means_something_else_differs(wanted, there, fields):
    assert differing(wanted, there) == fields
