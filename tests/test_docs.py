"""What can be done is documented, and what is documented can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fluorite.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_and_option_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    start = text.find(f"## fluorite {name}")
    assert start >= 0, f"docs/command-line.md has no section '## fluorite {name}'"
    section = text[start:].split("\n## ", 1)[0]
    for called, command in commands_of(name, main.commands[name]):
        assert called.split()[-1] in section, f"{called} is not there"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert any(option in section for option in parameter.opts), f"{called}: {parameter.opts}"


def commands_of(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and, of a group, all commands in it."""
    yield name, command
    if isinstance(command, click.Group):
        for child, inner in command.commands.items():
            yield from commands_of(f"{name} {child}", inner)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_only_commands_that_exist_are_shown() -> None:
    for page in PAGES:
        for command in re.findall(r"^fluorite ([a-z-]+)", page.read_text(), flags=re.MULTILINE):
            assert command in main.commands, f"{page.name}: fluorite {command}"
