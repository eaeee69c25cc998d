"""The parts that commands are made of: values, what is shown, profiles, waiting, start-up."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runwright.api.states import StateType
from runwright.cli.exit_codes import Exit, of_error, of_outcome
from runwright.cli.profiles_file import as_toml, checked, known_field
from runwright.cli.render import Column, acted, note, printable, say, show, show_one, span, when
from runwright.cli.values import duration, instant, json_object, pairs, pairs_of_text
from runwright.cli.waiting import until
from runwright.errors import (
    ApiProblem,
    ConfigurationError,
    NotFound,
    ServerUnreachable,
    Unauthorized,
)
from runwright.settings import Profiles, profiles_file, read_profiles


def test_values_that_are_json_are_read_as_json() -> None:
    given = ["n=3", "name=x", "list=[1,2]", "text=a=b", 'quoted="3"', "none=null", "empty="]
    assert pairs(given, "--param") == {
        "n": 3,
        "name": "x",
        "list": [1, 2],
        "text": "a=b",
        "quoted": "3",
        "none": None,
        "empty": "",
    }
    assert pairs_of_text(["n=3"], "setting") == {"n": "3"}


@pytest.mark.parametrize("text", ["n", "=3", ""])
def test_a_pair_needs_its_name_and_equals_sign(text: str) -> None:
    with pytest.raises(ConfigurationError, match="name=value"):
        pairs([text], "--param")


@pytest.mark.parametrize("text", ["[1]", "{", "3"])
def test_parameters_are_one_object(text: str) -> None:
    with pytest.raises(ConfigurationError, match="JSON object"):
        json_object(text, "--params")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("1d", 86_400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "--in") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "m", "5 weeks", "h5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no duration"):
        duration(text, "--in")


def test_times_keep_their_offset() -> None:
    assert instant("2026-01-31T09:00+01:00", "--at") == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert instant("2026-01-31T09:00", "--at").tzinfo is not None
    with pytest.raises(ConfigurationError, match="no time"):
        instant("tomorrow", "--at")


def test_control_characters_are_shown_and_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[31mred\x07\r\u202eb"
    assert printable(evil) == "a\\x1b[31mred\\x07\\r\\u202eb"
    assert printable("two\nlines\tü") == "two\nlines\tü"
    say(evil)
    note(evil)
    show([evil], [Column("X", lambda x: x)], "table", name=str)
    show_one({"x": evil}, "table", name="")
    show_one({"x": evil}, "json", name="")
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err


def test_tables_names_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": 1}, {"a": None}]
    columns = [Column("A", lambda r: r["a"]), Column("LONG", lambda _: "x")]
    show(rows, columns, "table", name=lambda r: str(r["a"]))
    show(rows, columns, "name", name=lambda r: str(r["a"]))
    show(rows, columns, "json", name=str)
    acted("paused", "p", "json")
    out = capsys.readouterr().out
    assert out.startswith("A  LONG\n1  x\n   x\n1\nNone\n[\n")
    assert '"result": "paused"' in out


def test_an_empty_list_is_empty_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    show([], [], "table", name=str)
    assert capsys.readouterr() == ("", "none\n")
    show([], [], "json", name=str)
    assert capsys.readouterr().out == "[]\n"


def test_moments_and_spans() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert when(now - timedelta(seconds=12), now) == "12 s ago"
    assert when(now + timedelta(minutes=3), now) == "in 3 min 0 s"
    assert when(None, now) == ""
    assert [span(s) for s in (0.0421, 1.25, 59, 3700, 90_000)] == [
        "42 ms",
        "1.2 s",
        "59 s",
        "1 h 1 min",
        "1 d 1 h",
    ]


def test_exit_statuses() -> None:
    assert of_error(ServerUnreachable("x")) is Exit.UNREACHABLE
    assert of_error(NotFound("x", status=404)) is Exit.NOT_FOUND
    assert of_error(Unauthorized("x", status=401)) is Exit.UNAUTHORIZED
    assert of_error(ApiProblem("x", status=423)) is Exit.REFUSED
    assert of_error(ConfigurationError("x")) is Exit.ERROR
    assert of_outcome(StateType.COMPLETED) is Exit.OK
    assert of_outcome(StateType.CRASHED) is Exit.RUN_CRASHED
    assert of_outcome(StateType.RUNNING) is Exit.ERROR
    assert of_outcome(None) is Exit.ERROR


def test_profiles_are_written_as_they_are_read(tmp_path: Path) -> None:
    values = {"log_level": 'a"b\\c\n\x7fü', "server_port": 1, "tls_verify": False, "x": ["a"]}
    written = Profiles(active="of work", profiles={"of work": values, "other": {}})
    profiles_file(tmp_path).write_text(as_toml(written))
    assert read_profiles(tmp_path) == written


def test_settings_are_named_in_any_spelling_and_misspellings_are_told() -> None:
    assert known_field("RUNWRIGHT_LOG_LEVEL") == known_field("log-level") == "log_level"
    with pytest.raises(ConfigurationError, match="Did you mean log_level"):
        known_field("log_levle")
    with pytest.raises(ConfigurationError, match="not kept in a profile"):
        known_field("home")


def test_values_of_profiles_are_checked_and_typed(tmp_path: Path) -> None:
    assert checked("server_port", "81") == 81
    assert checked("log_extra_loggers", "a, b") == ["a", "b"]
    assert checked("results_path", str(tmp_path)) == str(tmp_path)
    with pytest.raises(ConfigurationError, match="server_port"):
        checked("server_port", "x")


def test_waiting_ends_with_the_condition_or_the_time() -> None:
    moment = iter(range(100))
    truths = iter([False, False, True])
    assert until(lambda: next(truths), 50, sleep=lambda _: None, monotonic=lambda: next(moment))
    assert not until(lambda: False, 5, sleep=lambda _: None, monotonic=lambda: next(moment))


HEAVY = ("aiohttp", "litestar", "sqlalchemy", "pydantic")


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [("version", (*HEAVY, "rich", "cyclopts", "asyncio")), ("--help", (*HEAVY, "alembic"))],
)
def test_start_up_imports_little(command: str, unwanted: tuple[str, ...]) -> None:
    program = (
        "import sys; from runwright.cli.main import run; "
        f"code = run([{command!r}]); "
        f"print('loaded:', *(m for m in {unwanted!r} if m in sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
