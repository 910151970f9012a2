"""What pytest has collected, whatever of it is run."""

import pytest

COLLECTED = pytest.StashKey[set[str]]()  # node ids, before any is left out by its marks; noted by conftest.py
