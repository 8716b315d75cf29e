"""A stand-in of the public API api.themeparks.wiki/v1: real captured answers, served as it serves them."""
