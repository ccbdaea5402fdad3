"""Messages in the words of the page: what is an option of the command line is a field here."""

from __future__ import annotations

import re

SERIES_LABEL = "These files are one recording"
RAW_LABEL = "This movie is not registered yet"

_FIELDS = {
    "axes": "Axes",
    "channel": "Channel",
    "dataset": "Dataset",
    "engine": "Engine",
    "frame-rate": "Frame rate",
    "plane": "Plane",
    "session": "Session",
    "subject": "Subject",
}

# Phrases that would read badly word by word.
_PHRASES = (
    (
        r"Give (?:another session: |this recording another name with )--session(?: NAME)?",
        "Type another name into the field Session",
    ),
    (
        r"Give its files: .+ with --series for one recording",
        f"Choose its files and switch on “{SERIES_LABEL}”",
    ),
    (r"each with its own --session", "each with its own name in the field Session"),
    (r"--series\b", f"the switch “{SERIES_LABEL}”"),
    (r"Leave --(axes|channel|plane|dataset) out", "Leave --\\1 empty"),
    (r"--plane N\b", "the field Plane"),
    (r"Give it: --frame-rate HZ", "Type it into the field Frame rate"),
    (
        r"Add their registered movie: --movie MOVIE\. To add them to a sample: fluorite add-rois\b",
        "Choose their registered movie in the field Movie. To add them to a sample that is there, open its page",
    ),
    (
        r"Give the registered \(motion-corrected\) movie with --movie and leave --raw-movie out",
        f"Choose the registered (motion-corrected) movie, and switch “{RAW_LABEL}” off",
    ),
    # There is no field for it: hardly any file needs it.
    (r"--load-method\b", "fluorite process's option load-method"),
)

# Not inside a word or a path: a file may be called day--session.tif.
_OPTION = re.compile(
    r"(?<![\w./-])--(?P<name>" + "|".join(_FIELDS) + r")\b(?!-)"
    r"(?: (?:HZ|NAME)\b| (?P<value>[TZYXC]{2,5}\b|\d+(?:\.\d+)?|(?<=engine )(?:auto|builtin|caiman)\b))?"
)


def field_words(message: str) -> str:
    """A message that names options of the command line, in the names of the form's fields.

    ``say so with --axes TYX`` becomes ``say so with TYX in the field Axes``.
    """
    for pattern, words in _PHRASES:
        message = re.sub(r"(?<![\w./-])" + pattern, words, message)
    return _OPTION.sub(_field, message)


def _field(found: re.Match[str]) -> str:
    field = f"the field {_FIELDS[found['name']]}"
    return f"{found['value']} in {field}" if found["value"] else field
