"""The ROI tables and trace series of a sample, as pynwb objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import ElementIdentifiers, VectorData, VectorIndex
from numpy.typing import NDArray
from pynwb import ProcessingModule
from pynwb.ophys import (
    DfOverF,
    Fluorescence,
    ImageSegmentation,
    ImagingPlane,
    PlaneSegmentation,
    RoiResponseSeries,
)
from scipy import sparse

from nwb_schema.layout import SCORES
from nwb_schema.masks import SparseImageMasks, ragged_mask
from nwb_schema.segmentation import Segmentation

_CHUNK_BYTES = 1 << 18
_DESCRIPTIONS = {
    "raw": ("RoiResponseSeries", "Fluorescence of each ROI, demixed, with noise (CaImAn's C + YrA)."),
    "denoised": ("Denoised", "Denoised fluorescence of each ROI (CaImAn's C)."),
    "deconvolved": ("Deconvolved", "Deconvolved neural activity of each ROI (CaImAn's S)."),
    "dff": ("RoiResponseSeries", "Fluorescence of each ROI relative to its baseline (CaImAn's F_dff)."),
}


def add_rois(
    ophys: ProcessingModule, plane: ImagingPlane, segmentation: Segmentation, roi_uuids: list[str]
) -> PlaneSegmentation | None:
    """Add the table of ROIs, with a ragged mask, and in 2D a sparsely stored dense one as well.

    Without any ROI there is no table, and so no traces: nwbinspector fails on an empty one, pynwb on some.
    """
    n_rois = segmentation.n_rois
    if n_rois == 0:
        return None
    columns = _mask_columns(segmentation.footprints, segmentation.shape)
    columns += [
        _column("roi_uuid", "Permanent identity of the ROI.", np.array(roi_uuids, dtype=object)),
        _column("is_accepted", "Whether the ROI counts as a cell.", segmentation.accepted.astype(bool)),
        _column(
            "evaluated",
            "Whether an evaluation step decided is_accepted; where False, nothing was looked at.",
            np.full(n_rois, segmentation.evaluated, dtype=bool),
        ),
    ]
    for name, description in SCORES.items():
        values = getattr(segmentation, name)
        if values is not None:
            columns.append(_column(name, description, np.asarray(values, dtype=np.float32)))
    table = _table("PlaneSegmentation", "Regions of interest found in the movie.", plane, columns, n_rois)
    _image_segmentation(ophys).add_plane_segmentation(table)
    return table


def add_traces(ophys: ProcessingModule, table: PlaneSegmentation, segmentation: Segmentation) -> None:
    """Add whichever of raw, denoised, deconvolved and dF/F traces there are."""
    for container, kinds in (
        (Fluorescence(name="Fluorescence"), ("raw", "denoised", "deconvolved")),
        (DfOverF(name="DfOverF"), ("dff",)),
    ):
        there = [kind for kind in kinds if getattr(segmentation, kind) is not None]
        if there:
            ophys.add(container)  # before the series, which look for their table among their relatives
        for kind in there:
            name, description = _DESCRIPTIONS[kind]
            container.add_roi_response_series(
                _series(name, description, getattr(segmentation, kind), table, segmentation.rate_hz)
            )


def add_background(ophys: ProcessingModule, plane: ImagingPlane, segmentation: Segmentation) -> None:
    """Add the background components as a table of their own with their traces, so that they never pass for cells."""
    footprints = segmentation.background_footprints
    if footprints is None or len(footprints) == 0:
        return
    columns = _mask_columns(sparse.csr_array(np.asarray(footprints, np.float32)), segmentation.shape)
    table = _table("BackgroundSegmentation", "Background components of the movie.", plane, columns, len(footprints))
    _image_segmentation(ophys).add_plane_segmentation(table)
    if segmentation.background_traces is not None:
        container = Fluorescence(name="BackgroundFluorescence")
        ophys.add(container)
        container.add_roi_response_series(
            _series(
                "BackgroundResponseSeries",
                "Time course of each background component (CaImAn's f).",
                segmentation.background_traces,
                table,
                segmentation.rate_hz,
            )
        )


def trace_chunks(n_frames: int, n_rois: int) -> tuple[int, int]:
    """Chunks of a trace dataset ``(n_frames, n_rois)``: whole traces, few at a time.

    At 10,000 frames one trace reads in about a millisecond and all of 500 in under 100; chunks stay below 256 KiB, so
    that a long recording reads one trace without unpacking its neighbours.
    """
    frames = max(1, min(n_frames, _CHUNK_BYTES // 4))
    return frames, max(1, min(8, n_rois, _CHUNK_BYTES // (4 * frames)))


def _series(
    name: str, description: str, traces: NDArray[np.float32], table: PlaneSegmentation, rate_hz: float
) -> RoiResponseSeries:
    n_rois, n_frames = traces.shape
    # A view: HDF5 turns one series after the other while it writes; four turned copies at once would be 80 MB more.
    data = np.asarray(traces, dtype=np.float32).T
    packed = H5DataIO(data)
    if data.size:
        packed = H5DataIO(
            data, compression="gzip", shuffle=True, chunks=trace_chunks(n_frames, n_rois), maxshape=(n_frames, None)
        )
    return RoiResponseSeries(
        name=name,
        description=description,
        data=packed,
        unit="n.a.",
        starting_time=0.0,
        rate=float(rate_hz),
        rois=table.create_roi_table_region(region=list(range(n_rois)), description=f"All rows of {table.name}."),
    )


def _mask_columns(footprints: sparse.csr_array, shape: tuple[int, ...]) -> list[VectorData]:
    mask, ends = ragged_mask(footprints, shape)
    name = "pixel_mask" if len(shape) == 2 else "voxel_mask"
    order = "x, y and weight" if len(shape) == 2 else "x, y, z and weight"
    masks = VectorData(name=name, description=f"Pixels of each ROI: {order}.", data=_packed(mask))
    columns = [masks, VectorIndex(name=f"{name}_index", data=ends, target=masks)]
    if len(shape) == 2 and footprints.shape[0]:
        images = SparseImageMasks(footprints, (shape[0], shape[1]))
        packed = H5DataIO(images, compression="gzip", shuffle=True, chunks=images.chunk_shape)
        columns.append(VectorData(name="image_mask", description="Weights of each ROI, (width, height).", data=packed))
    return columns


def _image_segmentation(ophys: ProcessingModule) -> ImageSegmentation:
    """The container of ROI tables, made when the first is added: NWB knows no empty one."""
    if "ImageSegmentation" not in ophys.data_interfaces:
        ophys.add(ImageSegmentation(name="ImageSegmentation"))
    return ophys["ImageSegmentation"]


def _table(
    name: str, description: str, plane: ImagingPlane, columns: list[VectorData], n_rois: int
) -> PlaneSegmentation:
    return PlaneSegmentation(
        name=name,
        description=description,
        imaging_plane=plane,
        columns=columns,
        colnames=[column.name for column in columns if not isinstance(column, VectorIndex)],
        id=ElementIdentifiers(name="id", data=np.arange(n_rois, dtype=np.int64)),
    )


def _column(name: str, description: str, values: NDArray[Any]) -> VectorData:
    return VectorData(name=name, description=description, data=values)


def _packed(data: NDArray[Any]) -> H5DataIO:
    if data.size == 0:
        return H5DataIO(data, maxshape=(None,))
    return H5DataIO(data, compression="gzip", shuffle=True, maxshape=(None,))
