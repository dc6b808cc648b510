"""Programs that a machine may lack: tests that need them skip loudly on a desk, and fail in CI."""

import os

import pytest


def missing(program: str, remedy: str, required_by: str) -> None:
    """End the present test for want of `program`; it fails where the variable `required_by` is set."""
    message = f"{program} is NOT INSTALLED, so nothing was proved about it here. Remedy: {remedy}"
    if os.environ.get(required_by):
        pytest.fail(f"{message} ({required_by} is set)", pytrace=False)
    pytest.skip(message)


def pango() -> None:
    """For tests that make a PDF: WeasyPrint is installed, and the library that it draws with may not be."""
    try:
        import weasyprint  # noqa: F401
    except OSError:
        packages = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        missing("Pango", f"apt install {packages}", "TRUEUP_REQUIRE_PANGO")
