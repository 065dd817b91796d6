"""The web server: gunicorn with threads that get whole requests only, and processes that give their memory back."""

from config.webserver.worker import BufferedWorker

__all__ = ["BufferedWorker"]
