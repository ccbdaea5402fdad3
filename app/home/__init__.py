"""The user's projects: which there are, how they fare, and the making of new ones."""
