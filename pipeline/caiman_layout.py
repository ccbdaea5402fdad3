"""The layout of CaImAn's ``CNMF.save``, read with h5py: what each place holds, and in how many forms.

None is stored as the text ``NoneType``, text as an attribute, a sparse matrix as a group; pixels are numbered in
Fortran order. Our own engines write the same layout, and what it has no place for into a root group ``fluorite``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import MissingResultsRateError, ResultsError
from nwb_schema.segmentation import FloatArray
from pipeline.results_file import RingWeights

OWN_GROUP = "fluorite"
_REMEDY = "Save the results again with CaImAn's CNMF.save."
_TRACES = {"denoised": "C", "deconvolved": "S", "dff": "F_dff"}


class ResultsLayout:
    """One open results file."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self._file = file
        if not isinstance(file.get("estimates"), h5py.Group):
            raise ResultsError(path, "is not a CaImAn results file (it has no group 'estimates')", _REMEDY)

    def dims(self) -> tuple[int, ...]:
        """``(height, width)`` or ``(height, width, depth)`` of the frames that the footprints are in.

        CaImAn takes ``params/data/dims`` from the raw file, before cropping, so the other two places come first.
        """
        n_pixels = self._a_shape()[0]
        found = []
        for place in ("estimates/dims", "dims", "params/data/dims"):
            values = self._array(place)
            if values is not None and values.size in (2, 3):
                dims = tuple(int(size) for size in values.reshape(-1))
                found.append(dims)
                if int(np.prod(dims)) == n_pixels:
                    return dims[:2] if len(dims) == 3 and dims[2] == 1 else dims
        if not found:
            raise ResultsError(self.path, "does not say how large a frame is (no dims)", _REMEDY)
        raise ResultsError(
            self.path, f"says that frames are {found[0]}, but its footprints have {n_pixels} pixels", _REMEDY
        )

    def rate_hz(self) -> float:
        """Frames per second."""
        values = self._array("params/data/fr")
        if values is None or values.size != 1 or values.dtype.kind not in "iuf" or not float(values.item()) > 0:
            raise MissingResultsRateError(
                self.path, "does not say the imaging rate (params/data/fr)", "Give it: --frame-rate HZ."
            )
        return float(values.item())

    def extractor_obstacle(self, dims: tuple[int, ...]) -> str | None:
        """Why roiextractors' extractor cannot read this plane, or reads it wrongly; None when it can."""
        in_params = self._array("params/data/dims")
        if in_params is None or tuple(int(size) for size in in_params.reshape(-1)) != dims:
            return "params/data/dims is missing or differs"
        rate = self._array("params/data/fr")
        if rate is None or rate.shape != ():
            return "params/data/fr is missing"
        if not isinstance(self._file.get("estimates/A"), h5py.Group):
            return "A is not sparse"
        data = self._array("estimates/A/data")
        if self._a_shape()[1] == 0 or data is None or data.size == 0:
            return "there is no component"
        if (data == 0).any():
            return "A stores explicit zeros"
        if len(self._file["estimates/A/indptr"]) != self._a_shape()[1] + 1:
            return "A is stored by rows"
        accepted = self._array("estimates/idx_components")
        if accepted is not None and accepted.dtype.kind not in "iu":
            return "idx_components are no integers"
        background = self._array("estimates/b")
        if background is not None and background.ndim != 2:
            return "b is one-dimensional"
        if any(values is not None and values.ndim != 2 for values in map(self._estimate, ("C", "S", "YrA", "F_dff"))):
            return "traces are not two-dimensional"
        # Contradictions are named by us, rather than by an index error of the extractor.
        self.traces()
        self.accepted(self._a_shape()[1])
        return None

    def footprints(self, dims: tuple[int, ...]) -> sparse.csr_array:
        """``(n_rois, n_pixels)`` float32, pixels in C order of `dims`, without explicit zeros."""
        by_pixel = self._a_matrix().tocoo()
        pixels = _c_order(by_pixel.row, dims)
        matrix = sparse.csr_array(
            (by_pixel.data.astype(np.float32), (by_pixel.col, pixels)), shape=by_pixel.shape[::-1], dtype=np.float32
        )
        matrix.eliminate_zeros()
        matrix.sort_indices()
        return matrix

    def traces(self) -> dict[str, Any]:
        """``(n_rois, n_frames)`` float32 by kind; a dF/F of another shape is left out."""
        n_rois = self._a_shape()[1]
        found: dict[str, NDArray[Any]] = {}
        for kind, name in _TRACES.items():
            values = self._estimate(name)
            if values is not None:
                found[kind] = values
        residual = self._estimate("YrA")
        if residual is None:
            residual = self._estimate("R")
        shape = found["denoised"].shape if "denoised" in found else None
        for kind, values in {**found, "YrA": residual}.items():
            if values is not None and kind != "dff" and (values.ndim != 2 or values.shape != (shape or values.shape)):
                raise ResultsError(
                    self.path, f"its {kind} traces have shape {values.shape}, but C has {shape}", _REMEDY
                )
        if shape is not None and shape[0] != n_rois:
            raise ResultsError(self.path, f"has {n_rois} footprints but {shape[0]} traces", _REMEDY)
        if "denoised" in found and residual is not None:
            found["raw"] = found["denoised"] + residual
        if "dff" in found and not self._dff_fits():
            del found["dff"]
        return {kind: np.ascontiguousarray(values, dtype=np.float32) for kind, values in found.items()}

    def accepted(self, n_rois: int) -> tuple[NDArray[np.bool_], bool]:
        """``(accepted, evaluated)``. No ``idx_components``: nothing was evaluated. Empty ones: all were rejected."""
        values = self._array("estimates/idx_components")
        if values is None:
            return np.ones(n_rois, bool), False
        if values.dtype.kind == "b" and values.shape == (n_rois,):
            return values.astype(bool), True
        accepted = np.zeros(n_rois, bool)
        rows = values.reshape(-1)
        if rows.size:
            whole = rows.astype(np.int64)
            if not np.array_equal(whole, rows) or whole.min() < 0 or whole.max() >= n_rois:
                raise ResultsError(
                    self.path, f"its idx_components name components that are not there (there are {n_rois})", _REMEDY
                )
            accepted[whole] = True
        return accepted, True

    def has_latency(self) -> bool:
        """Whether it says how long each frame took, as an online run of ours does."""
        return self._array(f"{OWN_GROUP}/latency_s") is not None

    def n_rois(self) -> int:
        """Number of components."""
        return self._a_shape()[1]

    def score(self, name: str, n_rois: int) -> FloatArray | None:
        """One score per component, or None where it was not computed or does not fit."""
        values = self._array(f"estimates/{name}")
        if values is None or values.shape != (n_rois,) or values.dtype.kind not in "iuf" or n_rois == 0:
            return None
        return values.astype(np.float32)

    def background_footprints(self, dims: tuple[int, ...]) -> FloatArray | None:
        """``(n_background, n_pixels)`` float32, pixels in C order of `dims`; one-photon results have none."""
        values = self._estimate("b")
        if values is None or values.size == 0:
            return None
        values = values.reshape(-1, 1) if values.ndim == 1 else values
        if values.shape[0] != int(np.prod(dims)):
            return None
        flat = np.empty(values.shape[::-1], np.float32)
        flat[:, _c_order(np.arange(values.shape[0]), dims)] = values.T
        return flat

    def background_traces(self) -> FloatArray | None:
        """``(n_background, n_frames)`` float32, or None."""
        values = self._estimate("f")
        if values is None or values.size == 0 or self._estimate("b") is None:
            return None
        return np.atleast_2d(values).astype(np.float32)

    def ring(self, dims: tuple[int, ...]) -> RingWeights | None:
        """W and b0 of a one-photon plane, pixels in C order; None where they are missing or do not fit `dims`.

        W is stored by columns, for the field reduced by ``ssub_B``; first versions of our own engine stored it by rows.
        """
        offset = self._estimate("b0")
        parts = [self._array(f"estimates/W/{name}") for name in ("data", "indices", "indptr", "shape")]
        if len(dims) != 2 or offset is None or offset.size != int(np.prod(dims)) or any(part is None for part in parts):
            return None
        data, indices, indptr, shape = (np.asarray(part) for part in parts)
        ssub = max(1, int(self.parameters().get("init", {}).get("ssub_B") or 1))
        small = (-(-dims[0] // ssub), -(-dims[1] // ssub))
        n_small = int(np.prod(small))
        if shape.reshape(-1).tolist() != [n_small, n_small] or len(indptr) != n_small + 1:
            return None
        own = self._file.get(OWN_GROUP)
        by_rows = isinstance(own, h5py.Group) and self.engine()[0] == "builtin" and "ring_stored" not in own.attrs
        form = sparse.csr_array if by_rows else sparse.csc_array
        entries = form((data, indices, indptr), shape=(n_small, n_small)).tocoo()
        rows, columns = (_c_order(pixels, small) for pixels in (entries.row, entries.col))
        weights = sparse.csr_array((entries.data.astype(np.float32), (rows, columns)), shape=(n_small, n_small))
        b0 = np.empty(offset.size, np.float32)
        b0[_c_order(np.arange(offset.size), dims)] = offset.reshape(-1)
        return RingWeights(weights, small, b0)

    def images(self, dims: tuple[int, ...]) -> dict[str, FloatArray]:
        """Summary images ``(height, width)``. CaImAn saves the correlation image alone; a volume's is its maximum in z.

        roiextractors calls the sum of the background's footprints "mean"; it is no image of the movie, and left out.
        """
        found: dict[str, FloatArray] = {}
        correlation = self._estimate("Cn")
        if correlation is not None and correlation.shape == dims:
            plane = correlation if correlation.ndim == 2 else correlation.max(axis=2)
            found["correlation"] = plane.astype(np.float32)
        own = self._file.get(f"{OWN_GROUP}/summary_images")
        if isinstance(own, h5py.Group):
            for name in own:
                values = self._array(f"{OWN_GROUP}/summary_images/{name}")
                if values is not None and values.shape == dims[:2]:
                    found[name] = values.astype(np.float32)
        return found

    def plane_images(self, dims: tuple[int, ...]) -> dict[str, FloatArray]:
        """Summary images ``(height, width, depth)`` of a volume; none of a recording of one plane."""
        if len(dims) == 2:
            return {}
        places = {"correlation": "estimates/Cn"}
        own = self._file.get(f"{OWN_GROUP}/plane_images")
        if isinstance(own, h5py.Group):
            places |= {name: f"{OWN_GROUP}/plane_images/{name}" for name in own}
        found = {name: self._array(place) for name, place in places.items()}
        return {
            name: values.astype(np.float32)
            for name, values in found.items()
            if values is not None and values.shape == dims
        }

    def patch_shifts(self) -> tuple[NDArray[np.float32], ...] | None:
        """Of piecewise-rigid correction by our engine: shifts ``(n_frames, ny, nx, 2)``, rows ``(ny,)``, columns."""
        names = [f"{OWN_GROUP}/{name}" for name in ("patch_shifts", "patch_rows", "patch_columns")]
        found = [self._file.get(name) for name in names]
        if not all(isinstance(item, h5py.Dataset) for item in found):
            return None
        shifts, rows, columns = (np.asarray(item[()], np.float32) for item in found)
        if shifts.shape[1:] != (len(rows), len(columns), 2):
            raise ResultsError(self.path, "its shifts of patches do not fit their places", _REMEDY)
        return shifts, rows, columns

    def shifts(self) -> NDArray[np.float32] | None:
        """``(n_frames, 2)`` as ``(y, x)``: ours, else CaImAn's rigid shifts, which have the same sign and order.

        Those of volumes are ``(n_frames, 3)``, as ``(y, x, z)``.
        """
        for place in (f"{OWN_GROUP}/shifts", "estimates/shifts"):
            values = self._array(place)
            if values is not None and values.ndim == 2 and values.shape[1] in (2, 3) and values.dtype.kind in "iuf":
                return values.astype(np.float32)
        return None

    def engine(self) -> tuple[str, str]:
        """Name and version of what wrote the file."""
        own = self._file.get(OWN_GROUP)
        if isinstance(own, h5py.Group) and "engine" in own.attrs:
            version = own.attrs.get("engine_version", own.attrs.get("version", "unknown"))
            return _text(own.attrs["engine"]), _text(version)
        version = self.parameters().get("data", {}).get("caiman_version")
        return "caiman", str(version or "unknown")

    def parameters(self) -> dict[str, dict[str, Any]]:
        """``{group: {name: value}}``."""
        params = self._file.get("params")
        if not isinstance(params, h5py.Group):
            return {}
        found: dict[str, dict[str, Any]] = {}
        for group_name, group in params.items():
            if isinstance(group, h5py.Group):
                values = {name: _plain(value) for name, value in group.attrs.items()}
                values |= {name: _plain(node[()]) for name, node in group.items() if isinstance(node, h5py.Dataset)}
                found[group_name] = values
        return found

    def notes(self, dims: tuple[int, ...]) -> Iterator[str]:
        """What is in the file but does not fit, and is therefore left out."""
        n_rois = self._a_shape()[1]
        for name in ("SNR_comp", "r_values", "cnn_preds"):
            values = self._array(f"estimates/{name}")
            if values is not None and values.size and values.shape != (n_rois,):
                yield f"{name} has {values.size} values for {n_rois} components and is left out."
        dff = self._estimate("F_dff")
        if dff is not None and not self._dff_fits():
            yield f"F_dff has shape {dff.shape}, unlike the other traces, and is left out."
        correlation = self._estimate("Cn")
        if correlation is not None and correlation.shape != dims:
            yield f"The correlation image has shape {correlation.shape} instead of {dims} and is left out."
        background = self._estimate("b")
        if background is not None and background.size and background.shape[0] != int(np.prod(dims)):
            yield f"The background has {background.shape[0]} pixels instead of {int(np.prod(dims))} and is left out."

    def _dff_fits(self) -> bool:
        dff, denoised = self._estimate("F_dff"), self._estimate("C")
        n_rois = self._a_shape()[1]
        return (
            dff is not None
            and dff.ndim == 2
            and dff.shape == (denoised.shape if denoised is not None else (n_rois, dff.shape[1]))
        )

    def _a_shape(self) -> tuple[int, int]:
        node = self._file.get("estimates/A")
        shape = self._array("estimates/A/shape") if isinstance(node, h5py.Group) else None
        if isinstance(node, h5py.Dataset) and node.ndim == 2:
            return int(node.shape[0]), int(node.shape[1])
        if shape is None or shape.size != 2:
            raise ResultsError(self.path, "has no footprints (estimates/A)", "Save it after extraction has finished.")
        return int(shape[0]), int(shape[1])

    def _a_matrix(self) -> sparse.csc_array:
        """``(n_pixels, n_rois)``, pixels in Fortran order."""
        shape = self._a_shape()
        node = self._file["estimates/A"]
        if isinstance(node, h5py.Dataset):
            return sparse.csc_array(node[()])
        parts = tuple(node[name][()] for name in ("data", "indices", "indptr"))
        if len(parts[2]) == shape[1] + 1:
            return sparse.csc_array(parts, shape=shape)
        return sparse.csc_array(sparse.csr_array(parts, shape=shape))

    def _estimate(self, name: str) -> NDArray[Any] | None:
        return self._array(f"estimates/{name}")

    def _array(self, place: str) -> NDArray[Any] | None:
        """A numerical dataset, or None where it is absent, ``NoneType`` or no number."""
        node = self._file.get(place)
        if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "biuf":
            return None
        return np.asarray(node[()])


def _c_order(pixels: NDArray[Any], dims: tuple[int, ...]) -> NDArray[np.int64]:
    """Numbers of pixels in C order, from those in Fortran order."""
    return np.ravel_multi_index(np.unravel_index(pixels, dims, order="F"), dims)


def _plain(value: Any) -> Any:
    """A parameter as Python has it: ``NoneType`` is None, bytes are text."""
    if isinstance(value, (bytes, str)):
        text = _text(value)
        return None if text == "NoneType" else text
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
