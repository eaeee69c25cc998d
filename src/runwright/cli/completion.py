"""`runwright completion`."""

import sys
from typing import Literal


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a completion script; for bash: `eval "$(runwright completion bash)"`."""
    # Late: main builds the tree that the script is made of.
    from runwright.cli.main import build

    sys.stdout.write(build().generate_completion(prog_name="runwright", shell=shell))
