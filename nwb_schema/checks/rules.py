"""All rules of ours, in the order in which they are run."""

from __future__ import annotations

from nwb_schema.checks.configured_rules import CONFIGURED_RULES
from nwb_schema.checks.data_rules import DATA_RULES
from nwb_schema.checks.metadata_rules import METADATA_RULES
from nwb_schema.checks.rule import Rule

RULES: tuple[Rule, ...] = (*METADATA_RULES, *CONFIGURED_RULES, *DATA_RULES)
