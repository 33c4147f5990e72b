"""A refusal: what a person asked for cannot be done, and one sentence says what to do about it."""


class Refused(Exception):
    """`code` is for programs, `status` for HTTP, `str(refusal)` for people."""

    def __init__(self, code: str, sentence: str, *, status: int = 422) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
