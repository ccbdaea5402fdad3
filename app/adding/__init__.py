"""Adding recordings: from what is typed about movies to requests to process them."""
