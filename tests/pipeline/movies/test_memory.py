"""A movie larger than memory: files of several GB, sparse on disk, of which a few frames are read.

What counts is the memory that Python and NumPy allocate (tracemalloc sees NumPy's buffers), not the clock.
"""

from __future__ import annotations

import tracemalloc

import h5py
import numpy as np
import psutil
import pytest
import tifffile

from pipeline.movies import open_movie

N_FRAMES, HEIGHT, WIDTH = 5000, 800, 600
FRAME_BYTES = HEIGHT * WIDTH * 2


def imagej_above_4gb(path):
    with pytest.warns(UserWarning, match="truncating ImageJ"):
        tifffile.imwrite(
            path, shape=(N_FRAMES, HEIGHT, WIDTH), dtype="uint16", imagej=True, metadata={"axes": "TYX", "fps": 30.0}
        )
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == 1
        return tiff.series[0].dataoffset, f"{tiff.byteorder}u2"


def bigtiff(path):
    shape, axes = (N_FRAMES, HEIGHT, WIDTH), {"axes": "TYX", "fps": 30.0}
    tifffile.memmap(path, shape=shape, dtype="uint16", bigtiff=True, metadata=axes)
    with tifffile.TiffFile(path) as tiff:
        return tiff.series[0].dataoffset, "<u2"


def hdf5(path):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("movie", shape=(N_FRAMES, HEIGHT, WIDTH), dtype="<u2")
        data.attrs["axes"], data.attrs["fps"] = "TYX", 30.0
        data[0] = 0  # HDF5 reserves the space of a contiguous dataset at its first write
        offset = data.id.get_offset()
    return offset, "<u2"


@pytest.mark.parametrize(("make", "name"), [(imagej_above_4gb, "imagej.tif"), (bigtiff, "big.tif"), (hdf5, "big.h5")])
def test_only_what_is_asked_for_is_read(tmp_path, make, name):
    path = tmp_path / name
    offset, dtype = make(path)
    with path.open("r+b") as file:
        file.seek(offset + (N_FRAMES - 2) * FRAME_BYTES)
        file.write(np.arange(HEIGHT * WIDTH).astype(dtype).tobytes())
        file.truncate(max(offset + N_FRAMES * FRAME_BYTES, path.stat().st_size))
    assert path.stat().st_size > 4 * 2**30
    resident = psutil.Process().memory_info().rss
    tracemalloc.start()
    try:
        with open_movie(path) as movie:
            assert movie.shape == (N_FRAMES, HEIGHT, WIDTH)
            assert movie.rate_hz == 30.0
            block = movie.read(N_FRAMES - 3, N_FRAMES)
            expected = np.arange(HEIGHT * WIDTH).astype("u2").reshape(HEIGHT, WIDTH)
            np.testing.assert_array_equal(block[1], expected)
            assert not block[0].any()
            assert not block[2].any()
            for start in range(0, 200, 10):
                movie.read(start, start + 10)
        allocated = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert allocated < 60 * FRAME_BYTES
    assert psutil.Process().memory_info().rss - resident < 200 * FRAME_BYTES
