"""The kernel that tests/run installed into this environment, and the checkout that it was built from."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
KERNEL = os.environ.get("COREBOOK_TEST_KERNEL", "corebook")
