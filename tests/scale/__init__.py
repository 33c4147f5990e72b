"""The site on many machines: every service by its command in docker-compose.yml, and one worker on a machine apart."""
