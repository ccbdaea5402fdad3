"""An NWB file as another lab's script writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pynwb
from pynwb.ophys import ImageSegmentation, OpticalChannel, TwoPhotonSeries


def lab_file(path: Path, *, identifier: str = "session 7", n_frames: int = 12) -> Path:
    """A movie inside, masks elsewhere than ours, a column of its own; frames 20 high and 30 wide."""
    nwbfile = pynwb.NWBFile(
        identifier=identifier, session_description="theirs", session_start_time=datetime(2024, 5, 1, tzinfo=UTC)
    )
    plane = nwbfile.create_imaging_plane(
        name="plane0",
        device=nwbfile.create_device(name="scope"),
        optical_channel=OpticalChannel(name="red", description="red", emission_lambda=600.0),
        description="theirs",
        excitation_lambda=1040.0,
        indicator="jRGECO1a",
        location="unknown",
        imaging_rate=8.0,
    )
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 999, (n_frames, 30, 20)).astype(np.int16)
    nwbfile.add_acquisition(
        TwoPhotonSeries(
            name="movie", imaging_plane=plane, data=frames, unit="counts", rate=8.0, conversion=2.5, offset=1.0
        )
    )
    module = nwbfile.create_processing_module("two_photon", "theirs")
    segmentation = ImageSegmentation(name="masks")
    module.add(segmentation)
    table = segmentation.create_plane_segmentation(name="cells", description="cells", imaging_plane=plane)
    table.add_column("depth_um", "Depth of the cell.")
    for row in range(3):
        mask = np.zeros((30, 20), np.float32)
        mask[row * 5 : row * 5 + 4, 2:7] = 1
        table.add_roi(image_mask=mask, depth_um=10.0 * row)
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path
