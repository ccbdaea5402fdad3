"""What runs: the dashboard of a project, the home page, and the processes that the home page starts."""
