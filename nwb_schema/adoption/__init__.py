"""Foreign NWB files that become samples: copied, ours added, nothing of theirs lost."""

from nwb_schema.adoption.adopting import Adopted, adopt_file

__all__ = ["Adopted", "adopt_file"]
