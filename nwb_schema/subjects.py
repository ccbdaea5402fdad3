"""The subjects of a project: one table, typed once, from which every sample's subject is filled in.

It is ``subjects.csv`` in the project's folder: any spreadsheet program opens it.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from nwb_schema.errors import MetadataError
from nwb_schema.file_lock import file_lock
from nwb_schema.metadata_file import convert
from nwb_schema.names import clean_text
from nwb_schema.publishing import partial_path, publish_over, sweep_partials
from nwb_schema.spreadsheet import inert_cell, plain_cell
from nwb_schema.subject_terms import UnusableTerm

SUBJECT_FIELDS = {
    "subject_id": "subject_id",
    "sex": "sex",
    "species": "species",
    "age": "age",
    "date_of_birth": "date_of_birth",
    "genotype": "genotype",
    "strain": "strain",
    "weight": "weight",
    "description": "subject_description",
}
"""Columns of the table and the fields of `nwb_schema.metadata.SampleMetadata` that they fill."""

Subjects = dict[str, dict[str, str]]
"""``{subject_id: {column: text}}``; what is not known is absent."""


def read_subjects(path: Path) -> Subjects:
    """The subjects in the file `path`; none when it is not there.

    Raises
    ------
    MetadataError
        When the file cannot be read, has an unknown column, or holds a value that NWB cannot take; it names the row.
    """
    return _read(path) if path.exists() else {}


def import_subjects(project_table: Path, source: Path) -> Subjects:
    """Take the subjects of the CSV file `source` into the project's table, and return all that it has now.

    A subject that is there already gets the values that `source` gives; what `source` leaves empty stays.

    Raises
    ------
    MetadataError
        When `source` is missing or cannot be used; then nothing is changed.
    """
    if not source.is_file():
        raise MetadataError(source, "there is no such file", "Give a CSV file with a column subject_id.")
    new = _read(source)
    with file_lock(project_table, MetadataError):
        subjects = read_subjects(project_table)
        for subject_id, values in new.items():
            subjects[subject_id] = {**subjects.get(subject_id, {}), **values}
        write_subjects(project_table, subjects.values())
    return subjects


def change_subject(project_table: Path, subject_id: str, values: Mapping[str, str]) -> Subjects:
    """Give one subject of the project's table other values, and return all subjects; a new id adds a subject.

    Parameters
    ----------
    values
        By column; an empty text takes the value away. What is not among them stays.

    Raises
    ------
    MetadataError
        When there is no id, a column is unknown, or NWB cannot take a value; then nothing is changed.
    """
    wanted = clean_text(subject_id).strip()
    if not wanted:
        raise MetadataError(project_table, "a subject has no id", "Give every subject its id.")
    _check_header(project_table, list(dict.fromkeys(("subject_id", *values))))
    cleaned = {name: clean_text(value).strip() for name, value in values.items() if name != "subject_id"}
    with file_lock(project_table, MetadataError):
        subjects = read_subjects(project_table)
        changed = {**subjects.get(wanted, {}), **cleaned, "subject_id": wanted}
        subject = {name: changed[name] for name in SUBJECT_FIELDS if changed.get(name)}
        as_metadata(subject, f"subject {wanted}")
        subjects[wanted] = subject
        write_subjects(project_table, subjects.values())
    return subjects


def remove_subject(project_table: Path, subject_id: str) -> Subjects:
    """Take a subject out of the project's table, and return the others; samples keep what they hold.

    Raises
    ------
    MetadataError
        When there is no such subject.
    """
    with file_lock(project_table, MetadataError):
        subjects = read_subjects(project_table)
        if subject_id not in subjects:
            raise MetadataError(project_table, f"has no subject {subject_id[:60]!r}", "Look at the table again.")
        del subjects[subject_id]
        write_subjects(project_table, subjects.values())
    return subjects


def write_subjects(path: Path, subjects: Iterable[Mapping[str, str]]) -> None:
    """Write subjects to a CSV file, whole or not at all; a file that is there is replaced.

    Raises
    ------
    MetadataError
        When it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(SUBJECT_FIELDS)
    for subject in subjects:
        writer.writerow([inert_cell(subject.get(name, "")) for name in SUBJECT_FIELDS])
    try:
        sweep_partials(path.parent)
        temporary = partial_path(path.parent)
        try:
            temporary.write_bytes(text.getvalue().encode("utf-8"))
            publish_over(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise MetadataError(
            path, f"cannot be written ({error.strerror or error})", "Check permissions and free space."
        ) from error


def _read(path: Path) -> Subjects:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MetadataError(path, f"cannot be read ({error})", "Save it as CSV in UTF-8.") from error
    header = text.split("\n", 1)[0]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count)))
    except csv.Error as error:
        raise MetadataError(path, f"is not CSV ({error})", "Save it as CSV in UTF-8.") from error
    if not rows:
        return {}
    names = [name.strip().lower() for name in rows[0]]
    _check_header(path, names)
    subjects: Subjects = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = [clean_text(plain_cell(cell)).strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) > len(names):
            raise MetadataError(path, f"row {number} has more cells than the first row", "Put quotes around commas.")
        subject = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
        subject_id = subject.get("subject_id", "")
        if not subject_id:
            raise MetadataError(path, f"row {number} has no subject_id", "Give every subject its id.")
        if subject_id in subjects:
            raise MetadataError(path, f"row {number} is the second one of subject {subject_id!r}", "Keep one of them.")
        for name in subject:
            as_metadata({name: subject[name]}, f"{path} row {number}")
        subjects[subject_id] = subject
    return subjects


def as_metadata(subject: Mapping[str, str], source: str) -> dict[str, object]:
    """A row of the table under the names and in the form of `nwb_schema.metadata.SampleMetadata`.

    Raises
    ------
    MetadataError
        When NWB cannot take a value.
    """
    found = {}
    for name, value in subject.items():
        try:
            found[SUBJECT_FIELDS[name]] = convert(SUBJECT_FIELDS[name], value, [])
        except (UnusableTerm, ValueError, TypeError) as error:
            raise MetadataError(source, f"{name} cannot be {value[:60]!r} ({error})", "Correct it.") from error
    return found


def _check_header(path: Path, names: list[str]) -> None:
    for name in names:
        if name not in SUBJECT_FIELDS:
            close = difflib.get_close_matches(name, SUBJECT_FIELDS, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(SUBJECT_FIELDS)}."
            raise MetadataError(path, f"has an unknown column {name[:60]!r}", hint)
    if "subject_id" not in names or len(set(names)) < len(names):
        raise MetadataError(
            path, "has no column subject_id, or one column twice", f"Its first row names: {', '.join(SUBJECT_FIELDS)}."
        )
