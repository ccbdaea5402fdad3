"""A TIFF that is not all there is refused when it is opened: tifffile alone would make a shorter movie of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MovieError
from pipeline.movies import open_movie

RATE = {"frame_rate_hz": 10.0}


def cut(path, keep: float) -> None:
    """Keep the first part `keep` of the file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def test_a_truncated_imagej_tiff_names_both_numbers(tmp_path, frames, says):
    path = tmp_path / "imagej.tif"
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", "fps": 9.0})
    cut(path, 0.5)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].shape == (24, 36), "tifffile returns one frame without a word: the trap"
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "truncated", "declares 12 images", "holds only 6", "Copy it again")


def test_an_imagej_tiff_of_one_page_and_all_its_bytes_is_whole(tmp_path, frames):
    # What ImageJ itself writes above 4 GB: one page, the other frames behind it without pages of their own.
    path = tmp_path / "imagej.tif"
    tifffile.imwrite(path, frames, imagej=True, truncate=True, metadata={"axes": "TYX", "fps": 9.0})
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == 1
    with open_movie(path) as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)
    cut(path, 0.5)
    with pytest.raises(MovieError, match="declares 12 images"):
        open_movie(path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_truncated_multi_page_tiff_is_refused_at_open(tmp_path, frames, says, compression, keep):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(frame, photometric="minisblack", contiguous=False, metadata=None, compression=compression)
    cut(path, keep)
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "truncated", "Copy it again")


def test_a_file_cut_exactly_between_two_pages_is_refused_at_open(tmp_path, frames, says):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(frame, photometric="minisblack", contiguous=False, metadata=None)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[7].offset
    path.write_bytes(path.read_bytes()[:offset])
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "truncated", "after 7 pages")


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_truncated_block_of_frames_is_refused_at_open(tmp_path, frames, says, keep):
    path = tmp_path / "block.tif"
    tifffile.imwrite(path, frames, photometric="minisblack")
    cut(path, keep)
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "truncated", "declares 12 images")


@pytest.mark.parametrize("bigtiff", [False, True])
def test_a_cut_off_description_is_refused_though_all_pages_are_there(tmp_path, frames, says, bigtiff):
    # Its OME-XML lies at the end and alone says that every second page is another channel.
    path = tmp_path / "movie.ome.tif"
    tifffile.imwrite(path, frames.reshape(6, 2, 24, 36), bigtiff=bigtiff, metadata={"axes": "TCYX"})
    path.write_bytes(path.read_bytes()[:-20])
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == 12
        assert not tiff.is_ome
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "truncated", "description")


def test_last_strips_beyond_the_end_are_refused_though_every_page_is_listed(tmp_path, frames, says):
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", metadata=None, compression="zlib", rowsperstrip=24)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        count = tiff.pages[len(tiff.pages) - 1].tags["StripByteCounts"]
        count.overwrite(10_000_000)
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "truncated", "page 11")


def test_a_corrupt_page_is_an_error_that_names_it(tmp_path, frames, says):
    path = tmp_path / "corrupt.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", compression="zlib", metadata={"axes": "TYX", "fps": 5})
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[5].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 64)
    with open_movie(path) as movie:
        np.testing.assert_array_equal(movie.read(0, 5), frames[:5])
        with pytest.raises(MovieError) as raised:
            movie.read(4, 7)
        says(raised, path, "page 5")


def test_flipped_bytes_never_end_in_anything_but_an_error_that_names_the_file(tmp_path, frames):
    path, random = tmp_path / "flipped.tif", np.random.default_rng(0)
    tifffile.imwrite(path, frames, compression="zlib", metadata={"axes": "TYX", "fps": 5})
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    named = []
    for _ in range(200):
        damaged = whole.copy()
        # The header, the first page's tags and description, and the tags of the others: all but the pixels.
        where = np.concatenate([random.integers(0, 500, 3), random.integers(len(whole) - 2500, len(whole), 3)])
        damaged[where] = random.integers(0, 256, 6)
        path.write_bytes(damaged.tobytes())
        try:
            with open_movie(path, **RATE) as movie:
                movie.read(0, min(50, movie.shape[0]))
        except MovieError as error:
            named.append(error.file)
    assert len(named) > 20
    assert set(named) == {str(path)}


def test_a_tiff_without_pages_is_refused(tmp_path, says):
    path = tmp_path / "none.tif"
    path.write_bytes(b"II*\0\0\0\0\0")
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path)


def test_a_file_that_is_no_tiff_is_refused(tmp_path, says):
    path = tmp_path / "text.tif"
    path.write_text("not a picture")
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "not a readable TIFF")


def test_pages_of_different_sizes_are_refused(tmp_path, frames, says):
    path = tmp_path / "mixed.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in (*frames[:3], frames[3, :20, :30], *frames[4:]):
            writer.write(frame, photometric="minisblack", contiguous=False, metadata=None)
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "20 x 30", "24 x 36")


def test_a_damaged_tiff_prints_nothing_beside_its_error(tmp_path, frames):
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, frames, bigtiff=True, compression="zlib", metadata={"axes": "TYX", "fps": 5})
    cut(path, 0.5)
    code = (
        "import sys; from pathlib import Path; from pipeline.movies import open_movie\n"
        "try: open_movie(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("MovieError", "")
