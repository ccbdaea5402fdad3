"""The words that people use for an animal's sex, age, species and weight, turned into those that NWB and DANDI take."""

from __future__ import annotations

import re
from typing import Any

AGE = re.compile(
    r"P(?!$)(\d+(?:\.\d+)?Y)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?W)?(\d+(?:\.\d+)?D)?"
    r"(T(?=\d)(\d+(?:\.\d+)?H)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?S)?)?"
)
_SPECIES = re.compile(r"([A-Z][a-z]* [a-z]+)|(http://purl\.obolibrary\.org/obo/NCBITaxon_\d+)")
_WEIGHT = re.compile(r"(\d+(?:\.\d+)?)\s*(kg|g|mg|ug|μg|ng|pg)", re.IGNORECASE)
_PLAIN_AGE = re.compile(r"[Pp]?\s*(\d+(?:\.\d+)?)\s*(years?|y|months?|weeks?|w|days?|d)", re.IGNORECASE)
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O", "u": "U", "unknown": "U"}
_COMMON_NAMES = {
    "mouse": "Mus musculus",
    "mice": "Mus musculus",
    "rat": "Rattus norvegicus",
    "human": "Homo sapiens",
    "zebrafish": "Danio rerio",
    "fruit fly": "Drosophila melanogaster",
    "drosophila": "Drosophila melanogaster",
    "marmoset": "Callithrix jacchus",
    "rhesus macaque": "Macaca mulatta",
    "macaque": "Macaca mulatta",
    "ferret": "Mustela putorius",
    "c. elegans": "Caenorhabditis elegans",
    "ciona": "Ciona intestinalis",
    "xenopus": "Xenopus laevis",
}


class UnusableTerm(ValueError):
    """A value that NWB or DANDI would refuse; its text says what is expected."""


def sex_letter(value: Any) -> str:
    """``M``, ``F``, ``O`` or ``U`` (or C. elegans' ``XO``, ``XX``)."""
    text = str(value).strip()
    if text in ("XO", "XX"):
        return text
    letter = _SEX.get(text.lower())
    if letter is None:
        raise UnusableTerm("sex is M, F, O (other) or U (unknown)")
    return letter


def iso_age(value: Any) -> str:
    """An ISO 8601 duration (``P90D``) or a range of two (``P60D/P90D``, ``P60D/``)."""
    text = str(value).strip()
    if AGE.fullmatch(text.upper()):
        return text.upper()
    lower, slash, upper = text.partition("/")
    if slash and any((lower, upper)) and all(not part or AGE.fullmatch(part) for part in (lower, upper)):
        return text
    plain = _PLAIN_AGE.fullmatch(text)
    if plain:
        return f"P{plain[1]}{plain[2][0].upper()}"
    raise UnusableTerm("age is an ISO 8601 duration such as P90D, P12W or P60D/P90D")


def species_name(value: Any) -> str:
    """The Latin binomial, or the link to it in NCBI's taxonomy."""
    text = str(value).strip()
    if _SPECIES.fullmatch(text):
        return text
    common = _COMMON_NAMES.get(text.lower())
    if common is None:
        raise UnusableTerm("species is a Latin binomial such as Mus musculus")
    return common


def weight_with_unit(value: Any) -> str:
    """Number, space, unit: ``0.025 kg``. A bare number is kilograms, as in NWB."""
    text = str(value).strip()
    match = _WEIGHT.fullmatch(text)
    if match:
        return f"{match[1]} {match[2]}"
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return f"{text} kg"
    raise UnusableTerm("weight is a number and a unit, such as 0.025 kg")
