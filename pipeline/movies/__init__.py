"""Movies in: one lazy `Movie` over every format that microscopes write."""

from pipeline.movies.movie import Movie, MovieMetadata
from pipeline.movies.opening import SUPPORTED_EXTENSIONS, open_movie
from pipeline.movies.recording import Recording

__all__ = ["SUPPORTED_EXTENSIONS", "Movie", "MovieMetadata", "Recording", "open_movie"]
