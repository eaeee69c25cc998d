"""A client that remembers what it was told: ok, refused, or nothing."""

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

#: Answers that say: nothing was done, come again.
_AGAIN = frozenset({429, 502, 503, 507})

#: Where the flows are that are run.
CODE = str(Path(__file__).parent)


class Unknown(Exception):
    """No answer came: it was done, or it was not."""


class Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status


class Client:
    """One user of the API."""

    def __init__(self, url: str, key: str, seed: int = 0) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._chance = random.Random(seed)
        #: Statuses from 500 on that a client does not try again.
        self.errors: list[str] = []

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float = 10) -> Any:
        """One request.

        Raises:
            Unknown: there was no answer.
            Refused: the answer says no.
        """
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            refusal = Refused(error.code, error.read())
            if error.code >= 500 and error.code not in _AGAIN:
                self.errors.append(f"{method} {path}: {refusal}")
            raise refusal from None
        except (OSError, http.client.HTTPException) as error:
            raise Unknown(str(error)) from error
        return json.loads(content) if content else None

    def insist(self, method: str, path: str, body: Any = None, *, seconds: float = 60) -> Any:
        """The same again and again while there is no answer: for what may be done twice."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.ask(method, path, body)
            except (Unknown, Refused) as error:
                if isinstance(error, Refused) and error.status not in _AGAIN:
                    raise
                if time.monotonic() > end:
                    raise
                time.sleep(self._chance.uniform(0.05, 0.5))

    def prepare(self, code: str, *, limit: int | None) -> dict[str, str]:
        """A pool and the deployments of the flows; their ids by name."""
        self.insist(
            "POST", "/work_pools/", {"name": "p", "type": "process", "concurrency_limit": limit}
        )
        made = {}
        for name in ("chaos", "busy", "talk"):
            flow = self.insist("POST", "/flows/", {"name": name})["id"]
            body = {
                "name": name,
                "flow_id": flow,
                "entrypoint": f"chaos_flows.py:{name}",
                "path": code,
                "work_pool_name": "p",
            }
            made[name] = self.insist("POST", "/deployments/", body)["id"]
        return made
