"""What can go wrong, as a message that a person understands, and how a run is told to stop."""

from typing import Any

from ml.core.text import Message


class OperationError(Exception):
    """An operation cannot be done, for a reason that a person can read and act on.

    `code` is the kind of error, for programs; `message` says in one sentence what is wrong and what to do.
    """

    code = "operation_failed"

    def __init__(self, message: Message, **values: Any) -> None:
        self.message = message(**values)
        super().__init__(self.message)


class InputError(OperationError):
    """The input is at fault: a picture that is no picture, a size out of range, a wrong number of files."""

    code = "bad_input"


class ParamsError(OperationError):
    """A param is unknown or out of range."""

    code = "bad_params"


class UnknownOperation(OperationError):
    """There is no operation of that name."""

    code = "unknown_operation"


class WeightsUnavailable(OperationError):
    """The weights are not on this machine; the sentence names the command that gets them."""

    code = "weights_unavailable"


class OutOfMemory(OperationError):
    """Not even the smallest tile fits into memory."""

    code = "out_of_memory"


class Stopped(BaseException):
    """A run was asked to stop. A BaseException, so that no `except Exception` of a library swallows it."""


class Cancelled(Stopped):
    """Its owner, or an admin, cancelled it."""


class DeadlineExceeded(Stopped):
    """It ran longer than its operation allows."""
