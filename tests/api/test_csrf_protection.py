"""A server that asks for CSRF tokens where a browser could be made to send a password."""

import base64

import pytest


@pytest.fixture
def more_settings():
    return {"RUNWRIGHT_CSRF_PROTECTION": "true"}


@pytest.fixture
def basic(api):
    word = base64.b64encode(f"user:{api.key}".encode()).decode()
    return {"authorization": f"Basic {word}"}


def make(api, headers, **how):
    return api.send("POST", "/api/flows/", {"name": "f"}, headers=headers, **how).status


def test_a_password_needs_a_token(api, basic):
    assert make(api, basic, key=None) == 403
    given = api.send("GET", "/api/csrf-token?client=abc", key=None, headers=basic).json

    assert given["client"] == "abc"
    assert make(api, basic | {"prefect-csrf-token": given["token"]}, key=None) == 201
    assert api.send("GET", "/api/flows/name/f", key=None, headers=basic).status == 200


def test_a_token_that_is_sent_must_be_right(api, basic):
    for wrong in ("made up", "\xe9"):
        assert make(api, basic | {"prefect-csrf-token": wrong}, key=None) == 403
        assert make(api, {"prefect-csrf-token": wrong}) == 403


def test_a_bearer_needs_none(api):
    assert make(api, {}) == 201
