"""What tests of automations share: one is made, events are told, the duties do a pass."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from runwright.clock import SystemClock
from runwright.server.duties import duties_of

REACTIVE = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0}


def event(name="thing.happened", *, resource="thing.1", related=(), **more):
    return {
        "id": str(uuid4()),
        "occurred": SystemClock().now().isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": resource, **more.pop("labels", {})},
        "related": [
            {"prefect.resource.id": each, "prefect.resource.role": role} for each, role in related
        ],
        **more,
    }


def automation(api, *actions, name="a", **trigger):
    """A new automation; by default of every `thing.happened`."""
    body = {
        "name": name,
        "trigger": REACTIVE | {"expect": ["thing.happened"]} | trigger,
        "actions": list(actions) or [{"type": "do-nothing"}],
    }
    return api.ok("POST", "/api/automations/", body)["id"]


def tell(api, *events):
    api.ok("POST", "/api/events", list(events))


def act(api, *, until_quiet=True):
    """Evaluator and dispatcher, in turn, until nothing is left to do now."""
    duties = {duty.name: duty for duty in duties_of(api.wiring, with_scheduler=False)}

    async def passes():
        for _ in range(30):
            judged = await duties["evaluator"].one_pass()
            tried = await duties["dispatcher"].one_pass()
            if not (judged or tried) or not until_quiet:
                break
        await duties["dispatcher"].close()

    api.run(passes())


def firings(api, automation_id):
    return api.ok("POST", f"/api/automations/{automation_id}/firings/filter", {})


def outcomes(api, automation_id):
    """Status, error and result of every action, the latest firing first."""
    return [
        (action["status"], action["error"], action["result"])
        for firing in firings(api, automation_id)
        for action in firing["actions"]
    ]


def told(api, prefix="prefect.automation."):
    wanted = {"filter": {"event": {"prefix": [prefix]}, "order": "ASC"}}
    return [each["event"] for each in api.ok("POST", "/api/events/filter", wanted)["events"]]


def block(api, slug, data, name="b"):
    kind = api.ok("POST", "/api/block_types/", {"name": slug, "slug": slug})
    schema = {"block_type_id": kind["id"], "fields": {"block_type_slug": slug}}
    made = api.ok("POST", "/api/block_schemas/", schema)
    ids = {"block_type_id": kind["id"], "block_schema_id": made["id"]}
    return api.ok("POST", "/api/block_documents/", {"name": name, "data": data, **ids})["id"]


class Sink:
    """What was sent to an address, which answers what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def sink() -> Iterator[Sink]:
    """An address on this machine."""
    it = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            it.received.append((self.path, dict(self.headers.items()), body))
            self.send_response(it.status)
            self.send_header("Content-Length", "0")
            self.send_header("Location", "http://169.254.169.254/")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815  # the name is http.server's

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
