"""The life of a job, from the request to its end."""
