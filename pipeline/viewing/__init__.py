"""Looking at a movie: what is shown of it, as which grey values or colours, and as which file it is saved."""
