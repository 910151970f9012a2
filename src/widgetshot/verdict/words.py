"""Lists and counts in sentences."""

from collections.abc import Sequence

MAX_NAMED = 3  # things of one kind that a sentence names


def listed(named: Sequence[str], total: int) -> str:
    """Return the first ones of a list, and how many there are besides.

    Args:
        total: number of all, named or not.
    """
    text = ", ".join(named[:MAX_NAMED])
    more = total - len(named[:MAX_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def count(number: int, word: str) -> str:
    """Return a number of things, in the plural unless it is one."""
    return f"{number} {word}{'' if number == 1 else 's'}"
