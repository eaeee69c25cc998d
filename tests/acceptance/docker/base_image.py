"""A base image without a registry: this machine's Python, the libraries it links, and busybox."""

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pip

_LEFT_OUT = re.compile(
    r"/(site-packages|dist-packages|EXTERNALLY-MANAGED|test|idlelib|tkinter|__pycache__|config-[^/]*)(/|$)"
)
#: What is loaded by name when it is needed, so that nothing links it.
_BY_NAME = (
    "libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6",
    "libpthread.so.0", "libdl.so.2", "libutil.so.1", "librt.so.1",
)  # fmt: skip
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def import_base_image(name: str) -> None:
    """Make the image `name` of this interpreter."""
    prefix = Path(sys.base_prefix)
    command = [
        "docker", "import",
        "--change", f"ENV PATH={prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "--change", 'CMD ["python3"]',
        "-", name,
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as importing:
        assert importing.stdin is not None
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            _fill(archive, prefix)
        importing.stdin.close()
    if importing.returncode:
        raise RuntimeError(f"docker import ended with {importing.returncode}")


def _fill(archive: tarfile.TarFile, prefix: Path) -> None:
    for folder in ("tmp", "var/tmp"):
        _folder(archive, folder, 0o1777)
    for folder in ("proc", "sys", "dev", "root", "bin", "etc/ssl/certs"):
        _folder(archive, folder, 0o755)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    stdlib = Path(sysconfig.get_path("stdlib", vars={"base": str(prefix)}))
    archive.add(os.path.realpath(prefix / "bin" / version), f"{prefix}/bin/{version}".lstrip("/"))
    for name in ("python3", "python"):
        _link(archive, f"{prefix}/bin/{name}".lstrip("/"), version)
    archive.add(stdlib, str(stdlib).lstrip("/"), filter=_wanted)
    # Where this interpreter looks for packages when it is in no virtual environment.
    asked = [
        prefix / "bin" / version,
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    ]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    packages = told.stdout.strip().lstrip("/")
    _folder(archive, packages, 0o755)
    for package in Path(pip.__file__).parents[1].glob("pip*"):
        archive.add(package, f"{packages}/{package.name}")
    programs = [prefix / "bin" / version, *(stdlib / "lib-dynload").glob("*.so")]
    for library in sorted(set(_linked(programs))):
        archive.add(os.path.realpath(library), library.lstrip("/"))
    archive.add(os.path.realpath(_CERTIFICATES), _CERTIFICATES.lstrip("/"))
    for name, text in _FILES.items():
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    busybox = shutil.which("busybox")
    assert busybox is not None, "apt-get install busybox-static"
    archive.add(os.path.realpath(busybox), "bin/busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for applet in listed.stdout.split():
        if applet != "busybox":
            _link(archive, f"bin/{applet}", "busybox")


def _linked(programs: list[Path]) -> Iterator[str]:
    for program in programs:
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        yield from re.findall(r"(?:=> )?(/\S+\.so\S*)", told.stdout)
    for name in _BY_NAME:
        for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64"):
            if Path(folder, name).exists():
                yield f"{folder}/{name}"
                break


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _LEFT_OUT.search(f"/{member.name}") else member


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)


def _folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    archive.addfile(member)
