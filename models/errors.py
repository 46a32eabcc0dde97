"""Errors that a user can mend: each names the thing that is wrong and the remedy."""

from __future__ import annotations


class UserError(Exception):
    """A mistake of the user's or of the machine's, told without a traceback.

    Args:
        problem: what is wrong, naming the file, setting or value.
        remedy: what to do about it.
    """

    exit_status = 1

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str]]:
        """Survive pickling, which calls the class with ``args``: process pools and Dask send errors home that way."""
        return type(self), (self.problem, self.remedy)


class UsageError(UserError):
    """A command, preset or setting that does not exist or does not fit: exit status 2."""

    exit_status = 2


class DataError(UserError):
    """A picture, mask or folder that is not what it should be."""


class TrainingError(UserError):
    """Training cannot go on: a non-finite loss, a truncated snapshot, no memory or disk left."""


class BundleError(UserError):
    """A bundle that is incomplete, altered or made for something else."""
