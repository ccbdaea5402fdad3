"""Results for one movie side by side: which cells both have, how good they are, and choosing one."""
