"""Flows as images: a Dockerfile where there is none, and Docker's own program to build and push.

That program knows what a library would have to be taught: ignore files, build kits, credential
helpers. See docs/decisions/0013.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from runwright.clock import SystemClock
from runwright.errors import ImageError
from runwright.version import __version__

#: What is left out of an image's context where no .dockerignore says otherwise: secrets, history,
#: and what is made anew.
LEFT_OUT = (
    ".git", ".hg", ".env", ".env.*", "*.pem", "*.key", "id_rsa*", ".netrc", ".pypirc",
    ".aws", ".ssh", ".runwright", "credentials.toml", ".venv", "venv", "node_modules",
    "__pycache__", "*.pyc", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox",
)  # fmt: skip
#: Where the code is in an image of ours.
CODE = "/app"
#: No user of the base image has this number.
_USER = "10001:10001"
_TOLD_LINES = 12
_STEP = re.compile(r"^(?:Step \d+/\d+ : |#\d+ \[[^\]]*\] | > \[[^\]]*\] )(?P<line>.+?):?$")
_REFERENCE = re.compile(r"[a-z0-9]+(?:[._:/-]+[A-Za-z0-9_]+)*")
#: What Docker says, and what is to be done then.
_ADVICE = (
    ("cannot connect to the docker daemon", "No Docker engine answers here: start it."),
    ("permission denied while trying", "This user may not use Docker: add it to the group docker."),
    ("no basic auth", "The registry wants you to sign in: docker login."),
    ("unauthorized", "The registry wants you to sign in: docker login."),
    ("denied", "The registry does not let you push there: docker login, or another name."),
    ("connection refused", "The registry does not answer: is its address right?"),
    ("no such host", "The registry's name is not known: is its address right?"),
    ("no space left", "The disk is full: docker system prune frees some."),
    ("manifest unknown", "There is no such base image."),
    ("repository does not exist", "There is no such base image, or it is private: docker login."),
)

#: Takes each line of a program's progress.
Tell = Callable[[str], Any]


class DockerImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image to make of a flow's code.

    `dockerfile`: a file of yours; without one, one is generated: `base_image`, then
    `requirements` (a file; default: requirements.txt where there is one) in a layer of their own,
    then Runwright, then the code, run by a user who is not root.
    """

    name: str
    #: Default: the time, so that every build is one of its own.
    tag: str | None = None
    dockerfile: str | None = None
    #: What COPY may copy. Default: the directory that the flow's entrypoint is relative to.
    context: str | None = None
    base_image: str | None = None
    requirements: str | None = None
    build_args: dict[str, str] = {}
    platform: str | None = None

    @property
    def reference(self) -> str:
        """`name:tag`."""
        return f"{self.name}:{self.tag}"

    def build(self, tell: Tell) -> None:
        """Build it with the engine of this machine.

        Raises:
            ImageError: says which step failed and why.
        """
        context = Path(self.context or ".").resolve()
        with _laid_out(self, context) as (place, dockerfile):
            arguments = ["docker", "build", "--tag", self.reference, "--file", str(dockerfile)]
            for name, value in self.build_args.items():
                arguments += ["--build-arg", f"{name}={value}"]
            if self.platform is not None:
                arguments += ["--platform", self.platform]
            _docker([*arguments, str(place)], f"Building {self.reference}", tell)

    def push(self, tell: Tell) -> None:
        """Push it to its registry.

        Raises:
            ImageError: the registry refuses, or does not answer.
        """
        _docker(["docker", "push", self.reference], f"Pushing {self.reference}", tell)


def image_of(wanted: str | DockerImage) -> DockerImage:
    """A reference as an image; with a tag in any case.

    Raises:
        ImageError: it is no reference.
    """
    image = wanted if isinstance(wanted, DockerImage) else _parsed(wanted)
    if not _REFERENCE.fullmatch(image.name):
        raise ImageError(
            f"{image.name!r} cannot name an image: write registry.example.com/team/project:tag, "
            "in small letters."
        )
    if image.tag is None:
        tag = SystemClock().now().strftime("%Y%m%d-%H%M%S")
        image = msgspec.structs.replace(image, tag=tag)
    return image


def dockerfile_for(image: DockerImage, context: Path) -> str:
    """The Dockerfile of an image that has none. What changes most is copied last.

    Raises:
        ImageError: the file of requirements does not exist.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    lines = [
        f"FROM {image.base_image or f'python:{python}-slim'}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp",
        f"WORKDIR {CODE}",
    ]
    requirements = image.requirements or "requirements.txt"
    if (context / requirements).is_file():
        lines += [
            f"COPY {requirements} /tmp/requirements.txt",
            "RUN python -m pip install --no-cache-dir -r /tmp/requirements.txt",
        ]
    elif image.requirements is not None:
        raise ImageError(f"There is no file {context / requirements} of requirements.")
    lines += [
        f"RUN python -m pip install --no-cache-dir 'runwright=={__version__}'",
        f"COPY . {CODE}",
        f"USER {_USER}",
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def _laid_out(image: DockerImage, context: Path) -> Iterator[tuple[Path, Path]]:
    """The context and the Dockerfile to build from. Nothing is written into the user's files."""
    if not context.is_dir():
        raise ImageError(f"The context {context} of the image is no directory.")
    with tempfile.TemporaryDirectory(prefix="runwright-image-") as made:
        if image.dockerfile is not None:
            dockerfile = (context / image.dockerfile).resolve()
            if not dockerfile.is_file():
                raise ImageError(f"There is no Dockerfile {dockerfile}.")
        else:
            dockerfile = Path(made, "Dockerfile")
            dockerfile.write_text(dockerfile_for(image, context))
        if (context / ".dockerignore").is_file():
            yield context, dockerfile
            return
        place = Path(made, "context")
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(context, place, symlinks=True, ignore=ignore)
        yield place, dockerfile


def _parsed(reference: str) -> DockerImage:
    if "@" in reference:
        raise ImageError(f"{reference!r} names an image that exists already; use a tag.")
    head, _, last = reference.rpartition("/")
    last, _, tag = last.partition(":")
    return DockerImage(name=f"{head}/{last}" if head else last, tag=tag or None)


def _docker(arguments: list[str], what: str, tell: Tell) -> None:
    tell(f"{what} ...")
    last: deque[str] = deque(maxlen=_TOLD_LINES)
    step = ""
    try:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        raise ImageError(
            f"{what} needs the program docker, which cannot be started here ({error.strerror}). "
            "Install it, or deploy with build=False, push=False and an image that exists."
        ) from error
    with process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        for line in process.stdout:
            text = line.rstrip()
            if text:
                last.append(text)
                tell(f"  {text}")
            if found := _STEP.match(text):
                step = found["line"]
    if process.returncode:
        raise ImageError(_explained(what, step, list(last)))


def _explained(what: str, step: str, lines: list[str]) -> str:
    said = "\n".join(f"  {line}" for line in lines)
    advice = next((do for word, do in _ADVICE if word in said.lower()), "")
    where = f" at the line `{step}`" if step else ""
    return f"{what} failed{where}. {advice}".rstrip() + f"\n{said}"
