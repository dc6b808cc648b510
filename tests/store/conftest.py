"""The laws are not test modules themselves, but shall show what they compared."""

import pytest

pytest.register_assert_rewrite("tests.contract")
