"""`python -m chaos.sink FILE`: what webhooks are sent to. Prints its port; writes what it receives.

`/fine` answers 200, `/dead` never anything but 503. `/flaky` takes some requests and closes the
connection: whoever sent them cannot know that they have arrived.
"""

import random
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

_LOST = 0.15


class Delivery(NamedTuple):
    """One request that arrived."""

    path: str
    key: str
    body: str
    at: float


def deliveries(file: Path) -> list[Delivery]:
    """What has arrived by now."""
    found = []
    for line in file.read_text().splitlines():
        path, key, body, at = line.split("\t")
        found.append(Delivery(path, key, body, float(at)))
    return found


def main() -> None:
    file = Path(sys.argv[1]).open("a", buffering=1)
    lock, chance = threading.Lock(), random.Random(1)
    lost: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            key = self.headers.get("Idempotency-Key", "")
            with lock:
                file.write(f"{self.path}\t{key}\t{body[:200]}\t{time.time()}\n")
                # Not for ever: what never arrives is another matter.
                is_lost = self.path == "/flaky" and chance.random() < _LOST and lost[key] < 2
                lost[key] += is_lost
            if is_lost:
                self.close_connection = True
                return
            self.send_response(503 if self.path == "/dead" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            pass  # who has sent it was killed

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
