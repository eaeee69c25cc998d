"""The small parts of the execution plane."""

import asyncio
import os
import socket
import tempfile
from pathlib import Path

import pytest

from runwright.api.frames import DownFrame, StopFrame, ToldFrame
from runwright.clock import SystemClock
from runwright.errors import ConfigurationError
from runwright.worker import rehearsal
from runwright.worker.cgroups import memory_group
from runwright.worker.framing import BrokenStream, FrameReader, pack
from runwright.worker.health import health_endpoint
from runwright.worker.host import Host
from runwright.worker.job import read_job
from runwright.worker.launcher import LaunchFailed
from runwright.worker.notify import ServiceManager
from runwright.worker.output import KEPT_CHARACTERS, Output
from runwright.worker.refusals import Refusal, refusal_of
from runwright.worker.slots import Slots, default_limit
from runwright.worker.start import clear_leftovers
from runwright.worker.synchronize import key_name


def test_frames_survive_any_cut():
    stream = pack(StopFrame("cancelled")) + pack(ToldFrame(3, 200, {"a": [1]}))
    reader: FrameReader[DownFrame] = FrameReader(DownFrame)
    messages = [message for byte in stream for message in reader.feed(bytes([byte]))]
    assert messages == [StopFrame("cancelled"), ToldFrame(3, 200, {"a": [1]})]


@pytest.mark.parametrize("junk", [b"\xff\xff\xff\xff", b"\0\0\0\2{}"])
def test_what_is_no_frame_is_refused(junk):
    with pytest.raises(BrokenStream):
        FrameReader(DownFrame).feed(junk)


def test_slots_hold_an_execution_once_and_order_each_thing_once(claim):
    slots = Slots(2)
    claimed = claim()
    execution_id = claimed.spec.execution_id
    assert slots.hold(claimed)
    assert not slots.hold(claimed)
    assert slots.free == 1
    assert slots.order(execution_id, "cancelled")
    assert not slots.order(execution_id, "cancelled")
    assert slots.release(execution_id) is not None
    assert slots.release(execution_id) is None
    assert not slots.order(execution_id, "cancelled")
    assert slots.free == 2


def test_the_default_limit_is_finite():
    assert 1 <= default_limit() < 10_000


def test_a_job_says_what_to_execute():
    assert read_job({}).argv("python", 5) is None
    spawned = ["python", "-m", "runwright.sdk.execution", "5"]
    assert read_job({"start_method": "spawn"}).argv("python", 5) == spawned
    assert read_job({"python": "/opt/py"}).argv("python", 5) == ["/opt/py", *spawned[1:]]
    assert read_job({"command": "nice -n 5 'a b' {fd}"}).argv("python", 5) == [
        "nice",
        "-n",
        "5",
        "a b",
        "5",
    ]
    assert read_job({"command": None, "image": "for docker"}).command is None


def test_a_command_is_never_read_by_a_shell():
    job = read_job({"command": "echo ; touch $(canary) && rm x"})
    words = ["echo", ";", "touch", "$(canary)", "&&", "rm", "x"]
    assert job.argv("python", 5) == ["python", "-m", "runwright.sdk.command", "5", *words]


def test_a_job_with_unbalanced_quotes_is_refused():
    with pytest.raises(LaunchFailed, match="quotation"):
        read_job({"command": "echo 'half"})


def test_the_end_of_the_output_is_kept_and_all_of_it_passed_on(tmp_path):
    reading, writing = os.pipe()
    with (tmp_path / "out").open("wb") as forwarded:
        output = Output(reading, forward_to=forwarded.fileno())
        for number in range(60):
            os.write(writing, f"line {number}\n".encode())
        os.write(writing, b"\xff" + b"x" * 3000)
        os.close(writing)
        output.drain()
    assert output.is_closed
    lines = output.last_lines()
    assert len(lines) == 50
    assert lines[-2] == "line 59"
    assert len(lines[-1]) == KEPT_CHARACTERS
    assert (tmp_path / "out").read_bytes().startswith(b"line 0\n")
    os.close(reading)


def test_a_reader_that_does_not_read_holds_nobody_up():
    reading, writing = os.pipe()
    slow_reading, slow_writing = os.pipe()
    output = Output(reading, forward_to=slow_writing)
    for _ in range(100):
        os.write(writing, b"x" * 4000 + b"\n")
        output.read()
    for fd in (reading, writing, slow_reading, slow_writing):
        os.close(fd)


def test_memory_of_a_control_group_version_1(tmp_path):
    group = tmp_path / "memory" / "jobs" / "a"
    group.mkdir(parents=True)
    (group / "memory.usage_in_bytes").write_text("1000\n")
    (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (group / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/x\n4:memory:/jobs/a\n0::/\n")
    found = memory_group(root=tmp_path, membership=tmp_path / "cgroup")
    assert found is not None
    assert (found.used_bytes(), found.limit_bytes(), found.kills()) == (1000, None, 3)


def test_memory_of_a_control_group_version_2_in_a_container(tmp_path):
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.max").write_text("67108864\n")
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 2\noom 1\noom_kill 1\n")
    (tmp_path / "cgroup").write_text("0::/invisible/from/inside\n")
    found = memory_group(root=tmp_path, membership=tmp_path / "cgroup")
    assert found is not None
    assert (found.used_bytes(), found.limit_bytes(), found.kills()) == (1000, 64 << 20, 1)


def test_a_system_without_control_groups_has_no_memory_group(tmp_path):
    assert memory_group(membership=tmp_path / "none") is None


def test_the_hosts_figures_are_read_where_the_folder_is_yet_to_be_made(tmp_path):
    figures = Host(tmp_path / "a" / "b", clock=SystemClock()).figures()
    assert figures.memory_total_bytes
    assert figures.disk_total_bytes
    assert figures.cpu_count


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (409, b'{"code": "lease_lost"}', Refusal.LEASE_LOST),
        (409, b'{"code": "other"}', Refusal.TRY_LATER),
        (404, b"", Refusal.LEASE_LOST),
        (401, b"<html>", Refusal.LEASE_LOST),
        (422, b"{}", Refusal.BAD_REQUEST),
        (429, b"", Refusal.TRY_LATER),
        (500, b"", Refusal.TRY_LATER),
        (503, b"", Refusal.TRY_LATER),
    ],
)
def test_what_refusals_mean(status, body, meaning):
    assert refusal_of(status, body) is meaning


def test_a_key_is_named_by_its_public_part():
    assert key_name("rwk_worker_abcdefabcdef_secret") == "rwk_worker_abcdefabcdef_..."
    assert "secret" not in key_name("secret")
    assert key_name(None) == ""


def test_unsent_journals_are_kept_for_a_week(tmp_path):
    old, new = tmp_path / "old.journal", tmp_path / "new.journal"
    now = SystemClock().now()
    for file, age in ((old, 8 * 86_400), (new, 6 * 86_400)):
        file.touch()
        os.utime(file, (now.timestamp() - age,) * 2)
    assert clear_leftovers(tmp_path, now=now) == ["old.journal"]
    assert list(tmp_path.iterdir()) == [new]
    assert clear_leftovers(tmp_path / "none", now=now) == []


def test_nothing_here_listens():
    sources = Path(__file__).parents[3].joinpath("src/runwright/worker").rglob("*.py")
    text = "\n".join(source.read_text() for source in sources)
    assert ".listen(" not in text
    assert "start_server" not in text


def test_a_rehearsal_does_not_wait_where_loopback_drops_everything(monkeypatch):
    asked = []

    class Silence:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            pass

        async def send(self, *request):
            asked.append(request)
            await asyncio.Event().wait()

    monkeypatch.setattr(rehearsal, "connect", lambda *_: Silence())
    monkeypatch.setattr(rehearsal, "_REFUSED_WITHIN_SECONDS", 0.01)
    monkeypatch.setattr(rehearsal, "_BY_PROXY", False)
    rehearsal.rehearse()
    assert len(asked) == 1


def test_a_service_manager_is_told_once_that_the_worker_is_up():
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(f"{folder}/notify")
        manager.settimeout(5)
        told = ServiceManager({"NOTIFY_SOCKET": f"{folder}/notify"})
        told.alive("1 run")
        told.alive("2 runs")
        told.stopping()
        words = [manager.recv(1000).decode().split("\n") for _ in range(3)]
    assert words == [
        ["READY=1", "WATCHDOG=1", "STATUS=1 run"],
        ["WATCHDOG=1", "STATUS=2 runs"],
        ["STOPPING=1"],
    ]
    ServiceManager({}).alive("nobody listens")


def test_the_health_endpoint_is_on_loopback_and_tells_a_stuck_loop():
    age = [1.0]

    async def whole():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        async with health_endpoint(port, lambda: age[0]):
            assert await _health(port) == 200
            age[0] = 1000.0
            assert await _health(port) == 503
            with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}"):
                async with health_endpoint(port, lambda: 0.0):
                    pass
        with pytest.raises(OSError, match=r"refused|[Cc]onnect"):
            await _health(port)

    asyncio.run(whole())


async def _health(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])
