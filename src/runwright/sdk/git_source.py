"""Fetches code by the git command line."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from runwright.errors import FlowLoadError

#: Seconds until a clone that makes no end is given up.
_PATIENCE = 300.0
_SCP_LIKE = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
#: What begins a path in an address: `https://host/`, `git@host:`.
_BEFORE_PATH = re.compile(r"^(?:[a-z]+://[^/]*/|[\w.-]+@[\w.-]+:(?!//))?")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class GitSource(msgspec.Struct, frozen=True, kw_only=True):
    """A repository and what to take of it.

    `token_env` names the environment variable that holds an access token, so that the token
    itself is written down nowhere.
    """

    url: str
    branch: str | None = None
    commit: str | None = None
    token_env: str | None = None
    username: str = "x-access-token"
    submodules: bool = False

    @property
    def directory_name(self) -> str:
        """What `git clone` would call it."""
        tail = re.split(r"[/:]", self.url.rstrip("/"))[-1].removesuffix(".git")
        return tail or "repository"


def looks_like_git(source: str) -> bool:
    """Whether a source is a repository's address rather than a directory."""
    scheme = urlsplit(source).scheme
    return (
        scheme in {"http", "https", "ssh", "git", "file"}
        or bool(_SCP_LIKE.match(source))
        or source.endswith(".git")
        or ".git@" in source
    )


def parse_git(source: str) -> GitSource:
    """The source of an address, which may end in `@` and a branch, a tag or a commit."""
    before = _BEFORE_PATH.match(source)
    start = before.end() if before else 0
    path = source[start:]
    end = path.find(".git@") + 4 if ".git@" in path else path.rfind("@")
    if end <= 0:
        return GitSource(url=source)
    url, wanted = source[: start + end], path[end + 1 :]
    if not wanted:
        raise FlowLoadError(
            f"{_shown(source)!r} ends in '@': a branch, a tag or a commit is to follow."
        )
    # A branch may be called so too, and is found first.
    is_commit = _COMMIT.fullmatch(wanted) is not None
    return GitSource(
        url=url, branch=None if is_commit else wanted, commit=wanted if is_commit else None
    )


def clone(source: GitSource, directory: Path) -> Path:
    """Fetch into `directory`, replacing what an earlier clone left there. Shallow.

    Credentials travel by GIT_ASKPASS, never in arguments, which every user can read.

    Raises:
        FlowLoadError: git is missing, or says no.
    """
    url, token = _without_secret(source)
    for text in (url, source.branch, source.commit):
        if text is not None and text.startswith("-"):
            raise FlowLoadError(f"{text!r} cannot be a git address, branch or commit.")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="runwright-git-") as private:
        environment = _environment(source, token, Path(private))
        wanted = source.commit or source.branch or "HEAD"

        def git(*arguments: str) -> None:
            _git(arguments, directory, environment, url)

        git("init", "--quiet")
        try:
            git("fetch", "--quiet", "--depth", "1", "--", url, wanted)
        except FlowLoadError:
            if source.commit is None:
                raise
            # Not every server gives a commit by its hash: take everything then.
            git("fetch", "--quiet", "--", url, "+refs/heads/*:refs/remotes/origin/*")
            git("checkout", "--quiet", "--force", "--detach", source.commit)
        else:
            git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
        if source.submodules:
            git("submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1")
    return directory


def _without_secret(source: GitSource) -> tuple[str, str | None]:
    """The address without a password in it, and the password or token apart."""
    token = os.environ.get(source.token_env) if source.token_env else None
    if source.token_env and not token:
        raise FlowLoadError(
            f"The environment variable {source.token_env} that should hold the access token of "
            f"{_shown(source.url)} is not set here."
        )
    parts = urlsplit(source.url)
    if parts.password is None:
        return source.url, token
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}{host}{port}")), token or parts.password


def _shown(url: str) -> str:
    """The address for messages, without credentials."""
    return re.sub(r"//[^/@]*@", "//", url)


def _environment(source: GitSource, token: str | None, private: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        # Never `ext::`, which runs commands.
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    }
    if token is not None:
        script = private / "askpass"
        script.write_text(
            '#!/bin/sh\ncase "$1" in\nUsername*) printf %s "$RUNWRIGHT_GIT_USERNAME" ;;\n'
            '*) printf %s "$RUNWRIGHT_GIT_TOKEN" ;;\nesac\n'
        )
        script.chmod(0o700)
        environment |= {
            "GIT_ASKPASS": str(script),
            "RUNWRIGHT_GIT_USERNAME": source.username,
            "RUNWRIGHT_GIT_TOKEN": token,
        }
    return environment


def _git(arguments: tuple[str, ...], cwd: Path, environment: dict[str, str], url: str) -> None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise FlowLoadError(
            f"The code is in {_shown(url)}, but there is no git on this machine. Install git."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise FlowLoadError(
            f"git {arguments[0]} of {_shown(url)} took longer than {_PATIENCE:.0f} s."
        ) from error
    if done.returncode != 0:
        raise FlowLoadError(
            f"git {arguments[0]} of {_shown(url)} failed: {_shown(done.stderr.strip())}"
        )
