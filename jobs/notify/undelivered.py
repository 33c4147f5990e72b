"""Why something could not be delivered."""

from ml.core.text import Message


class Undelivered(Exception):
    """`message` says why; `answer` is the HTTP status, None where there was no answer at all."""

    def __init__(self, message: Message, answer: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.answer = answer
