"""The one Django app: a job's life, from upload to shared link."""
