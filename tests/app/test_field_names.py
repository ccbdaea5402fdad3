from __future__ import annotations

import pytest

from app.field_names import field_words


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "a.nwb: is already there. Give this recording another name with --session.",
            "a.nwb: is already there. Type another name into the field Session.",
        ),
        (
            "a.nwb: is there. Give another session: --session NAME.",
            "a.nwb: is there. Type another name into the field Session.",
        ),
        (
            "/data: it is a folder, not a movie. Give its files: data/*.tif with --series for one recording.",
            "/data: it is a folder, not a movie. Choose its files and switch on “These files are one recording”.",
        ),
        (
            "Process them one by one, each with its own --session, or join them with --series.",
            "Process them one by one, each with its own name in the field Session, "
            "or join them with the switch “These files are one recording”.",
        ),
        (
            "If the slices are frames in time, say so with --axes TYX; for example --axes TZYX.",
            "If the slices are frames in time, say so with TYX in the field Axes; for example TZYX in the field Axes.",
        ),
        (
            "Leave --axes out, and choose with --channel and --plane.",
            "Leave the field Axes empty, and choose with the field Channel and the field Plane.",
        ),
        ("Choose one colour with --channel 0 (red).", "Choose one colour with 0 in the field Channel (red)."),
        ("Choose a plane: --plane N.", "Choose a plane: the field Plane."),
        ("Give it: --frame-rate HZ.", "Type it into the field Frame rate."),
        (
            "Add their registered movie: --movie MOVIE. To add them to a sample: fluorite add-rois.",
            "Choose their registered movie in the field Movie. To add them to a sample that is there, open its page.",
        ),
        (
            "Give the registered (motion-corrected) movie with --movie and leave --raw-movie out.",
            "Choose the registered (motion-corrected) movie, and switch “This movie is not registered yet” off.",
        ),
        ("Choose one with --dataset: /a, /b.", "Choose one with the field Dataset: /a, /b."),
        ("Give the rate with --frame-rate HZ.", "Give the rate with the field Frame rate."),
        ("--frame-rate 20 or --frame-rate 7.5.", "20 in the field Frame rate or 7.5 in the field Frame rate."),
        ("Use --engine builtin, or import.", "Use builtin in the field Engine, or import."),
    ],
)
def test_options_are_named_as_the_fields_of_the_page(message: str, words: str) -> None:
    assert field_words(message) == words


@pytest.mark.parametrize(
    "message", ["/data/day--session.tif: has no frame.", "a.tif: --axes-of-time is odd", "no option"]
)
def test_what_is_no_option_stays_as_it_is(message: str) -> None:
    assert field_words(message) == message
