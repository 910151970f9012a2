"""Pictures are encoded also where the system gives no more threads."""

import os
import subprocess
import sys

import pytest

from few_processes import TAKE_ALL, few_processes
from projects import MEASURING

# Encodes a picture when as many processes run as may, and says how that went.
PROGRAM = f"""{TAKE_ALL}
import sys
import numpy as np
from widgetshot.files import encode_png, start_encoder
if sys.argv[1] == "started":
    start_encoder()
taken = take_all()
try:
    print(encode_png(np.full((4, 4, 4), 255, np.uint8), optimise=True)[:4])
except Exception as error:
    print(type(error).__name__, error)
finally:
    give_back(*taken)
"""


@pytest.mark.parametrize(
    ("when", "says"),
    [("started", "b'\\x89PNG'"), ("late", "RuntimeError the picture can't be encoded: ")],
)
def test_encoder_that_was_started_needs_no_more_threads_and_another_one_says_so(when: str, says: str) -> None:
    limit = few_processes(0)
    words = [*limit.prefix, sys.executable, "-c", PROGRAM, when]
    unmeasured = {name: value for name, value in os.environ.items() if name not in MEASURING}
    done = subprocess.run(words, env=unmeasured, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith(says), done.stdout + done.stderr
    assert limit.running() == []
