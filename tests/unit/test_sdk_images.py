"""Images of flows, as far as no engine is needed."""

from pathlib import Path

import pytest

from runwright import DockerImage, __version__
from runwright.errors import ImageError
from runwright.sdk.deploy import PlannedDeployment, with_image
from runwright.sdk.flow_source import FlowSource
from runwright.sdk.images import dockerfile_for, image_of


def test_a_dockerfile_copies_last_what_changes_most(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pandas\n")
    lines = dockerfile_for(DockerImage(name="x", tag="1", base_image="base:1"), tmp_path).split(
        "\n"
    )
    order = [
        "FROM base:1",
        "COPY requirements.txt /tmp/requirements.txt",
        "RUN python -m pip install --no-cache-dir -r /tmp/requirements.txt",
        f"RUN python -m pip install --no-cache-dir 'runwright=={__version__}'",
        "COPY . /app",
        "USER 10001:10001",
    ]
    places = [lines.index(line) for line in order]
    assert places == sorted(places)


def test_requirements_that_are_named_have_to_be_there(tmp_path: Path) -> None:
    assert "requirements" not in dockerfile_for(DockerImage(name="x", tag="1"), tmp_path)
    with pytest.raises(ImageError, match=r"needs\.txt"):
        dockerfile_for(DockerImage(name="x", requirements="needs.txt"), tmp_path)


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("proj:v1", "proj", "v1"),
        ("reg:5000/team/proj:v1.1.0", "reg:5000/team/proj", "v1.1.0"),
    ],
)
def test_references(reference: str, name: str, tag: str) -> None:
    image = image_of(reference)
    assert (image.name, image.tag, image.reference) == (name, tag, reference)


def test_without_a_tag_each_build_is_one_of_its_own() -> None:
    image = image_of("reg:5000/team/proj")
    assert image.name == "reg:5000/team/proj"
    assert image.tag is not None
    assert image.tag[:2] == "20"


@pytest.mark.parametrize("reference", ["Proj:1", "proj@sha256:abc", "a b:1", ""])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(ImageError, match="image"):
        image_of(reference)


def test_an_image_that_exists_is_taken_as_it_is_and_the_code_is_in_it() -> None:
    planned = PlannedDeployment(
        flow=None,
        name="n",
        source=FlowSource(entrypoint="f.py:f", path="/home/me"),
        job_variables={"cpus": 1},
    )
    there = with_image(planned, "proj@sha256:abc", build=False, push=False, tell=print)
    assert there.job_variables == {"cpus": 1, "image": "proj@sha256:abc"}
    assert there.source.path is None
    pulled = FlowSource(entrypoint="f.py:f", pull_steps=[{"runwright.git_clone": {}}])
    kept = PlannedDeployment(flow=None, name="n", source=pulled)
    assert with_image(kept, "x:1", build=False, push=False, tell=print).source is pulled
