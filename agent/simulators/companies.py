"""The companies of an invented MSP: what each holds at Microsoft, and what its agreements bill for it.

Each company is one story that MSPs know. What the mapping files in `brasswren/` say about them, people would write.
"""

from __future__ import annotations

from dataclasses import dataclass

MSP = "Brasswren IT"
MSP_TENANT = "5fe96ef9-135f-4cbb-a16d-234a5ef36312"
MSP_DOMAIN = "brasswren.example"
ZONE = "America/Chicago"
CURRENCY = "USD"

BASIC, STANDARD, PREMIUM = "O365_BUSINESS_ESSENTIALS", "O365_BUSINESS_PREMIUM", "SPB"
E3, F3, EXCHANGE, COPILOT = "SPE_E3", "SPE_F1", "EXCHANGESTANDARD", "Microsoft_365_Copilot"
SHARED_MAILBOXES = "Shared mailboxes"
FREE_FLOW, FREE_FABRIC = "FLOW_FREE", "POWER_BI_STANDARD"


@dataclass(frozen=True, slots=True)
class Product:
    """What Brasswren sells: its identifier in the PSA, the text on invoices, price and cost in the currency."""

    identifier: str
    description: str
    price: str
    cost: str


@dataclass(frozen=True, slots=True)
class Team:
    """People of one department who hold the same licences. Leavers and shared mailboxes are not `enabled`."""

    department: str
    people: int
    licences: tuple[str, ...]
    enabled: bool = True
    guests: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """An Entra group of everybody in some departments, and of the groups inside it. `id` is in a mapping file."""

    id: str
    name: str
    departments: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purchase:
    """Seats bought in one go, so many days ago. `id` where a mapping file names the subscription."""

    licence: str
    seats: int
    id: str | None = None
    days_ago: int = 200
    term: int = 365


@dataclass(frozen=True, slots=True)
class Line:
    """A line that somebody at the MSP typed into the agreement when it was signed."""

    product: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Contract:
    """An agreement. In arrears, the present month is not invoiced yet; else it is, or the present year."""

    id: int
    name: str
    lines: tuple[Line, ...]
    cycle: str = "Monthly"
    prorates: bool = True
    arrears: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """One company with its tenant. `tells` is what to look for; tenant and company meet in the mapping file only."""

    company: int
    name: str
    tells: str
    tenant: str
    domain: str
    office: str
    teams: tuple[Team, ...]
    purchases: tuple[Purchase, ...]
    contracts: tuple[Contract, ...]
    circles: tuple[Circle, ...] = ()  # each behind those inside it
    consents: bool = True


@dataclass(frozen=True, slots=True)
class Mistake:
    """Seats that an agreement bills, and those that it should."""

    company: int
    product: str
    billed: int
    due: int


PRODUCTS = (
    Product("M365-BB", "Microsoft 365 Business Basic", "6.00", "5.04"),
    Product("M365-BS", "Microsoft 365 Business Standard", "12.50", "10.50"),
    Product("M365-BP", "Microsoft 365 Business Premium", "22.00", "18.48"),
    Product("M365-BP-M", "Microsoft 365 Business Premium, monthly term", "26.40", "22.18"),
    Product("M365-E3", "Microsoft 365 E3", "39.00", "32.76"),
    Product("M365-E3-Y", "Microsoft 365 E3, paid yearly", "432.00", "367.20"),
    Product("M365-F3-Y", "Microsoft 365 F3, paid yearly", "96.00", "80.64"),
    Product("EXO-P1", "Exchange Online mailbox", "4.00", "3.36"),
    Product("M365-COPILOT", "Microsoft 365 Copilot", "30.00", "25.20"),
    Product("MANAGED-USER", "Managed user", "45.00", "19.00"),
)

STORIES = (
    Story(
        company=201,
        name="Alder & Finch Architects",
        tells="billed in advance, prorated; names on the invoice",
        tenant="7a5aee2f-b9e4-4f3b-9ff9-042f98a90591",
        domain="alderfinch.example",
        office="Duluth",
        teams=(
            Team("Studio", 8, (PREMIUM, FREE_FLOW)),
            Team("Front office", 2, (PREMIUM,)),
            Team("Site", 4, (BASIC,)),
        ),
        purchases=(Purchase(PREMIUM, 10), Purchase(BASIC, 4), Purchase(FREE_FLOW, 10_000, term=3_650)),
        contracts=(Contract(3101, "Microsoft 365", (Line("M365-BP", 10), Line("M365-BB", 4))),),
    ),
    Story(
        company=202,
        name="Bluebell Veterinary Group",
        tells="whole months only; two seats too many are billed; shared mailboxes are counted, not their licences",
        tenant="2dd329bb-8112-4bde-be73-7678e1089a78",
        domain="bluebellvets.example",
        office="Rochester",
        teams=(
            Team("Clinic", 11, (PREMIUM,)),
            Team("Leavers", 2, (PREMIUM,), enabled=False),
            Team(SHARED_MAILBOXES, 3, (EXCHANGE,), enabled=False),
        ),
        purchases=(Purchase(PREMIUM, 13), Purchase(EXCHANGE, 3)),
        contracts=(Contract(3102, "Microsoft 365", (Line("M365-BP", 15), Line("EXO-P1", 3)), prorates=False),),
    ),
    Story(
        company=203,
        name="Corvane Logistics",
        tells="an annual agreement; three E3 seats are not billed",
        tenant="f89d3dc0-68ee-4c17-b284-f536355bbb80",
        domain="corvane.example",
        office="Joliet",
        teams=(Team("Office", 24, (E3, FREE_FABRIC)), Team("Drivers", 30, (F3,))),
        purchases=(Purchase(E3, 24), Purchase(F3, 30), Purchase(FREE_FABRIC, 1_000_000, term=3_650)),
        contracts=(
            Contract(3103, "Microsoft 365, yearly", (Line("M365-E3-Y", 21), Line("M365-F3-Y", 30)), cycle="Yearly"),
        ),
    ),
    Story(
        company=204,
        name="Dovetail Joinery",
        tells="billed in arrears; one seat is not billed",
        tenant="3b6851c7-cb09-4590-b926-b42e546a7385",
        domain="dovetail.example",
        office="Eau Claire",
        teams=(Team("Workshop", 9, (STANDARD,)),),
        purchases=(Purchase(STANDARD, 9),),
        contracts=(Contract(3104, "Microsoft 365, in arrears", (Line("M365-BS", 8),), arrears=True),),
    ),
    Story(
        company=205,
        name="Everglass Opticians",
        tells="two terms, two prices; the five monthly seats have no line",
        tenant="73524092-c506-46a4-927d-5784499fd8bd",
        domain="everglass.example",
        office="Madison",
        teams=(Team("Shops", 24, (PREMIUM,)),),
        purchases=(
            Purchase(PREMIUM, 20, id="3101ce3f-1195-449e-8ebc-f6a5cb98ea94"),
            Purchase(PREMIUM, 5, id="a99bc389-f5e9-495c-804b-76d2e26a9ba7", days_ago=20, term=31),
        ),
        contracts=(Contract(3105, "Microsoft 365", (Line("M365-BP", 20),)),),
    ),
    Story(
        company=206,
        name="Fennimore & Osei Legal",
        tells="one tenant, two agreements by department; one person in neither",
        tenant="66a006cf-90da-44cb-801c-e10556c99b77",
        domain="fennimore-osei.example",
        office="Chicago",
        teams=(Team("Litigation", 11, (E3,)), Team("Property", 6, (E3,)), Team("Partners", 1, (E3,))),
        purchases=(Purchase(E3, 18),),
        contracts=(
            Contract(3106, "Litigation", (Line("M365-E3", 10),)),
            Contract(3107, "Property", (Line("M365-E3", 7),)),
        ),
    ),
    Story(
        company=207,
        name="Greywater Plumbing Supplies",
        tells="two seats are included, and five is the least to bill",
        tenant="3b1aef64-e4ad-4cae-b69f-3acd5d9ea24f",
        domain="greywater.example",
        office="Peoria",
        teams=(Team("Counter", 14, (PREMIUM,)), Team("Warehouse", 3, (BASIC,))),
        purchases=(Purchase(PREMIUM, 14), Purchase(BASIC, 3)),
        contracts=(Contract(3108, "Microsoft 365", (Line("M365-BP", 14), Line("M365-BB", 5))),),
    ),
    Story(
        company=208,
        name="Halcyon Bay Hotel",
        tells="its tenant has not consented",
        tenant="5243ec05-fff4-46d3-a537-78c89dca4e94",
        domain="halcyonbay.example",
        office="Kenosha",
        teams=(Team("Reception", 22, (STANDARD,)),),
        purchases=(Purchase(STANDARD, 22),),
        contracts=(Contract(3109, "Microsoft 365", (Line("M365-BS", 22),)),),
        consents=False,
    ),
    Story(
        company=209,
        name="Ironbark Foundry",
        tells="somebody typed the same line twice",
        tenant="ab1368b3-d55e-4048-991d-737e2a21f601",
        domain="ironbark.example",
        office="Gary",
        teams=(Team("Office", 16, (STANDARD,)), Team("Foundry", 12, (BASIC,))),
        purchases=(Purchase(STANDARD, 16), Purchase(BASIC, 12)),
        contracts=(Contract(3110, "Microsoft 365", (Line("M365-BS", 16), Line("M365-BB", 12), Line("M365-BS", 16))),),
    ),
    Story(
        company=210,
        name="Juniper Lane Surgery",
        tells="its agreement has expired",
        tenant="50f264fa-c421-4b6e-93e0-0c5b2892e636",
        domain="juniperlane.example",
        office="Rockford",
        teams=(Team("Surgery", 9, (PREMIUM,)),),
        purchases=(Purchase(PREMIUM, 9),),
        contracts=(Contract(3111, "Microsoft 365", (Line("M365-BP", 8),), expired=True),),
    ),
    Story(
        company=211,
        name="Kestrel Ridge Farms",
        tells="more seats assigned than bought; Visio and Project mapped by nobody",
        tenant="9ea7415c-ab41-43ff-920b-e10d08df2f0c",
        domain="kestrelridge.example",
        office="Dubuque",
        teams=(
            Team("Farm office", 7, (STANDARD,)),
            Team("Planning", 2, (STANDARD, "VISIOCLIENT")),
            Team("Auditor", 1, (STANDARD,), guests=True),
        ),
        purchases=(Purchase(STANDARD, 8), Purchase("VISIOCLIENT", 2), Purchase("PROJECTPROFESSIONAL", 1, days_ago=12)),
        contracts=(Contract(3112, "Microsoft 365", (Line("M365-BS", 8),)),),
    ),
    Story(
        company=212,
        name="Larkspur Recruitment",
        tells="support is billed per person, Copilot for a group; three people are missed",
        tenant="6830d728-a27a-4593-a1c5-4fcf4cafd43d",
        domain="larkspur.example",
        office="Minneapolis",
        teams=(Team("Consultants", 28, (PREMIUM,)), Team("Research", 6, (PREMIUM, COPILOT))),
        purchases=(Purchase(PREMIUM, 36), Purchase(COPILOT, 6)),
        contracts=(
            Contract(3113, "Microsoft 365", (Line("M365-BP", 36), Line("M365-COPILOT", 4))),
            Contract(3114, "Managed services", (Line("MANAGED-USER", 31),)),
        ),
        circles=(
            Circle("c0c61e5d-55cf-4d9c-8a34-1f3f4c1b7a01", "Research desk", ("Research",)),
            Circle(
                "c0c61e5d-55cf-4d9c-8a34-1f3f4c1b7a02",
                "Copilot, paid by the company",
                inside=("c0c61e5d-55cf-4d9c-8a34-1f3f4c1b7a01",),
            ),
        ),
    ),
)

# A tenant that the partner sees and no mapping file names: signed last week, and forgotten.
NEWCOMER = ("a2385ce1-e53f-4dd2-aa17-77d4cf8f09fe", "Marrow Hill Bakery", "marrowhill.example")

# What Brasswren's agreements get wrong, by the stories above.
MISTAKES = (
    Mistake(202, "M365-BP", 15, 13),
    Mistake(203, "M365-E3-Y", 21, 24),
    Mistake(204, "M365-BS", 8, 9),
    Mistake(205, "M365-BP-M", 0, 5),
    Mistake(206, "M365-E3", 10, 11),
    Mistake(206, "M365-E3", 7, 6),
    Mistake(207, "M365-BP", 14, 12),
    Mistake(212, "M365-COPILOT", 4, 6),
    Mistake(212, "MANAGED-USER", 31, 34),
)
