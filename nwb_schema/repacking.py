"""A new HDF5 file with the same content: nothing of what was deleted or overwritten in the old one is in it.

This is done by HDF5 itself, which copies compressed chunks as they are and carries references over. pynwb's own export
takes compound data such as pixel masks apart element by element, and loses their compression.
"""

from __future__ import annotations

from pathlib import Path

import h5py

_COPIED = "copied"


def repack(source: Path, target: Path) -> None:
    """Write everything of the file `source` into the new file `target`.

    External links are kept as links; soft links and object references lead to the same places as before.
    """
    with h5py.File(source, "r") as old, h5py.File(target, "x") as new:
        how = h5py.h5p.create(h5py.h5p.OBJECT_COPY)
        # Without this, references (of trace series to their ROIs, say) would be empty in the new file.
        how.set_copy_object(h5py.h5o.COPY_EXPAND_REFERENCE_FLAG)
        # HDF5 copies no root onto a root; so it goes below it, and everything is then moved up.
        h5py.h5o.copy(old.id, b"/", new.id, _COPIED.encode(), how)
        copied = new[_COPIED]
        for name in list(copied):
            new.move(f"{_COPIED}/{name}", f"/{name}")
        for name, value in copied.attrs.items():
            new.attrs[name] = value
        del new[_COPIED]
        # HDF5 also leaves a link at the root to whatever a reference leads to.
        for name in set(new) - set(old):
            del new[name]
