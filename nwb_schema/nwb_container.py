"""The pynwb objects of a sample, in memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from numpy.typing import NDArray
from pynwb import NWBFile, TimeSeries
from pynwb.base import Images
from pynwb.file import Subject
from pynwb.image import GrayscaleImage
from pynwb.ophys import ImagingPlane, OnePhotonSeries, OpticalChannel, TwoPhotonSeries

from nwb_schema.extension import fluorite_sample_class
from nwb_schema.layout import movie_series_name, plane_image_name
from nwb_schema.metadata import SampleMetadata
from nwb_schema.metadata_file import nwb_spacing
from nwb_schema.provenance import Provenance, canonical_json
from nwb_schema.roi_tables import add_background, add_rois, add_traces
from nwb_schema.segmentation import Segmentation

_IMAGE_DESCRIPTIONS = {
    "mean": "Mean of every pixel over time, after motion correction.",
    "max": "Maximum of every pixel over time, after motion correction.",
    "std": "Standard deviation of every pixel over time, after motion correction.",
    "correlation": "Correlation of every pixel with its neighbours over time.",
    "pnr": "Peak-to-noise ratio of every pixel.",
    "footprints": "Sum of all footprints; stands in where no image of the movie is at hand.",
}


NO_MOVIE = "No registered movie was at hand when the sample was made."


def build_nwbfile(
    *,
    identifier: str,
    metadata: SampleMetadata,
    segmentation: Segmentation,
    provenance: Provenance,
    movie: tuple[int, ...] | None,
    shifts: NDArray[np.float32] | None,
    roi_uuids: list[str],
    now: datetime,
) -> NWBFile:
    """Everything of a sample but the link to its movie, whose place an empty dataset takes.

    Parameters
    ----------
    movie
        ``(n_frames, height, width[, depth])`` of the registered movie, or None.
    shifts
        ``(n_frames, 2)`` pixels as ``(y, x)``, of volumes ``(n_frames, 3)`` as ``(y, x, z)``, or None.
    roi_uuids
        One permanent UUID per ROI.
    now
        The date of the file, with a time zone.
    """
    nwbfile = _nwbfile(identifier, metadata, provenance, now)
    plane = _imaging_plane(nwbfile, metadata, segmentation)
    ophys = nwbfile.create_processing_module(
        "ophys", "Cells found in the movie, their traces, summary images and motion shifts."
    )
    if movie is not None:
        nwbfile.add_acquisition(_movie_series(plane, metadata, segmentation, movie))
    table = add_rois(ophys, plane, segmentation, roi_uuids)
    if table is not None:
        add_traces(ophys, table, segmentation)
    add_background(ophys, plane, segmentation)
    ophys.add(_images(segmentation))
    if segmentation.plane_images:
        ophys.add(_plane_images(segmentation))
    if shifts is not None:
        ophys.add(_shift_series(shifts, segmentation.rate_hz))
    n_frames = movie[0] if movie is not None else segmentation.n_frames
    nwbfile.add_lab_meta_data(_lab_meta_data(metadata, segmentation, provenance, n_frames, movie is not None))
    return nwbfile


def _nwbfile(identifier: str, metadata: SampleMetadata, provenance: Provenance, now: datetime) -> NWBFile:
    software = [["Fluorite", provenance.fluorite_version or "unknown"]]
    if provenance.engine:
        software.append([provenance.engine, provenance.engine_version or "unknown"])
    return NWBFile(
        identifier=identifier,
        session_description=metadata.session_description,
        session_start_time=metadata.session_start_time,
        file_create_date=now,
        session_id=metadata.session_id,
        experimenter=metadata.experimenter or None,
        experiment_description=metadata.experiment_description,
        institution=metadata.institution,
        lab=metadata.lab,
        keywords=list(metadata.keywords) or None,
        notes=metadata.session_notes,
        protocol=metadata.protocol,
        pharmacology=metadata.pharmacology,
        surgery=metadata.surgery,
        virus=metadata.virus,
        stimulus_notes=metadata.stimulus_notes,
        related_publications=metadata.related_publications or None,
        was_generated_by=np.array(software, dtype=object),
        subject=Subject(
            subject_id=metadata.subject_id,
            description=metadata.subject_description,
            age=None if metadata.date_of_birth is not None and metadata.age == "P0D/" else metadata.age,
            sex=metadata.sex,
            species=metadata.species,
            genotype=metadata.genotype,
            strain=metadata.strain,
            weight=metadata.weight,
            date_of_birth=metadata.date_of_birth,
        ),
    )


def _imaging_plane(nwbfile: NWBFile, metadata: SampleMetadata, segmentation: Segmentation) -> ImagingPlane:
    kind = "One-photon" if metadata.one_photon else "Two-photon"
    device = nwbfile.create_device(
        name=metadata.device_name,
        description=metadata.device_description or f"{kind} microscope.",
        manufacturer=metadata.device_manufacturer,
    )
    channel = OpticalChannel(
        name=metadata.optical_channel_name,
        description=metadata.optical_channel_description or f"Channel of the indicator ({metadata.indicator}).",
        emission_lambda=metadata.emission_lambda_nm,
    )
    spacing_m = None
    if metadata.grid_spacing_um is not None:
        spacing_m = [um * 1e-6 for um in nwb_spacing(metadata.grid_spacing_um)[: len(segmentation.shape)]]
    return nwbfile.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=channel,
        description=metadata.imaging_plane_description or f"{kind} imaging, {_in_words(segmentation.shape)}.",
        device=device,
        excitation_lambda=metadata.excitation_lambda_nm,
        indicator=metadata.indicator,
        location=metadata.location,
        imaging_rate=float(segmentation.rate_hz),
        grid_spacing=spacing_m,
        grid_spacing_unit="meters",
    )


def _in_words(shape: tuple[int, ...]) -> str:
    words = f"{shape[0]} rows by {shape[1]} columns"
    return words if len(shape) == 2 else f"{words} in {shape[2]} planes"


def _movie_series(
    plane: ImagingPlane, metadata: SampleMetadata, segmentation: Segmentation, movie: tuple[int, ...]
) -> OnePhotonSeries | TwoPhotonSeries:
    _, height, width, *planes = movie
    axes = "(n_frames, width, height, depth)" if planes else "(n_frames, width, height)"
    series = OnePhotonSeries if metadata.one_photon else TwoPhotonSeries
    return series(
        name=movie_series_name(metadata.one_photon),
        description=f"Motion-corrected movie, {axes}, linked from the project's movies folder.",
        imaging_plane=plane,
        # The link takes this place when the file is written: pynwb makes links only with the movie open.
        data=np.zeros((1,) * len(movie), np.uint8),
        unit="n.a.",
        dimension=[width, height, *planes],
        starting_time=0.0,
        rate=float(segmentation.rate_hz),
    )


def _images(segmentation: Segmentation) -> Images:
    """The summary images; at least one, because viewers take the size of the field of view from the first."""
    images = dict(segmentation.images)
    if not images:
        total = np.asarray(segmentation.footprints.sum(axis=0), dtype=np.float32).reshape(segmentation.shape)
        images["footprints"] = total if total.ndim == 2 else total.max(axis=2)
    return Images(
        name="SegmentationImages",
        description="Summary images of the movie, stored as (width, height).",
        images=[
            GrayscaleImage(
                name=name,
                data=_compressed(np.ascontiguousarray(image.T, dtype=np.float32)),
                description=_IMAGE_DESCRIPTIONS.get(name, f"Summary image: {name}."),
            )
            for name, image in images.items()
        ],
    )


def _plane_images(segmentation: Segmentation) -> Images:
    return Images(
        name="PlaneImages",
        description="Summary images of every plane of the volume, stored as (width, height).",
        images=[
            GrayscaleImage(
                name=plane_image_name(name, plane),
                data=_compressed(np.ascontiguousarray(volume[..., plane].T, dtype=np.float32)),
                description=f"Plane {plane}. {_IMAGE_DESCRIPTIONS.get(name, f'Summary image: {name}.')}",
            )
            for name, volume in segmentation.plane_images.items()
            for plane in range(volume.shape[2])
        ],
    )


def _shift_series(shifts: NDArray[np.float32], rate_hz: float) -> TimeSeries:
    y, x, *z = shifts.T
    return TimeSeries(
        name="MotionCorrectionShifts",
        description=f"Motion correction: pixels in ({'x, y, z' if z else 'x, y'}) by which each frame's content was "
        "moved to register it.",
        data=_compressed(np.ascontiguousarray(np.stack([x, y, *z], axis=1), dtype=np.float32)),
        unit="pixels",
        starting_time=0.0,
        rate=float(rate_hz),
    )


def _lab_meta_data(
    metadata: SampleMetadata,
    segmentation: Segmentation,
    provenance: Provenance,
    n_frames: int | None,
    has_movie: bool,
) -> Any:
    notes = [*metadata.notes, *provenance.notes]
    if not has_movie:
        notes.append(NO_MOVIE)
    fields: dict[str, Any] = {
        "fluorite_version": provenance.fluorite_version,
        "engine": provenance.engine,
        "engine_version": provenance.engine_version,
        "parameters": canonical_json(provenance.parameters),
        "parameters_sha256": provenance.parameters_sha256,
        "input_files": list(provenance.input_files),
        "input_sha256": provenance.input_sha256,
        "job_id": provenance.job_id,
        "boundaries": np.asarray(provenance.boundaries, dtype=np.int64) if provenance.boundaries else None,
        "notes": notes,
        "not_given": list(metadata.not_given),
        "seconds": canonical_json(provenance.seconds) if provenance.seconds else None,
        "subject_spelling": metadata.subject_spelling,
        "session_spelling": metadata.session_spelling,
        "session_start_time_source": metadata.session_start_time_source,
        "movie_metadata": canonical_json(metadata.extra) if metadata.extra else None,
        "frame_shape": np.asarray(segmentation.shape, dtype=np.int64),
        "n_frames": None if n_frames is None else np.int64(n_frames),
        "rate_hz": float(segmentation.rate_hz),
        "one_photon": metadata.one_photon,
        "configuration_version": (
            None if provenance.configuration_version is None else np.int64(provenance.configuration_version)
        ),
    }
    given = {
        name: value
        for name, value in fields.items()
        if value is not None and not (isinstance(value, (str, list)) and not value)
    }
    return fluorite_sample_class()(**given)


def _compressed(data: NDArray[Any]) -> H5DataIO:
    return H5DataIO(data, compression="gzip", shuffle=True) if data.size else H5DataIO(data)
