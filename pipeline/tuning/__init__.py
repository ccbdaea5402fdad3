"""Looking at a movie before it is processed: which size, which thresholds, which motion correction fit it."""
