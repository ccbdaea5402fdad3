"""Samples for others: one self-contained file each, in the layout that DANDI takes."""

from nwb_schema.export.exporting import Exported, ExportOptions, ExportReport, export_samples, plan_export

__all__ = ["ExportOptions", "ExportReport", "Exported", "export_samples", "plan_export"]
