"""What nwbinspector and dandi say of a file, in the form of our own findings. Neither is let near the network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nwb_schema.checks.finding import Finding, Severity
from nwb_schema.extension import fluorite_sample_class

_INSPECTOR = {
    "ERROR": Severity.ERROR,
    "PYNWB_VALIDATION": Severity.ERROR,
    "CRITICAL": Severity.ERROR,
    "BEST_PRACTICE_VIOLATION": Severity.WARNING,
    "BEST_PRACTICE_SUGGESTION": Severity.SUGGESTION,
}
_INSPECTOR_REMEDY = "See nwbinspector's best practices on how it should be."
_DANDI_REMEDY = "DANDI expects this; see `dandi validate`."


def inspector_findings(path: Path) -> Iterator[Finding]:
    """What nwbinspector finds with DANDI's configuration."""
    from nwbinspector import inspect_nwbfile, load_config  # a second to import, like pynwb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Schema validation is part of what dandi does.
        for message in inspect_nwbfile(nwbfile_path=path, config=load_config("dandi"), skip_validate=True):
            yield Finding(
                file=path.name,
                source="nwbinspector",
                check=str(message.check_function_name).split(":", 1)[0],
                severity=_INSPECTOR[message.importance.name],
                message=_line(str(message.message)),
                remedy=_INSPECTOR_REMEDY,
                location=_location(message),
            )


def dandi_findings(path: Path, *, asset_path: str | None) -> Iterator[Finding]:
    """What ``dandi validate`` finds, without what nwbinspector (which it calls) said already.

    Parameters
    ----------
    asset_path
        Path of the file in its dandiset, such as ``sub-m1/sub-m1_ses-s1_ophys.nwb``; None where it is in none, and its
        name is nobody's business.
    """
    # Read by dandi whenever it would ask the network whether there is a newer dandi.
    os.environ["DANDI_NO_ET"] = "1"
    from dandi.files import NWBAsset

    fluorite_sample_class()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asset = NWBAsset(filepath=path, path=asset_path or path.name, dandiset_path=path.parent)
        results = asset.get_validation_errors()
    for result in results:
        validator = result.origin.validator.value
        if validator == "nwbinspector" or (asset_path is None and "LAYOUT" in str(result.origin.standard)):
            continue
        yield Finding(
            file=path.name,
            source="pynwb" if validator == "pynwb" else "dandi",
            check=result.id.split(" (")[0].removeprefix("pynwb."),
            severity=_dandi_severity(result.severity),
            message=_line(result.message or result.id),
            remedy=_DANDI_REMEDY,
            location=", ".join((result.within_asset_paths or {}).values()),
        )


def _dandi_severity(severity: Any) -> Severity:
    # dandi's own scale: 10 info, 20 hint, 30 warning, 40 error, 50 critical.
    if severity is None or int(severity) >= 40:
        return Severity.ERROR
    return Severity.WARNING if int(severity) >= 30 else Severity.SUGGESTION


def _line(text: str) -> str:
    return " ".join(text.split()).removeprefix("Failed to validate. ").rstrip(".")


def _location(message: Any) -> str:
    place = str(message.location or "")
    return place if place.strip("/") else str(message.object_name or "")
