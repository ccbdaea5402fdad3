"""Whether an NWB file is what it should be: our own rules, nwbinspector and ``dandi validate``, in one form."""

from nwb_schema.checks.checking import CheckReport, check_file, check_sample
from nwb_schema.checks.finding import Finding, Severity
from nwb_schema.checks.rules import RULES

__all__ = ["RULES", "CheckReport", "Finding", "Severity", "check_file", "check_sample"]
