"""Is all of a TIFF there? tifffile reads what it finds; a cut-off file silently becomes a shorter movie."""

from __future__ import annotations

import struct
from pathlib import Path

import tifffile

from nwb_schema.errors import MovieError

_DESCRIPTION = 270
_REMEDY = "Copy it again from where it was recorded; if that is all there is, re-save what remains as a new file."


def check_not_truncated(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse a TIFF whose header promises more than the file holds. Reads no frame.

    Raises
    ------
    MovieError
        When the file holds no image, its description is not there, the chain of pages leads beyond the end of the file,
        ImageJ's ``images=`` or tifffile's ``shape`` promises more than there is, or the last page's data lie beyond the
        end.
    """
    if len(tiff.pages) == 0:
        raise MovieError(path, "the TIFF holds no image", "Check that the recording was saved, then choose that file.")
    _check_description(path, tiff)
    _check_imagej(path, tiff)
    size = tiff.filehandle.size
    for series in _series(path, tiff):
        if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
            per_frame = series.nbytes // max(1, _n_images(series))
            held = max(0, size - series.dataoffset) // max(1, per_frame)
            raise MovieError(
                path, f"it is truncated: it declares {_n_images(series)} images but holds only {held}", _REMEDY
            )
    if _next_page_offset(tiff) != 0:
        raise MovieError(
            path,
            f"it is truncated: after {len(tiff.pages)} pages the next one lies beyond the end of the file",
            _REMEDY,
        )
    last = tiff.pages[-1]
    ends = [offset + count for offset, count in zip(last.dataoffsets, last.databytecounts, strict=False)]
    if ends and max(ends) > size:
        raise MovieError(
            path,
            f"it is truncated: page {len(tiff.pages) - 1} ends at byte {max(ends)}, but the file has {size} bytes",
            _REMEDY,
        )


def _series(path: Path, tiff: tifffile.TiffFile) -> list[tifffile.TiffPageSeries]:
    """tifffile's series; a page that differs from the others, which stops tifffile, is named."""
    try:
        return list(tiff.series)
    except RuntimeError as error:
        first = tiff.pages.first
        for number in range(1, len(tiff.pages)):
            page = tiff.pages.get(number, aspage=True)
            if isinstance(page, tifffile.TiffPage) and (page.shape, page.dtype) != (first.shape, first.dtype):
                raise mixed_pages(path, {_name(first), _name(page)}) from error
        raise MovieError(path, f"its pages do not go together ({error})", "Re-save it as one plain TIFF.") from error


def _name(page: tifffile.TiffPage) -> str:
    return f"{' x '.join(str(length) for length in page.shape)} {page.dtype}"


def mixed_pages(path: Path, sizes: set[str]) -> MovieError:
    """The error for one TIFF whose pages differ."""
    return MovieError(
        path,
        f"its pages differ in size or type: {'; '.join(sorted(sizes))} (height x width)",
        "Split it into one file per size; --load-method asarray reads the first series alone.",
    )


def _n_images(series: tifffile.TiffPageSeries) -> int:
    height_width = 2 + ("S" in series.axes)
    count = 1
    for length in series.shape[: max(0, len(series.shape) - height_width)]:
        count *= length
    return count


def _check_description(path: Path, tiff: tifffile.TiffFile) -> None:
    """OME-XML is often the last thing in a file: cut off there, channels would be read as frames without a word."""
    first, layout, handle = tiff.pages.first, tiff.tiff, tiff.filehandle
    if _DESCRIPTION in first.tags:
        return
    handle.seek(first.offset)
    (count,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    entries = handle.read(count * layout.tagsize)
    codes = [struct.unpack_from(f"{tiff.byteorder}H", entries, row * layout.tagsize)[0] for row in range(count)]
    if _DESCRIPTION in codes:
        raise MovieError(path, "it is truncated: the description that it declares is not in the file", _REMEDY)


def _check_imagej(path: Path, tiff: tifffile.TiffFile) -> None:
    """ImageJ writes stacks above 4 GB as one page and N images behind it: then the bytes count, not the pages."""
    metadata = tiff.imagej_metadata
    if metadata is None:
        return
    declared = int(metadata.get("images", 1))
    held = len(tiff.pages)
    if held >= declared:
        return
    first = tiff.pages.first
    if first.compression == 1 and first.dataoffsets and first.nbytes:
        held = max(held, (tiff.filehandle.size - first.dataoffsets[0]) // first.nbytes)
    if held < declared:
        raise MovieError(
            path, f"it is truncated: ImageJ declares {declared} images but the file holds only {held}", _REMEDY
        )


def _next_page_offset(tiff: tifffile.TiffFile) -> int:
    """Where the last page that was found says the next one lies; 0 at the true end of the chain.

    tifffile stops at an offset beyond the end of the file with no more than a log line.
    """
    layout, handle = tiff.tiff, tiff.filehandle
    offset = tiff.pages[-1].offset
    if tiff.is_scanimage and not tiff.is_bigtiff:
        return 0  # pages beyond 2 GB that tifffile computed; see tiff_file
    handle.seek(offset)
    (count,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    handle.seek(offset + layout.tagnosize + count * layout.tagsize)
    raw = handle.read(layout.offsetsize)
    if len(raw) < layout.offsetsize:
        return -1
    return int(struct.unpack(layout.offsetformat, raw)[0])
