"""Telling people and their programs that something has ended: webhooks and mail, delivered from the outbox."""
