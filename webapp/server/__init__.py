"""The web server: gunicorn keeps the processes, and in each waitress keeps the connections.

waitress reads requests and sends answers in one thread for all connections, and hands a request to one of the threads
that run the site only when all of it is there: whoever is slow holds a connection, and no thread.
"""
