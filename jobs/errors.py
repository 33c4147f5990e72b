"""A refusal: what a person asked for cannot be done, and one sentence says what to do about it."""


class Refused(Exception):
    """`code` is for programs, `status` for HTTP, `str(refusal)` for people; after `retry_after` seconds it may do."""

    def __init__(
        self, code: str, sentence: str, *, status: int = 422, retry_after: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.retry_after = retry_after
