"""The user's projects: which there are, how they fare, the servers that show them, and the making of new ones."""
