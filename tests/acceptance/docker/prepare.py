"""`python -m tests.acceptance.docker.prepare`: what takes long and needs nothing of the project.

CI does it beside its first steps. The tests make what is lacking.
"""

import tempfile
from pathlib import Path

from tests.acceptance.docker import engine
from tests.acceptance.docker.debian import make_debian

if __name__ == "__main__":
    engine.start_engine()
    engine.make_python_image()
    with tempfile.TemporaryDirectory() as folder:
        make_debian(Path(folder))
