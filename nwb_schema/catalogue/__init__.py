"""The catalogue: an index of all samples and ROIs of a project, for lists and filters. Disposable."""

from nwb_schema.catalogue.catalogue import Catalogue, Page
from nwb_schema.catalogue.scan import Refreshed
from nwb_schema.catalogue.watcher import ScanState, Watcher

__all__ = ["Catalogue", "Page", "Refreshed", "ScanState", "Watcher"]
