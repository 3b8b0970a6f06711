"""Two replicas, many clicks, everything going wrong at once, and what is left of the promise."""
