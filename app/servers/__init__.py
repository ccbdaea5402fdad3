"""What runs: the dashboard of a project, and the home page."""
