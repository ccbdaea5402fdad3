"""Where things are in a sample: the names that the writer gives and the reader looks for.

The names are those of neuroconv where it has one, because roiextractors' and other readers look for exactly these.
Images are stored as ``(width, height)``, masks as ``(x, y)``, the movie as ``(n_frames, width, height)``, and those of
volumes as ``(x, y, z)`` and ``(n_frames, width, height, depth)``: NWB's order. The reader transposes all of them.
NWB's images are of one plane, so a volume has one for every plane, called ``mean_z000``, ``mean_z001``, ...
"""

from __future__ import annotations

OPHYS = "processing/ophys"
PLANE_SEGMENTATION = f"{OPHYS}/ImageSegmentation/PlaneSegmentation"
BACKGROUND_SEGMENTATION = f"{OPHYS}/ImageSegmentation/BackgroundSegmentation"
BACKGROUND_TRACES = f"{OPHYS}/BackgroundFluorescence/BackgroundResponseSeries"
IMAGES = f"{OPHYS}/SegmentationImages"
PLANE_IMAGES = f"{OPHYS}/PlaneImages"
SHIFTS = f"{OPHYS}/MotionCorrectionShifts"
FLUORITE = "general/fluorite"
HISTORY = "processing/fluorite"
EDITS = f"{HISTORY}/edits"
CUSTOM_COLUMNS = f"{HISTORY}/custom_columns"
INTERVALS = "intervals"
EVENTS = "events"
BEHAVIOUR = "processing/behavior"
IMAGING_PLANE = "general/optophysiology/ImagingPlane"

TRACES = {
    "raw": f"{OPHYS}/Fluorescence/RoiResponseSeries",
    "denoised": f"{OPHYS}/Fluorescence/Denoised",
    "deconvolved": f"{OPHYS}/Fluorescence/Deconvolved",
    "dff": f"{OPHYS}/DfOverF/RoiResponseSeries",
}
"""Path of the series of each kind of trace."""

TRACE_KINDS = tuple(TRACES)

SCORES = {
    "snr": "Peak signal-to-noise ratio of the component's trace.",
    "r_values": "Correlation of the component's footprint with the mean movie at its transients.",
    "cnn_preds": "Probability, given by a convolutional network, that the footprint is a cell.",
}
"""Columns of scores that a PlaneSegmentation has when they were computed, with their descriptions."""


CURATED = "curated"
DELETED = "deleted"
FLAGS = {
    "is_accepted": "Whether the ROI counts as a cell.",
    CURATED: "Whether a person decided is_accepted.",
    DELETED: "Whether a person deleted the ROI; it is kept for what refers to it.",
}
"""Yes/no columns of a PlaneSegmentation that people's edits set, with their descriptions."""


ORIGIN = "roi_origin"
PARENTS = "roi_parents"
ENGINE_ORIGIN = "engine"
TRACED = {
    ORIGIN: "What made the ROI: engine, manual (drawn or imported by a person), merge or split.",
    PARENTS: "roi_uuid of the ROIs that it was merged from or split off, with blanks between them.",
}
"""Text columns of a PlaneSegmentation that say where an ROI is from; a sample without them has the engine's alone."""


def plane_image_name(name: str, plane: int) -> str:
    """Name of plane number `plane` of the summary image `name` of a volume."""
    return f"{name}_z{plane:03d}"


def movie_series_name(one_photon: bool) -> str:
    """Name of the registered movie in ``acquisition``."""
    return "OnePhotonSeries" if one_photon else "TwoPhotonSeries"
