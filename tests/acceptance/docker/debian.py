"""An image of a small Debian with systemd as its first process."""

import subprocess
import sys
from pathlib import Path

from tests.acceptance.docker.engine import run

IMAGE = "runwright-tests-systemd:1"
_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libssl3", "libffi8", "libsqlite3-0", "libbz2-1.0",
    "liblzma5", "libreadline8", "libncursesw6", "zlib1g", "libexpat1", "ca-certificates", "procps",
)  # fmt: skip
#: Where the tests run with the system's own interpreter, that machine has to have it too.
IS_SYSTEM_PYTHON = sys.base_prefix == "/usr"
_MASKED = (
    "systemd-journald-audit.socket", "systemd-udevd.service", "systemd-logind.service",
    "getty.target", "console-getty.service",
)  # fmt: skip


def make_debian(folder: Path) -> None:
    """Make the image, unless it is there; by debootstrap, in `folder`."""
    if run("docker", "images", "-q", IMAGE):
        return
    folder = folder / "root"
    packages = [*_PACKAGES, *(["python3"] if IS_SYSTEM_PYTHON else [])]
    run(
        "debootstrap", "--variant=minbase", f"--include={','.join(packages)}",
        "bookworm", folder, seconds=280,
    )  # fmt: skip
    for unit in _MASKED:
        (folder / "etc/systemd/system" / unit).symlink_to("/dev/null")
    with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(
            ["docker", "import", "--change", 'CMD ["/sbin/init"]', "-", IMAGE],
            stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True, timeout=120,
        )  # fmt: skip
