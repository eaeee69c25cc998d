"""What every answer is held to: loaded by Schemathesis, which makes the requests."""

import json
import os
import re
from pathlib import Path
from typing import Any

import schemathesis

_ROLE = os.environ["FUZZ_ROLE"]
_HAS = frozenset(filter(None, os.environ["FUZZ_SCOPES"].split(",")))
_TALLY = Path(os.environ["FUZZ_TALLY"])
_PARAMETER = re.compile(r"\{[^}]*\}")


@schemathesis.check
def neither_broken_nor_unauthorised(_ctx: Any, response: Any, case: Any) -> None:
    """No 5xx but "busy"; no 2xx without the scope that the table of routes asks for."""
    place = f"{case.method} {case.path}"
    with _TALLY.open("a") as tally:
        tally.write(f"{response.status_code} {place}\n")
    assert response.status_code < 500 or response.status_code == 503, (
        f"{response.status_code}: {response.content[:300]!r}"
    )
    if 200 <= response.status_code < 300:
        assert _may(place), f"{_ROLE} was answered {response.status_code} to {place}"


def _may(place: str) -> bool:
    needs = _needs().get(_plain(place))
    wanted = {needs} if isinstance(needs, str) else set(needs or ())
    return bool(wanted & (_HAS | {"anyone"})) or ("any-key" in wanted and _ROLE != "nobody")


def _needs() -> dict[str, Any]:
    document = json.loads(Path(os.environ["FUZZ_SCHEMA"]).read_text())
    return {_plain(place): needs for place, needs in document["x-scopes"].items()}


def _plain(place: str) -> str:
    return _PARAMETER.sub("{}", place).replace(" /api/", " /").rstrip("/")
