"""Trueup: keeps the lines of PSA agreements true to the licences that tenants hold."""

__version__ = "0.1.0"
