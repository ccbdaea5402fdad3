"""The tuning page: look at a movie before it is processed, and choose on it what will be used."""
