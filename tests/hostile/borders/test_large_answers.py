"""Answers as large as they can be, to many readers at once, some of whom never read."""

import contextlib
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from runwright.credentials import key_for

READERS, DEAF = 64, 48
ROWS, SIZE = 16, 1_000_000
#: What is asked for: where, and what the rows are made of.
PAGES = ("/artifacts/filter", "/flow_runs/filter", "/flow_runs/paginate", "/artifacts/{id}")


class Memory:
    """The most memory that a process has while this is open."""

    def __init__(self, pid):
        self.process = psutil.Process(pid)
        self.before = self.most = self.process.memory_info().rss
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.wait(0.01):
            self.most = max(self.most, self.process.memory_info().rss)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def large(site_on_both):
    """A site with rows of which a page has 16 MB, and one of 4 MB."""
    site = site_on_both
    site.execution("p")
    deployment = site.deploy("hello", "p")
    for number in range(ROWS):
        data = f"{number:06}" + "x" * SIZE
        body = {"key": f"k{number}", "type": "markdown", "data": data}
        assert site.send("POST", "/artifacts/", body).status == 201
        path = f"/deployments/{deployment}/create_flow_run"
        made = site.send("POST", path, {"parameters": {"name": data}, "name": f"large-{number}"})
        assert made.status == 201, made.content
    body = {"key": "largest", "type": "markdown", "data": "x" * 4 * SIZE}
    site.largest = site.send("POST", "/artifacts/", body).json["id"]
    return site


def head(site, path, body):
    content = json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    return (
        f"{method} /api{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key_for(site.home, site.url)}\r\n"
        f"content-length: {0 if body is None else len(content)}\r\n\r\n"
    ).encode() + (b"" if body is None else content)


@contextlib.contextmanager
def deaf(site, asked):
    """Readers that ask and read nothing."""
    with contextlib.ExitStack() as opened:
        for path, body in asked:
            each = opened.enter_context(socket.socket())
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.settimeout(10)
            each.connect(("127.0.0.1", site.port))
            each.sendall(head(site, path, body))
        yield


def read(site, path, body):
    """How many bytes an answer has, and how it ended; a refusal is asked for again."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(
                "GET" if body is None else "POST",
                f"/api{path}",
                body=None if body is None else json.dumps(body),
                headers={"authorization": f"Bearer {key_for(site.home, site.url)}"},
            )
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 503:
                return answer.status, content
            assert answer.headers["retry-after"], content


def test_64_readers_of_the_worst_pages_stay_within_twice_the_idle_memory(large):
    site = large
    asked = [(page.format(id=site.largest), None if "{" in page else {}) for page in PAGES]
    with (
        Memory(site.server.pid) as memory,
        ThreadPoolExecutor(READERS - DEAF) as readers,
        deaf(site, (asked * DEAF)[:DEAF]),
    ):
        answers = list(
            readers.map(lambda each: read(site, *each), (asked * READERS)[: READERS - DEAF])
        )
        # Small answers are as quick as ever meanwhile, and nobody is refused them.
        assert site.send("POST", "/flow_runs/filter", {"limit": 0}, seconds=5).status == 200
    assert {status for status, _ in answers} == {200}
    assert min(len(content) for _, content in answers) > 4 * SIZE
    assert memory.most < 2 * memory.before, (memory.before, memory.most)


def test_a_large_page_has_every_row_in_order(large):
    site = large
    every = site.ask("POST", "/artifacts/filter", {"sort": "KEY_ASC"})
    assert [len(each["data"]) for each in every] == [*([SIZE + 6] * ROWS), 4 * SIZE]
    paged = []
    for offset in range(0, ROWS + 1, 5):
        body = {"sort": "KEY_ASC", "limit": 5, "offset": offset}
        paged += site.ask("POST", "/artifacts/filter", body)
    assert paged == every
    runs = {"flow_runs": {"name": {"like_": "large"}}, "sort": "NAME_ASC"}
    filtered = site.ask("POST", "/flow_runs/filter", runs)
    assert len(filtered) == ROWS
    page = site.ask("POST", "/flow_runs/paginate", {**runs, "limit": 10, "page": 2})
    assert {name: page[name] for name in ("count", "limit", "pages", "page")} == {
        "count": ROWS, "limit": 10, "pages": 2, "page": 2,
    }  # fmt: skip
    ids = [each["id"] for each in page["results"]]
    assert ids == [each["id"] for each in filtered[10:]]
    # A long filter, which is another statement.
    names = [f"large-{number}" for number in range(ROWS)] + [f"n{n}" for n in range(1_000)]
    long = {"flow_runs": {"name": {"any_": names}}, "sort": "NAME_ASC"}
    found = site.ask("POST", "/flow_runs/filter", long)
    assert [each["id"] for each in found] == [each["id"] for each in filtered]
