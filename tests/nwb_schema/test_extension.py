"""The extension's YAML is what its generator makes, and only ever has optional fields."""

from __future__ import annotations

from pathlib import Path

import yaml

from nwb_schema import create_extension_spec, extension

FOLDER = Path(create_extension_spec.__file__).parent
FILES = ("ndx-fluorite.namespace.yaml", "ndx-fluorite.extensions.yaml")


def test_the_yaml_is_what_the_generator_makes(tmp_path: Path) -> None:
    create_extension_spec.create(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text()


def test_every_field_is_optional() -> None:
    (group,) = yaml.safe_load((FOLDER / FILES[1]).read_text())["groups"]
    assert group["neurodata_type_def"] == extension.TYPE
    assert {field["quantity"] for field in group["datasets"]} == {"?"}
    assert not group.get("attributes")


def test_a_container_needs_no_field_at_all() -> None:
    assert extension.fluorite_sample_class()().name == extension.GROUP
