"""One-photon movies: CNMF-E (Zhou et al., eLife 2018), with a background that is predicted from a ring of pixels."""
