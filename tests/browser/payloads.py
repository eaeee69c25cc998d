"""Texts that would act if a page took them for more than texts, and every place they can be put."""

import json
import urllib.error
from collections import Counter
from typing import Any
from urllib.parse import quote
from uuid import uuid4

#: Each of them sets `window.pwned`, opens a dialog, or asks for something elsewhere, if it acts.
PAYLOADS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=2</script>",
    "<img src=x onerror=window.pwned=3>",
    '"><svg onload=window.pwned=4>',
    "<svg><animate onbegin=window.pwned=5 attributeName=x dur=1s></svg>",
    "<iframe srcdoc='<script>parent.pwned=6</script>'></iframe>",
    "<iframe src=javascript:parent.pwned=7></iframe>",
    "[x](javascript:window.pwned=8)",
    "[x](JaVaScRiPt&colon;window.pwned=9)",
    "![x](x\" onerror=\"window.pwned=10)",
    "[x](data:text/html;base64,PHNjcmlwdD5vcGVuZXIucHduZWQ9MTE8L3NjcmlwdD4=)",
    "javascript:window.pwned=12",
    "javascript://%0aalert(13)",
    "{{constructor.constructor('window.pwned=14')()}}",
    "${window.pwned=15}",
    "' autofocus onfocus='window.pwned=16",
    '" onmouseover="window.pwned=17" style="position:fixed;inset:0',
    "<style>*{background:url(https://elsewhere.invalid/18)}</style>",
    "<a href='javascript:window.pwned=19'>x</a><form action=javascript:alert(19)><button>go</form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=20>",
    "<details open ontoggle=window.pwned=21>",
    "<base href=https://elsewhere.invalid/><meta http-equiv=refresh content='0;url=//x.invalid'>",
    "\u202e<b id=content name=cookie>\x1b]8;;javascript:window.pwned=23\x07x\x1b]8;;\x07",
)  # fmt: skip


class Planter:
    """Puts payloads where the control plane takes them, and counts where it did."""

    def __init__(self, site: Any) -> None:
        self._site = site
        self.taken: Counter[str] = Counter()

    def put(self, kind: str, path: str, body: Any, method: str = "POST") -> Any:
        """The answer; None where the control plane does not take such a text."""
        try:
            answer = self._site.ask(method, path, body)
        except urllib.error.HTTPError as refused:
            if refused.code in {404, 409, 422}:
                return None
            raise
        self.taken[kind] += 1
        return answer

    def everywhere(self, number: int, text: str) -> str:
        """One payload in every field of every object. The id of its run."""
        self.put("variable", "/variables/", {"name": f"v{number}", "value": text, "tags": [text]})
        self.put("limit", "/v2/concurrency_limits/", {"name": text, "limit": 1})
        self.put("automation", "/automations/", _automation(text))
        self.put("key", "/keys", {"name": text})
        self.put("event", "/events/", [_event(text)])
        view = {
            "object": text, "property": "address", "type": "object", "operation": "equals",
            "value": {"name": text, "state": [text]},
        }  # fmt: skip
        self.put("view", "/saved_searches", {"name": text, "filters": [view]}, "PUT")
        pool = self._pool(number, text)
        flow = self.put("flow's name", "/flows/", {"name": text, "tags": [text]})
        flow = flow or self.put("flow", "/flows/", {"name": f"f {number}", "tags": [text]})
        deployment = self._deployment(number, text, flow["id"], pool)
        run = self.put(
            "run", f"/deployments/{deployment}/create_flow_run",
            {"name": text, "tags": [text], "parameters": {text: text}, "labels": {text: text},
             "enforce_parameter_schema": False},
        )["id"]  # fmt: skip
        self._in_run(number, text, run)
        return run

    def _pool(self, number: int, text: str) -> str:
        name = f"pool {number}"
        made = self.put("pool's name", "/work_pools/", {"name": text, "description": text})
        pool = made["name"] if made else name
        if made is None:
            self.put("pool", "/work_pools/", {"name": name, "description": text})
        where = f"/work_pools/{quote(pool, safe='')}"
        self.put("queue", f"{where}/queues/", {"name": f"q {number}", "description": text})
        self.put("queue's name", f"{where}/queues/", {"name": text, "description": text})
        self.put("worker", f"{where}/workers/heartbeat", {"name": text})
        return pool

    def _deployment(self, number: int, text: str, flow: str, pool: str) -> str:
        schema = {
            "type": "object",
            "properties": {text: {"type": "string", "title": text, "description": text}},
        }
        body = {
            "flow_id": flow, "description": text, "version": text, "entrypoint": text,
            "path": text, "tags": [text], "parameters": {text: text}, "work_pool_name": pool,
            "parameter_openapi_schema": schema, "enforce_parameter_schema": False,
        }  # fmt: skip
        made = self.put("deployment's name", "/deployments/", {"name": text, **body})
        made = made or self.put("deployment", "/deployments/", {"name": f"d {number}", **body})
        return made["id"]

    def _in_run(self, number: int, text: str, run: str) -> None:
        for kind, data in _artifacts(text):
            body = {
                "key": f"k-{number}-{kind}", "type": kind, "description": text, "data": data,
                "flow_run_id": run,
            }  # fmt: skip
            self.put("artifact", "/artifacts/", body)
        self.put(
            "log", "/logs/",
            [{"name": text, "level": level, "message": f"{text}\n{text}", "flow_run_id": run,
              "timestamp": "2026-01-01T00:00:00Z"} for level in (20, 40)],
        )  # fmt: skip
        state = {"type": "FAILED" if number % 2 else "CRASHED", "name": text, "message": text}
        task = {
            "task_key": text, "dynamic_key": "0", "name": text, "tags": [text],
            "flow_run_id": run, "state": state,
        }  # fmt: skip
        self.put("task", "/task_runs/", task)
        self.put("state", f"/flow_runs/{run}/set_state", {"state": state, "force": True})


def _artifacts(text: str) -> list[tuple[str, Any]]:
    table, code = f"| {text} |\n|---|\n| {text} |", f"```{text}\n{text}\n```"
    return [
        ("markdown", f"# {text}\n\n{text}\n\n{table}\n\n{code}"),
        ("table", json.dumps([{text: text}])),
        ("image", text),
        ("progress", 50),
        ("link", f"[{text}]({text})"),
        ("odd", {text: [text]}),
    ]  # fmt: skip


def _automation(text: str) -> dict[str, Any]:
    trigger = {
        "type": "event", "posture": "Reactive", "expect": [text], "threshold": 1, "within": 0,
        "match": {"prefect.resource.id": text},
    }  # fmt: skip
    actions = [{"type": "pause-deployment", "source": "inferred"}]
    return {"name": text, "description": text, "trigger": trigger, "actions": actions}


def _event(text: str) -> dict[str, Any]:
    resource = {"prefect.resource.id": f"x.{text}", "prefect.resource.name": text, text: text}
    related = {
        "prefect.resource.id": f"prefect.flow-run.{text}", "prefect.resource.role": "flow-run",
    }  # fmt: skip
    return {
        "id": str(uuid4()), "occurred": "2026-01-01T00:00:00Z", "event": text,
        "resource": resource, "payload": {text: text},
        "related": [related],
    }  # fmt: skip
