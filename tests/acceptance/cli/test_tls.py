"""Everything over https, with a certificate that only `tls_ca_file` vouches for."""

import shutil
import subprocess
import sys

import pytest

from runwright.cli.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def make_certificate(folder, *, host="IP:127.0.0.1,DNS:localhost"):
    """A certificate that signs itself, and its key."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=runwright", "-addext", f"subjectAltName={host}"]
    files = ["-keyout", key, "-out", certificate]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def secured(alone, tmp_path):
    """The command line, whose server has a certificate; and the variables that trust it."""
    certificate, key = make_certificate(tmp_path)
    own = {"RUNWRIGHT_SERVER_TLS_CERT": str(certificate), "RUNWRIGHT_SERVER_TLS_KEY": str(key)}
    trusting = {"RUNWRIGHT_TLS_CA_FILE": str(certificate)}
    alone.ok("server", "start", "--background", "--port", "0", **own, **trusting)
    yield alone, trusting
    alone.ok("server", "stop")


def test_scripts_workers_and_commands_over_https(secured):
    rw, trusting = secured
    url = rw.ok("server", "status", "-o", "name", **trusting).out.strip()
    assert url.startswith("https://127.0.0.1:")
    script = subprocess.run(
        [sys.executable, "-c", "import flows; flows.greet(3)"],
        cwd=rw.folder,
        env=rw.environment | trusting | {"RUNWRIGHT_API_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Warning" not in script.stderr
    runs = rw.ok("flow-run", "ls", "-o", "json", **trusting).json
    assert [run["state_name"] for run in runs] == ["Completed"]

    rw.ok("work-pool", "create", "p", **trusting)
    rw.ok("deploy", "flows.py:greet", "-n", "d", "-p", "p", **trusting)
    worker = subprocess.Popen(
        rw.command("worker", "start", "--pool", "p"),
        cwd=rw.folder,
        env=rw.environment | trusting,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        rw.ok("deployment", "run", "greet/d", "--watch", **trusting)
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
    log = (rw.home / "server.log").read_text()
    assert "Traceback" not in log, log


def test_a_certificate_that_nobody_vouches_for_is_refused(secured):
    rw, _ = secured
    done = rw("flow", "ls")
    assert done.code == 5
    assert "certificate" in done.err.lower()
    assert "tls_ca_file" in done.err
    assert "Traceback" not in done.err
    assert rw.ok("flow", "ls", RUNWRIGHT_TLS_VERIFY="false").code == 0
    missing = rw("flow", "ls", RUNWRIGHT_TLS_CA_FILE=str(rw.home / "none.crt"))
    assert missing.code == 1
    assert "tls_ca_file" in missing.err


def test_a_server_whose_certificate_cannot_be_used_says_so(alone, tmp_path):
    certificate, key = make_certificate(tmp_path)
    (tmp_path / "bad").write_text("no key")
    for cert, its_key in ((certificate, tmp_path / "bad"), (tmp_path / "none", key)):
        own = {"RUNWRIGHT_SERVER_TLS_CERT": str(cert), "RUNWRIGHT_SERVER_TLS_KEY": str(its_key)}
        done = alone("server", "start", "--port", "0", **own)
        assert done.code == 1, done
        assert "server_tls_cert" in done.err
        assert "Traceback" not in done.err
    one = {"RUNWRIGHT_SERVER_TLS_CERT": str(certificate)}
    done = alone("server", "start", "--port", "0", **one)
    assert done.code == 1
    assert "server_tls_key" in done.err
    assert until(lambda: not (alone.home / "server.json").exists(), 1)
