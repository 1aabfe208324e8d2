"""Failed assertions in the shared helpers explain themselves like those in tests."""

import pytest

pytest.register_assert_rewrite("support")
