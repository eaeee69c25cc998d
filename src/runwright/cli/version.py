"""`runwright version`, where it was asked with options."""

import platform

from runwright.cli.render import Output, show_one
from runwright.version import __version__


def version(*, output: Output = "name") -> None:
    """The version of Runwright, and of what it runs on."""
    about = {"version": __version__, "python": platform.python_version()}
    show_one(about, output, name=__version__)
