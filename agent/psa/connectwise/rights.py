"""Which right of the API member's security role each request needs (reference 10)."""

from __future__ import annotations

ROLE = "System > Security Roles, in the role of the API member"

# Setup tables answer at inquiry level without a right of their own, so a refusal there is the role's as a whole.
_RIGHTS = (
    ("/finance/agreements", "GET", "Finance > Agreements: Inquire = All"),
    ("/finance/agreements", "POST", "Finance > Agreements: Add = All"),
    ("/finance/agreements", "PATCH", "Finance > Agreements: Edit = All"),
    ("/procurement/catalog", "GET", "Procurement > Product Catalog: Inquire = All"),
    ("/company/companies", "GET", "Companies > Company Maintenance: Inquire = All"),
    ("/finance/billingCycles", "GET", "System > Table Setup: Inquire = All"),
    ("/system/userDefinedFields", "GET", "System > Table Setup: Inquire = All"),
)


def remedy(method: str, path: str) -> str:
    """What to grant after a 403, with the place where it is granted."""
    right = next((r for start, verb, r in _RIGHTS if path.startswith(start) and verb == method), "the right it lacks")
    return f"Grant {right} ({ROLE})."
