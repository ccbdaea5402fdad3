"""The columns of the catalogue: what a sample and an ROI are listed and filtered by."""

from __future__ import annotations

from nwb_schema.filters import Column

_SAMPLE = (
    Column("name", "text", "File name of the sample."),
    Column("identifier", "text", "NWB identifier, which never changes."),
    Column("subject_id", "text", "Subject."),
    Column("session_id", "text", "Session."),
    Column("session_start_time", "text", "Start of the recording, ISO 8601."),
    Column("session_description", "text", "Description of the session."),
    Column("rate_hz", "number", "Frames per second."),
    Column("n_frames", "number", "Number of frames."),
    Column("height", "number", "Rows of a frame, in pixels."),
    Column("width", "number", "Columns of a frame, in pixels."),
    Column("depth", "number", "Planes of a volume; unknown for a plane."),
    Column("duration_s", "number", "Length of the recording, in seconds."),
    Column("n_rois", "number", "Components found."),
    Column("n_accepted", "number", "Components that count as cells."),
    Column("evaluated", "flag", "Whether an evaluation step decided which components are cells."),
    Column("engine", "text", "What found the components."),
    Column("engine_version", "text", "Version of the engine."),
    Column("parameters_sha256", "text", "SHA-256 of the engine's parameters."),
    Column("input_sha256", "text", "SHA-256 of the raw movie."),
    Column("one_photon", "flag", "Whether it is a one-photon recording."),
    Column("has_movie", "flag", "Whether the registered movie can be shown."),
    Column("movie_problem", "text", "Why the movie cannot be shown."),
    Column("indicator", "text", "Calcium indicator."),
    Column("location", "text", "Place in the brain."),
    Column("stimuli", "text", "Stimulus types of which the sample has periods or moments."),
    Column("configuration_version", "number", "Version of the project's configuration that the sample was made under."),
    Column("is_ours", "flag", "Whether Fluorite wrote the file."),
    Column("status", "text", "ok, duplicate, refused (by pynwb) or unreadable."),
    Column("reason", "text", "What is wrong with the file."),
)
_ROI = (
    Column("roi_uuid", "text", "Permanent identity of the ROI."),
    Column("index", "number", "Row of the ROI in its sample."),
    Column("is_accepted", "flag", "Whether the ROI counts as a cell."),
    Column("evaluated", "flag", "Whether an evaluation step decided that."),
    Column("snr", "number", "Signal-to-noise ratio."),
    Column("r_values", "number", "Correlation of the footprint with the movie at its transients."),
    Column("cnn_preds", "number", "Probability of being a cell."),
    Column("area_px", "number", "Pixels of the mask."),
    Column("centroid_y", "number", "Row of the centre, in pixels."),
    Column("centroid_x", "number", "Column of the centre, in pixels."),
    Column("curated", "flag", "Whether a person decided that it counts as a cell, or not."),
    Column("deleted", "flag", "Whether a person deleted it; it is kept for what refers to it."),
)

TABLE_PREFIX = "table:"
"""Before the name of a column of the ROI table that is neither ours nor configured."""

SAMPLE_COLUMNS = {column.name: column for column in _SAMPLE}
"""Columns of `nwb_schema.catalogue.Catalogue.samples`."""

ROI_COLUMNS = {column.name: column for column in _ROI}
"""An ROI's own columns."""

ROI_FILTER_COLUMNS = {**SAMPLE_COLUMNS, **ROI_COLUMNS}
"""What `nwb_schema.catalogue.Catalogue.rois` can be filtered by: an ROI's own columns and those of its sample."""

ROI_LIST_COLUMNS = ("name", "identifier", "subject_id", "session_id", *ROI_COLUMNS)
"""What `nwb_schema.catalogue.Catalogue.rois` returns of each, beside what the project configures."""

TAKEN_NAMES = frozenset(name.casefold() for name in (*ROI_FILTER_COLUMNS, "tags", "path"))
"""Names that a configured column cannot have, because lists use them, in lower case."""
