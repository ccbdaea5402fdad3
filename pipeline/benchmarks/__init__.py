"""How fast and how good: what `fluorite bench` measures. Never asserted in tests."""
