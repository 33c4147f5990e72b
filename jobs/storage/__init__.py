"""Where files lie: a folder or a bucket, and small copies of pictures."""
