"""A project: one folder with a configuration, samples, movies and everything made from them."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configuration import Configuration
from nwb_schema.configuration_file import TEMPLATE as CONFIGURATION_TEMPLATE
from nwb_schema.configuration_file import read_configuration
from nwb_schema.errors import ProjectError, SampleError
from nwb_schema.names import clean_text, sample_file_name
from nwb_schema.publishing import partial_path, publish
from nwb_schema.reader import read_identifier
from nwb_schema.sqlite import journal_mode, may_write

CONFIG_NAME = "project.toml"
FORMAT_VERSION = 1
_FOLDERS = ("samples", "movies", "batch", "analyses", "plots", "exports", "trash", ".fluorite")
_TEMPLATE = """\
# A Fluorite project. This file may be edited by hand; what you write in comments stays.

[project]
name = {name}
created = {created}
# Version of this layout; Fluorite itself raises it.
format_version = {format_version}

[engine]
# The Python interpreter of an environment that has CaImAn (it is on conda-forge; the package named "caiman" on PyPI is
# an unrelated project). Empty: the built-in engine is used.
caiman_python = ""
"""


@dataclass(frozen=True)
class ProjectConfig:
    """What ``project.toml`` says.

    Attributes
    ----------
    name
        The project's name.
    created
        When it was made, ISO 8601; empty where the file does not say.
    format_version
        Version of the folder's layout.
    caiman_python
        Interpreter with CaImAn, or None.
    table
        The whole file as parsed.
    """

    name: str
    created: str
    format_version: int
    caiman_python: str | None
    table: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Project:
    """A project folder. `Project.create` makes one, `Project.open` opens one."""

    folder: Path
    config: ProjectConfig

    @classmethod
    def create(cls, folder: Path, name: str | None = None) -> Project:
        """Make a project in `folder`, which must not exist yet or be empty.

        Raises
        ------
        ProjectError
            When the folder is a project, holds other files, is a file or cannot be written.
        """
        folder = Path(folder).expanduser().resolve()
        if folder.exists() and not folder.is_dir():
            raise ProjectError(folder, "is a file, not a folder", "Give the name of a new folder.")
        try:
            if (folder / CONFIG_NAME).exists():
                raise ProjectError(folder, "is already a project", "Open it, or give the name of a new folder.")
            # What an interrupted `create` left (our own empty folders) is no obstacle.
            others = [p.name for p in folder.glob("*") if p.name[0] != "." and not _is_empty_layout(p)]
            if others:
                raise ProjectError(
                    folder,
                    f"is not empty (it holds {others[0]!r}) and is not a project",
                    "Give the name of a new or empty folder.",
                )
            for name_of_folder in _FOLDERS:
                (folder / name_of_folder).mkdir(parents=True, exist_ok=True)
            text = _TEMPLATE.format(
                name=json.dumps(clean_text(name or folder.name), ensure_ascii=False),
                created=datetime.now().astimezone().replace(microsecond=0).isoformat(),
                format_version=FORMAT_VERSION,
            )
            text = f"{text}\n{CONFIGURATION_TEMPLATE}"
            # Last of all, and whole: the file is what makes the folder a project.
            temporary = partial_path(folder)
            temporary.write_text(text, encoding="utf-8")
            publish(temporary, folder / CONFIG_NAME)
        except OSError as error:
            raise ProjectError(
                folder, f"cannot be written ({error.strerror or error})", "Choose a folder where you may write."
            ) from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Open the project in `folder`; where it may not be written, for reading (`writable`).

        Raises
        ------
        ProjectError
            When the folder is missing, cannot be read, is not a project, or is of a newer version.
        """
        folder = Path(folder).expanduser().resolve()
        if not folder.is_dir():
            raise ProjectError(folder, "there is no such folder", f"Make a project with: fluorite init {folder}")
        path = folder / CONFIG_NAME
        if not path.is_file():
            raise ProjectError(
                folder, f"is not a project (it has no {CONFIG_NAME})", f"Make one with: fluorite init {folder}"
            )
        config = _read_config(path, folder)
        project = cls(folder, config)
        if not project.writable:
            return project
        try:
            for name_of_folder in _FOLDERS:
                (folder / name_of_folder).mkdir(exist_ok=True)
        except OSError as error:
            raise ProjectError(
                folder, f"its folders cannot be made ({error.strerror or error})", "Check permissions and free space."
            ) from error
        return project

    @property
    def name(self) -> str:
        """The project's name."""
        return self.config.name

    @property
    def config_path(self) -> Path:
        """The project's configuration, ``project.toml``."""
        return self.folder / CONFIG_NAME

    @property
    def subjects_path(self) -> Path:
        """The table of subjects (CSV); it need not be there."""
        return self.folder / "subjects.csv"

    def configuration(self) -> Configuration:
        """Columns and lab defaults as they are at this moment, not as they were when the project was opened.

        Raises
        ------
        ConfigurationError
            When ``project.toml`` cannot be read or understood.
        """
        return read_configuration(self.config_path)

    def columns(self, kind: ColumnKind) -> tuple[ColumnDefinition, ...]:
        """The configured columns of one kind, hidden ones too, in the order in which they are shown."""
        return self.configuration().of_kind(kind)

    def column_names(self, kind: ColumnKind) -> dict[str, str]:
        """What the columns of one kind are called, by the keys under which files have them."""
        return {column.key: column.name for column in self.columns(kind)}

    @property
    def writable(self) -> bool:
        """Whether samples can be made and changed here. Lists and movies are shown in any case."""
        return self._unwritable() is None

    def require_writable(self) -> None:
        """Refuse to go on where nothing can be written.

        Raises
        ------
        ProjectError
            Naming the folder that cannot be written.
        """
        place = self._unwritable()
        if place is not None:
            raise ProjectError(
                place, "cannot be written", "Ask for permission to write, or copy the project to your own folder."
            )

    def _unwritable(self) -> Path | None:
        """The first of the folders with what cannot be made again that this user may not write, or None."""
        places = (self.folder, self.samples_dir, self.movies_dir, self.batch_dir)
        return next((place for place in places if place.exists() and not os.access(place, os.W_OK)), None)

    @property
    def samples_dir(self) -> Path:
        """One NWB file per recording."""
        return self.folder / "samples"

    @property
    def movies_dir(self) -> Path:
        """Registered movies, ``<identifier>.h5``."""
        return self.folder / "movies"

    @property
    def batch_dir(self) -> Path:
        """One folder per job."""
        return self.folder / "batch"

    @property
    def cache_dir(self) -> Path:
        """Disposable: deleting it loses nothing."""
        return self.folder / ".fluorite"

    @property
    def journal_path(self) -> Path:
        """The journal of edits (SQLite)."""
        return self.folder / "journal.sqlite"

    @property
    def edits_dir(self) -> Path:
        """Arrays that edits brought or took out, ``<name>.h5``; made when an edit first needs it."""
        return self.folder / "edits"

    @property
    def jobs_path(self) -> Path:
        """The ledger of jobs (SQLite)."""
        return self.folder / "jobs.sqlite"

    @property
    def catalogue_path(self) -> Path:
        """The catalogue (SQLite, disposable).

        In the user's own cache folder when the project lies on a network share or its cache cannot be written.
        """
        path = self.cache_dir / "catalogue.sqlite"
        if may_write(path) and journal_mode(path) == "WAL":
            return path
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return base / "fluorite" / hashlib.sha256(str(self.folder).encode()).hexdigest()[:16] / path.name

    @property
    def caiman_python(self) -> str | None:
        """The interpreter that has CaImAn, or None."""
        return self.config.caiman_python

    def sample_paths(self) -> list[Path]:
        """Everything in the samples folder that is called ``.nwb``, sorted by name; hidden (unfinished) files are not.

        Also what cannot be opened, such as a folder or a broken link: `nwb_schema.reader.open_sample` says why.
        """
        found = (p for p in self.samples_dir.glob("*") if p.suffix.lower() == ".nwb" and p.name[0] != ".")
        return sorted(found, key=lambda path: path.name)

    def sample_path(self, subject: str, session: str) -> Path:
        """Where the sample of this subject and session lives (whether or not it is there)."""
        return self.samples_dir / sample_file_name(subject, session)

    def movie_path(self, identifier: str) -> Path:
        """Where the registered movie of the sample `identifier` lives."""
        return self.movies_dir / f"{identifier}.h5"

    def find_sample(self, name_or_identifier: str) -> Path:
        """The file of the sample that is called so: file name, with or without ``.nwb``, or NWB identifier.

        Raises
        ------
        SampleError
            When there is none, or two files share the identifier.
        """
        paths = self.sample_paths()
        for path in paths:
            if name_or_identifier in (path.name, path.stem):
                return path
        same = [path for path in paths if _identifier_or_none(path) == name_or_identifier]
        if len(same) == 1:
            return same[0]
        if same:
            raise SampleError(
                name_or_identifier,
                f"two files have this identifier: {', '.join(path.name for path in same)}",
                "Use the file's name, and keep only one of them.",
            )
        raise SampleError(
            name_or_identifier,
            f"the project {self.folder} has no such sample",
            "List the samples with: fluorite samples " + str(self.folder),
        )


def _identifier_or_none(path: Path) -> str | None:
    try:
        return read_identifier(path)
    except SampleError:
        return None  # a damaged file must not hide the others; the catalogue names it with its reason


def _is_empty_layout(path: Path) -> bool:
    return path.name in _FOLDERS and path.is_dir() and not any(path.iterdir())


def _read_config(path: Path, folder: Path) -> ProjectConfig:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProjectError(path, f"cannot be read ({error})", "Correct the file (it is TOML in UTF-8).") from error
    section = table.get("project", {})
    engine = table.get("engine", {})
    version = section.get("format_version", FORMAT_VERSION) if isinstance(section, dict) else None
    if not isinstance(version, int) or not isinstance(engine, dict):
        raise ProjectError(path, "has no valid [project] or [engine] section", "Compare it with a new project's file.")
    if version > FORMAT_VERSION:
        raise ProjectError(
            path, f"was made by a newer Fluorite (format {version})", "Upgrade: pip install --upgrade fluorite"
        )
    return ProjectConfig(
        name=str(section.get("name") or folder.name),
        created=str(section.get("created", "")),
        format_version=version,
        caiman_python=str(engine.get("caiman_python") or "") or None,
        table=table,
    )
