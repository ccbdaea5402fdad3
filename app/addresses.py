"""The addresses of pages."""

from __future__ import annotations

from urllib.parse import quote


def sample_url(identifier: str, *, play: bool = False) -> str:
    """The address of a sample's page, from the server's root on.

    Parameters
    ----------
    identifier
        Its identifier, or its file's name without suffix.
    play
        Whether the movie starts to play by itself, once its first frames are there.
    """
    return f"/sample/{quote(identifier, safe='')}{'?play=1' if play else ''}"


def stimuli_url(identifier: str) -> str:
    """The address of the page of a sample's stimuli; see `sample_url`."""
    return f"/stimuli/{quote(identifier, safe='')}"


def details_url(identifier: str) -> str:
    """The address of the page of what is known of a sample; see `sample_url`."""
    return f"/details/{quote(identifier, safe='')}"


def results_url(identifier: str) -> str:
    """The address of the page of a sample's outputs; see `sample_url`."""
    return f"/results/{quote(identifier, safe='')}"


def compare_url(identifier: str, other: str = "") -> str:
    """The address of the page that compares the results for the movie of a sample; see `sample_url`.

    Parameters
    ----------
    other
        Id of the result that is compared with the sample; the newest one when not given.
    """
    return f"/compare/{quote(identifier, safe='')}" + (f"?b={quote(other, safe='')}" if other else "")


def export_url(name: str = "") -> str:
    """The address of the page on checks and export.

    Parameters
    ----------
    name
        What the names of the samples that it lists have in them; all samples when not given.
    """
    return f"/export?name={quote(name, safe='')}" if name else "/export"
