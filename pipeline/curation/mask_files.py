"""Read ROIs that were drawn elsewhere: ImageJ's ``.roi`` and ``.zip``, stacks of masks, lists of shapes in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import EditError
from pipeline.curation.shapes import ellipse_mask, polygon_mask

FORMATS = (".roi", ".zip", ".npy", ".npz", ".json")
_MAX_BYTES = 1 << 30


def read_masks(path: Path, shape: tuple[int, int]) -> sparse.csr_array:
    """Footprints ``(n_rois, n_pixels)`` float32 of the ROIs in a file, pixels in C order of `shape`.

    - ``.roi``, ``.zip``: ImageJ; rectangles, ovals, polygons, freehand and traced ones. Lines and points have no area.
    - ``.npy``, ``.npz``: ``(n_rois, height, width)``, or ``(height, width)`` for one; in an ``.npz`` the array called
      ``masks`` or ``A``, or the only one. Weights are kept.
    - ``.json``: a list of ``[[x, y], ...]`` (a polygon), ``{"polygon": [[x, y], ...]}``,
      ``{"ellipse": [left, top, width, height]}`` or ``{"coordinates": [[y, x], ...]}`` (pixels, as neurofinder has it).

    Parameters
    ----------
    shape
        ``(height, width)`` of the sample's frames.

    Raises
    ------
    EditError
        When the file cannot be read, or an ROI in it has no area, or none inside the frame.
    """
    if not path.is_file():
        raise EditError(path, "there is no such file", f"Give a file that ends in {', '.join(FORMATS)}.")
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise EditError(path, "is of no kind that holds ROIs", f"Give a file that ends in {', '.join(FORMATS)}.")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is larger than 1 GiB")
        masks = [sparse.csr_array(mask.reshape(1, -1).astype(np.float32)) for mask in read(path, shape)]
    except EditError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise EditError(path, f"cannot be read as ROIs ({cause})", "Look at what is in it.") from error
    if not masks:
        raise EditError(path, "holds no ROI", "Draw one first.")
    for number, mask in enumerate(masks, start=1):
        if mask.nnz == 0:
            raise EditError(
                path, f"ROI {number} has no pixel inside the frame of {shape[0]} x {shape[1]}", "Is it of this movie?"
            )
    return sparse.csr_array(sparse.vstack(masks, format="csr"))


def count_masks(path: Path) -> int:
    """How many ROIs are in a file, for which no frame has to be known.

    Raises
    ------
    EditError
        When the file cannot be read as ROIs.
    """
    if not path.is_file():
        raise EditError(path, "there is no such file", f"Give a file that ends in {', '.join(FORMATS)}.")
    ending = path.suffix.lower()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is larger than 1 GiB")
        if ending in (".roi", ".zip"):
            from roifile import ImagejRoi, roiread

            found = roiread(path)
            return 1 if isinstance(found, ImagejRoi) else len(found)
        return len(_read_items(path) if ending == ".json" else _read_stack(path))
    except Exception as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise EditError(path, f"cannot be read as ROIs ({cause})", "Look at what is in it.") from error


def _from_imagej(path: Path, shape: tuple[int, int]) -> Iterator[NDArray[Any]]:
    from roifile import ROI_TYPE, ImagejRoi, roiread

    found = roiread(path)
    outlines = (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)
    for number, roi in enumerate([found] if isinstance(found, ImagejRoi) else found, start=1):
        if roi.roitype is ROI_TYPE.OVAL and roi.subtype == 0:
            yield ellipse_mask(roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top, shape)
        elif roi.composite:
            mask = np.zeros(shape, bool)
            for part in roi.coordinates(multi=True):
                mask ^= polygon_mask(part, shape)
            yield mask
        elif roi.roitype is ROI_TYPE.RECT:
            corners = [(roi.left, roi.top), (roi.right, roi.top), (roi.right, roi.bottom), (roi.left, roi.bottom)]
            yield polygon_mask(corners, shape)
        elif roi.roitype in outlines:
            yield polygon_mask(roi.coordinates(), shape)
        else:
            kind = roi.roitype.name.lower()
            raise EditError(path, f"ROI {number} ({roi.name or kind}) is a {kind}, without area", "Leave it out.")


def _from_arrays(path: Path, shape: tuple[int, int]) -> Iterator[NDArray[Any]]:
    stack = _read_stack(path)
    if stack.ndim != 3 or stack.shape[1:] != shape:
        raise ValueError(f"its array has the shape {stack.shape}, the sample's frames {shape}")
    if stack.dtype.kind not in "biuf" or not np.isfinite(stack).all() or (stack < 0).any():
        raise ValueError("its weights are not all numbers from 0 on")
    yield from stack


def _read_stack(path: Path) -> NDArray[Any]:
    """The array of masks in a file; one mask alone is a stack of one."""
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        stack = loaded
    else:
        with loaded:
            names = loaded.files
            name = next((name for name in ("masks", "A") if name in names), names[0] if len(names) == 1 else None)
            if name is None:
                raise ValueError(f"none of its arrays is called masks or A: {', '.join(names)[:100]}")
            stack = loaded[name]
    return stack[None] if stack.ndim == 2 else stack


def _read_items(path: Path) -> list[Any]:
    items = json.loads(path.read_text(encoding="utf-8"))
    return list(items.get("rois", [items]) if isinstance(items, Mapping) else items)


def _from_json(path: Path, shape: tuple[int, int]) -> Iterator[NDArray[Any]]:
    for item in _read_items(path):
        entry = {"polygon": item} if isinstance(item, list) else item
        yield shape_mask(entry, shape)


def shape_mask(entry: Mapping[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels ``(height, width)`` of one shape as JSON has it; see `read_masks`.

    Raises
    ------
    ValueError
        When it is no such shape.
    """
    if "polygon" in entry:
        return polygon_mask(entry["polygon"], shape)
    if "ellipse" in entry:
        left, top, width, height = (float(value) for value in entry["ellipse"])
        return ellipse_mask(left, top, width, height, shape)
    if "coordinates" in entry:
        return _pixels(np.asarray(entry["coordinates"]), shape)
    raise ValueError(f"it has an entry without polygon, ellipse or coordinates: {str(entry)[:60]}")


def _pixels(pixels: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    if pixels.ndim != 2 or pixels.shape[1] != 2 or pixels.dtype.kind not in "iu":
        raise ValueError("coordinates are whole numbers [y, x]")
    inside = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    mask = np.zeros(shape, bool)
    mask[tuple(pixels[inside].T)] = True
    return mask


_READERS = {
    ".roi": _from_imagej,
    ".zip": _from_imagej,
    ".npy": _from_arrays,
    ".npz": _from_arrays,
    ".json": _from_json,
}
