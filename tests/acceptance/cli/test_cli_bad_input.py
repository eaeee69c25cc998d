"""What people get wrong: a clear word on standard error, and the right exit status."""

import sqlite3

import pytest


def refused(done, code, *words):
    assert done.code == code, done
    assert done.out == ""
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done.err


@pytest.fixture(scope="module")
def pool(rw):
    rw.ok("work-pool", "create", "local")
    rw.ok("deploy", "flows.py:greet", "-n", "d", "-p", "local")
    return rw


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("nonsense", 2, ("nonsense", "work-pool")),
        ("work-pool creat", 2, ("Did you mean",)),
        ("deploy", 2, ("ENTRYPOINT",)),
        ("flow-run ls --state LOST", 2, ("LOST", "completed")),
        ("work-pool ls -o yaml", 2, ("json",)),
        ("work-pool create local", 4, ("already",)),
        ("work-pool inspect lokal", 3, ("lokal", "Pools: local")),
        ("work-queue ls --pool lokal", 3, ("lokal", "local")),
        ("worker start --pool lokal", 3, ("lokal", "Pools: local", "work-pool create")),
        ("deploy flows.py:greet -n x -p lokal", 3, ("lokal", "local")),
        ("deploy flows.py:nope -n x -p local", 1, ("nope", "flows.py:greet")),
        ("deploy flows.py -n x -p local", 1, ("several flows",)),
        ("deploy gone.py:greet -n x -p local", 1, ("gone.py", "no file")),
        ("deploy broken.py:f -n x -p local", 1, ("there_is_no_such_module", "broken.py")),
        ("deploy flows.py:greet -n x -p local --cron bad", 1, ("cron 'bad'",)),
        ("deploy flows.py:greet -n x -p local --interval soon", 1, ("90s",)),
        ("deploy flows.py:greet -n x -p local --param n", 1, ("name=value",)),
        ("deploy flows.py:greet -n x -p local --param n=many", 1, ("n", "integer")),
        ("deployment run greet/d --param n=many", 4, ("'n'", "integer")),
        ("deployment run greet/e", 3, ("greet/e", "greet/d")),
        ("deployment run greet", 3, ("flow/deployment", "greet/d")),
        ("deployment run greet/d --at noon", 1, ("no time",)),
        ("deployment run greet/d --at 2030-01-01 --in 5m", 1, ("not both",)),
        ("deployment schedule create greet/d", 1, ("--cron",)),
        ("deployment schedule create greet/d --cron bad", 1, ("cron 'bad'",)),
        ("flow-run inspect nope", 3, ("nope", "flow-run ls")),
        ("key create x --scope everything", 4, ("everything", "flows:read")),
        ("config set log_levle=3", 1, ("Did you mean log_level",)),
        ("config set server_port=x", 1, ("server_port",)),
        ("profile use nope", 3, ("nope", "default")),
        ("db downgrade base", 1, ("--yes",)),
    ],
)
def test_refusals(pool, command, code, words):
    refused(pool(*command.split()), code, *words)


def test_a_server_that_is_down(pool):
    done = pool("flow", "ls", RUNWRIGHT_API_URL="http://127.0.0.1:9/api")
    refused(done, 5, "http://127.0.0.1:9/api", "runwright server start")


def test_a_wrong_key(pool):
    refused(pool("flow", "ls", RUNWRIGHT_API_KEY="secret"), 6, "RUNWRIGHT_API_KEY")


def test_a_bad_setting(pool):
    refused(pool("flow", "ls", RUNWRIGHT_SERVER_PORT="x"), 1, "RUNWRIGHT_SERVER_PORT")


def test_a_port_in_use(pool, tmp_path):
    url = pool.ok("server", "status", "-o", "json").json["url"]
    port = url.rsplit(":", 1)[1].removesuffix("/api")
    other = f"sqlite:///{tmp_path}/other.db"
    done = pool("server", "start", "--port", port, "--database-url", other)
    refused(done, 1, f"127.0.0.1:{port}", "--port")
    in_background = pool(
        "server", "start", "--background", "--port", port, RUNWRIGHT_HOME=str(tmp_path)
    )
    refused(in_background, 5, "did not start", f"127.0.0.1:{port}")


def test_a_database_in_use(pool):
    refused(pool("server", "start", "--port", "0"), 1, "in use by a server", "server stop")
    refused(pool("db", "upgrade"), 1, "in use by a server", "server stop")


def test_a_postgres_that_does_not_answer(alone, tmp_path):
    nobody = f"postgresql://me:pass-word@/db?host={tmp_path}"
    refused_port = "postgresql://me:pass-word@127.0.0.1:9/db"
    for url in (nobody, refused_port):
        for command in (("server", "start", "--port", "0"), ("db", "upgrade"), ("flow", "ls")):
            done = alone(*command, RUNWRIGHT_DATABASE_URL=url)
            refused(done, 1, "database")
            assert "pass-word" not in done.err


def test_a_database_newer_than_the_program(alone):
    alone.ok("db", "upgrade")
    with sqlite3.connect(alone.home / "runwright.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'from-2031'")
    database.close()
    for command in (("server", "start", "--port", "0"), ("flow", "ls"), ("db", "upgrade")):
        refused(alone(*command), 1, "from-2031", "newer")


def test_a_home_that_cannot_be_written(alone, tmp_path):
    (tmp_path / "file").write_text("")
    done = alone("flow", "ls", RUNWRIGHT_HOME=str(tmp_path / "file" / "home"))
    refused(done, 1, str(tmp_path / "file"))
