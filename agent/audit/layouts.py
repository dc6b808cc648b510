"""Which headers the exports have: ConnectWise, Autotask, Pax8, Partner Center, the Microsoft 365 admin center.

Headers are compared without case, spaces and signs. The best alias of a column comes first: Partner Center's file has a
`Quantity` too, and its `BillableQuantity` is the one to reconcile with (Microsoft: use of the reconciliation file).
"""

from __future__ import annotations

from agent.sheets import Column, Kind

_COMPANY = (
    *("Company Name", "Company", "Organization Name", "Organization", "Organisation", "Customer Name", "Customer"),
    *("Client Name", "Client", "Account Name", "Account", "Tenant Name", "Tenant", "Site Name", "Site", "Company ID"),
)
_QUANTITY = ("Quantity", "Qty", "Units", "Unit Count", "Seats", "Count")
_AGREEMENT = ("Agreement Name", "Agreement", "Contract Name", "Contract", "Recurring Invoice")
_CURRENCY = ("Currency Code", "Currency", "Pricing Currency")


def _company(required: bool) -> Column:
    return Column("company", _COMPANY, required=required, filled=required, example="the name of a company")


# Autotask has no fixed header, as each MSP designs its own reports; the first aliases of each column are ConnectWise's.
BILLED = (
    _company(True),
    Column("product", ("Product ID", "Service Name", "Product/Service", "Product", "Item", "Item Name", "Service")),
    Column("description", ("Description", "Invoice Description", "Product Description", "Details")),
    Column("agreement", _AGREEMENT),
    Column("quantity", _QUANTITY, Kind.NUMBER, required=True, filled=True),
    # In the API of ConnectWise, and in lists where somebody added it.
    Column("included", ("Less Included", "Included", "Included Quantity"), Kind.NUMBER),
    Column("price", ("Price", "Unit Price", "Sales Price", "Bill Rate", "Rate"), Kind.NUMBER),
    Column("start", ("Effective", "Effective Date", "Start Date", "Period Start", "Start"), Kind.DAY),
    Column("end", ("Cancelled", "Cancelled Date", "End Date", "Period End", "End"), Kind.DAY),
    Column("status", ("Addition Status", "Line Status", "Status")),
    Column("agreement-status", ("Agreement Status", "Contract Status")),
    Column("billable", ("Bill", "Billable", "Billable Option", "Bill Customer")),
    Column("currency", _CURRENCY),
)

PURCHASED = (
    _company(False),
    Column(
        "product",
        (
            *("Product Title", "Product Name", "Subscription Name", "Service Name", "Licence", "License", "Sku Name"),
            *("Product", "Service", "Description", "Details"),
        ),
        required=True,
        filled=True,
        example="the name of a licence or product",
    ),
    # Pax8's own (MST-…) tells nothing about Microsoft's, but a GUID or part number here is the surest name there is.
    Column("sku", ("Sku Part Number", "Part Number", "Vendor Sku", "Sku Id", "Sku", "String Id", "Guid")),
    Column(
        "quantity",
        ("Billable Quantity", "Total Licenses", "Total Licences", "Purchased", *_QUANTITY),
        Kind.NUMBER,
        required=True,
        filled=True,
    ),
    # These two stand beside the total in the admin center's export, which has neither id nor tenant.
    Column("expired", ("Expired Licenses", "Expired Licences"), Kind.NUMBER),
    Column("assigned", ("Assigned Licenses", "Assigned Licences", "Assigned"), Kind.NUMBER),
    Column("cost", ("Partner Cost", "Cost", "Unit Cost", "Partner Buy Rate", "Effective Unit Price"), Kind.NUMBER),
    Column("type", ("Row Type", "Type", "Charge Type")),
    Column("status", ("Subscription Status", "Status")),
    Column("start", ("Subscription Start Date", "Purchase Date", "Start Date", "Created Date", "Created"), Kind.DAY),
    Column("period-start", ("Start Period", "Charge Start Date", "Period Start"), Kind.DAY),
    Column("period-end", ("End Period", "Charge End Date", "Period End"), Kind.DAY),
    Column(
        "committed",
        ("Commitment End Date", "Commitment Term End Date", "Commitment End", "Subscription End Date", "Renewal Date"),
        Kind.DAY,
    ),
    Column("term", ("Billing Term", "Term", "Term And Billing Cycle", "Billing Frequency")),
    Column("currency", _CURRENCY),
)

LOGINS = (Column("login", ("User Principal Name", "UPN", "Username", "Email"), required=True, filled=True),)
USERS = (
    *LOGINS,
    _company(False),
    Column("licences", ("Licenses", "Licences", "Assigned Products"), required=True),
    # In an older export the names stand here, and the column above is empty.
    Column("details", ("License Assignment Details", "Licence Assignment Details")),
    Column("deleted", ("Soft Deletion Time Stamp", "Deleted At")),
    Column("blocked", ("Block Credential", "Sign In Blocked", "Blocked")),
)

IN_USE = (
    _company(False),
    Column(
        "product",
        ("Product Title", "Product Name", "Product", "Service Name", "Service", "Licence", "License", "Description"),
        required=True,
        filled=True,
        example="the name of a licence or product",
    ),
    Column(
        "quantity",
        ("Assigned", "Assigned Licenses", "Active", "Active Seats", "Protected", "In Use", "Devices", *_QUANTITY),
        Kind.NUMBER,
        required=True,
        filled=True,
    ),
)

# What cells say, folded to letters and digits.
# A status that is not listed counts as in force: an unknown word must not empty a leg.
ENDED = frozenset("inactive expired cancelled canceled ended closed deleted terminated disabled".split())
NOT_BILLED = frozenset("n no false donotbill nocharge nonbillable notbillable notbilled 0".split())
YES = frozenset("y yes true 1".split())
# Rows of a distributor's invoice that stand for seats; the others are money for a part of a month, credits, fees.
SEATS = frozenset("subscription subscriptions cyclecharge cyclefee renew renewal new recurring license licence".split())
NOT_PURCHASED = ENDED | frozenset("trial pending pendingmanual pendingautomated suspended converted lockedout".split())
