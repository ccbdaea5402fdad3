"""Make the two YAML files of the extension ndx-fluorite: ``python -m nwb_schema.create_extension_spec``.

Every field is optional and stays so: a required field that is added later makes old files unreadable as soon as the new
specification is loaded.
"""

from __future__ import annotations

from pathlib import Path

from pynwb.spec import NWBDatasetSpec, NWBGroupSpec, NWBNamespaceBuilder, export_spec

NAMESPACE = "ndx-fluorite"
VERSION = "0.1.0"
TYPE = "FluoriteSample"

_TEXT = "text"
_TEXTS = ("text", (None,), ("items",))
_FIELDS: dict[str, tuple[object, str]] = {
    "fluorite_version": (_TEXT, "Version of Fluorite that wrote the file."),
    "engine": (_TEXT, "What turned the movie into components, such as caiman or builtin."),
    "engine_version": (_TEXT, "Version of the engine."),
    "parameters": (_TEXT, "Parameters of the engine, as JSON, grouped under CaImAn's names."),
    "parameters_sha256": (_TEXT, "SHA-256 of the canonical JSON of the parameters."),
    "input_files": (_TEXTS, "Raw movie files that the sample was made from, in order of time."),
    "input_sha256": (_TEXT, "SHA-256 over the bytes of the input files, in order."),
    "job_id": (_TEXT, "UUID of the job that made the sample."),
    "boundaries": (("int64", (None,), ("items",)), "First frame of every recording after the first, for a series."),
    "notes": (_TEXTS, "What was assumed, left out or not at hand, one sentence each."),
    "not_given": (_TEXTS, "Names of required metadata that nobody gave; placeholders stand for them."),
    "seconds": (_TEXT, "Wall-clock seconds by stage, as JSON."),
    "subject_spelling": (_TEXT, "The subject's id exactly as it was given."),
    "session_spelling": (_TEXT, "The session's id exactly as it was given."),
    "session_start_time_source": (_TEXT, "Where session_start_time came from: metadata, movie, file date or import."),
    "movie_metadata": (_TEXT, "What the raw movie's own metadata say beyond NWB's fields, as JSON."),
    "frame_shape": (
        ("int64", (None,), ("axes",)),
        "Size of a frame in pixels: height, width and, for a volume, depth.",
    ),
    "n_frames": ("int64", "Number of frames of the recording."),
    "rate_hz": ("float64", "Frames per second."),
    "configuration_version": ("int64", "Version of the project's configuration when the sample was made."),
    "one_photon": ("bool", "Whether the recording is a one-photon recording."),
}


def create(folder: Path) -> None:
    """Write ``ndx-fluorite.namespace.yaml`` and ``ndx-fluorite.extensions.yaml`` into `folder`."""
    namespace = NWBNamespaceBuilder(
        name=NAMESPACE,
        version=VERSION,
        doc="What Fluorite knows of a calcium-imaging recording beyond NWB's own fields.",
        author=["The Fluorite developers"],
        contact=["The Fluorite developers"],
    )
    namespace.include_namespace("core")
    sample = NWBGroupSpec(
        doc="How the sample came to be. Every field is optional.",
        neurodata_type_def=TYPE,
        neurodata_type_inc="LabMetaData",
        name="fluorite",
        datasets=[_dataset(name, kind, doc) for name, (kind, doc) in _FIELDS.items()],
    )
    export_spec(namespace, [sample], str(folder))


def _dataset(name: str, kind: object, doc: str) -> NWBDatasetSpec:
    if isinstance(kind, tuple):
        dtype, shape, dims = kind
        return NWBDatasetSpec(name=name, doc=doc, dtype=dtype, shape=shape, dims=dims, quantity="?")
    return NWBDatasetSpec(name=name, doc=doc, dtype=kind, quantity="?")


if __name__ == "__main__":
    create(Path(__file__).parent)
