"""The second half: what happens on the days after, and how each number can be accounted for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from agent.simulators.companies import MSP
from agent.simulators.demo.psa import Picture, Seen
from agent.simulators.demo.scene import ALDER, LARKSPUR, MONTHLY, NAMES, Scene

AGREEMENT, PRODUCT = ALDER.contracts[0].id, "M365-BP"
SUPPORT = LARKSPUR.contracts[1].id
PRICE = MONTHLY[PRODUCT]
# Traps of this world that nobody has cleared away: each must be in the log.
TRAPS = {
    ("leftover-seats", 206),
    ("licensed-disabled-user", 202),
    ("consent-lost", 208),
    ("ambiguous-lines", 209),
    ("agreement-not-billable", 210),
    ("unmapped-licence", 211),
    ("assigned-over-purchased", 211),
    ("edited-by-person", 212),
}


def hire(scene: Scene) -> None:
    scene.stage.step("A hire and a purchase, billed at once", f"{ALDER.name} buys two seats for two new people.")
    _trust_alder(scene)
    names = _hire_two(scene)
    pressed = time.monotonic()
    run = _press(scene)
    scene.trueup.until(lambda: scene.picture().seats(AGREEMENT, PRODUCT) == 12, "The seats did not come into the PSA")
    took = time.monotonic() - pressed
    ended = scene.trueup.ended(run)
    scene.stage.says(f"In the PSA {took:.1f} s after the request, with {' and '.join(names)} on the invoice:")
    lines = scene.picture().on(AGREEMENT, PRODUCT)
    rows = [(str(one.id), str(one.quantity), one.days, f"{one.amount:,.2f}") for one in lines]
    scene.stage.table(("addition", "seats", "billed", "this period"), rows, right={0, 1, 3})
    _check_hire(scene, lines, ended, names)


def mismatches(scene: Scene) -> None:
    beneath = f"Somebody at {MSP} sets a line to 30 by hand. The next cycle notices, and does not fight."
    scene.stage.step("The mismatch log", beneath)
    (line,) = scene.world.connectwise.additions(SUPPORT)
    scene.world.connectwise.person_edits(SUPPORT, line["id"], quantity=30, by="jrivera")
    scene.run("sync")
    scene.stage.command("trueup findings --json")
    found = scene.trueup.json("findings", "--json")
    _show_findings(scene, found)
    known = {(finding["code"], finding["company"]) for finding in found}
    scene.stage.fact(known >= TRAPS, "Every trap of this world is in the log; trueup findings tells the remedies too")
    _check_edit(scene)


def explain(scene: Scene) -> None:
    scene.stage.step("Why 12?", "Every number leads back to where it came from.")
    printed = scene.run("explain", "alder", "SPB")
    lines = scene.trueup.get("/explain", company=ALDER.company, licence="SPB")
    counted = [step["value"] for line in lines for step in line["steps"] if step["rule"] == "billed"]
    scene.stage.fact(
        printed.status == 0 and counted == ["12"], "12 purchased, 12 to bill, and the requests that made it so"
    )
    items = [item["units"] for line in lines for invoice in line["invoices"] for item in invoice["items"]]
    scene.stage.fact(
        [line["billed"] for line in lines] == ["12"] and {"10", "2"} <= set(items),
        "Today is billed with 12: 10 that were invoiced before, and 2 for the days from today on",
    )


def lose_an_answer(scene: Scene) -> None:
    beneath = "One more seat at Alder & Finch. The PSA adds it, and the connection breaks before it can say so."
    scene.stage.step("Never twice", beneath)
    before, sent = scene.picture(), scene.writes()
    _buy(scene, 1)
    with scene.world.connectwise.lock:
        scene.world.connectwise.faults.add("lost-answer", method="POST")
    printed = scene.run("sync", "alder")
    scene.stage.fact(printed.status == 1, "Trueup does not know whether the addition is there, and sends nothing again")
    with scene.stage.waiting("Waiting until a late request could no longer take effect"):
        scene.trueup.until(lambda: _settled(scene), "The lost answer was not settled")
    scene.stage.gap()
    scene.run("journal", "--limit", "4")
    new = [one.quantity for one in scene.picture().new(before)]
    scene.stage.fact(
        (new, scene.writes() - sent) == ([1], 2), "It looked, and found it: one addition of 1, and then 13 in the base"
    )


def rest(scene: Scene) -> None:
    scene.stage.step("And then nothing", "The same cycle once more, over all companies.")
    before, written = scene.picture(), scene.writes()
    scene.run("sync")  # its exit status says that one tenant could not be read, and no more
    scene.stage.fact(scene.picture() == before and scene.writes() == written, "It wrote nothing")
    scene.stage.gap()
    verdict = scene.run("journal", "verify")
    scene.stage.fact(verdict.status == 0, "Every write and decision is in the journal, and its chain is unbroken")


def _trust_alder(scene: Scene) -> None:
    """Edited while the daemon runs, which reads a file again when it has changed."""
    file = scene.folder / "mappings/companies/alder-finch.toml"
    file.write_text(file.read_text("utf-8").replace("\n[[row]]", 'mode    = "auto"\n\n[[row]]', 1), "utf-8")
    scene.stage.command("echo 'mode = \"auto\"' …    # above the first row of companies/alder-finch.toml")
    problems = scene.trueup.get("/status")["mapping_problems"]
    scene.stage.fact(
        problems == [], "From now on its changes need nobody, within the guards; the daemon has read the file"
    )
    scene.stage.gap()


def _press(scene: Scene) -> str:
    """*Sync now* for one company, as any program on the machine would ask for it."""
    scene.stage.command(f"curl {scene.trueup.url}/sync -d '{{\"company\": {ALDER.company}}}' \\")
    scene.stage.more(f'-H "Authorization: Bearer $(cat {scene.trueup.token_file})" \\')
    scene.stage.more("-H 'Content-Type: application/json'")
    pressed = time.monotonic()
    run = scene.trueup.sync(company=ALDER.company)
    scene.stage.output(f'{{"run": "{run}"}}    202, after {(time.monotonic() - pressed) * 1000:.0f} ms')
    return run


def _hire_two(scene: Scene) -> list[str]:
    microsoft = scene.world.microsoft
    _buy(scene, 2)
    with microsoft.lock:
        logins = microsoft.hire(ALDER.tenant, "SPB", people=2, department="Studio")
        users = microsoft.tenants[ALDER.tenant].holdings.users.values()
        return [user.name for user in users if user.upn in logins]


def _show_findings(scene: Scene, found: Sequence[Mapping[str, Any]]) -> None:
    """Errors, then warnings; of mere notes there are many, and each is one line in the count."""
    by_company = sorted(found, key=lambda finding: str(finding["company"]))
    grave = [finding for gravity in ("error", "warning") for finding in by_company if finding["severity"] == gravity]
    rows = [(f["code"], NAMES.get(f["company"], MSP), f["sentence"]) for f in grave]
    scene.stage.table(("mismatch", "company", "what"), rows)
    notes = Counter(finding["code"] for finding in found if finding["severity"] == "info")
    scene.stage.says("And to note: " + ", ".join(f"{number} {code}" for code, number in notes.items()))
    scene.stage.gap()


def _buy(scene: Scene, seats: int) -> None:
    with scene.world.microsoft.lock:
        scene.world.microsoft.tenants[ALDER.tenant].buy("SPB", seats)


def _settled(scene: Scene) -> bool:
    return scene.picture().seats(AGREEMENT, PRODUCT) == 13 and not scene.trueup.get("/status")["busy"]


def _check_hire(scene: Scene, lines: Sequence[Seen], run: Mapping[str, Any], names: Sequence[str]) -> None:
    base, beside = [one for one in lines if one.last is None], [one for one in lines if one.last is not None]
    following = scene.world.connectwise.terms(AGREEMENT).next_invoice
    if following is None or len(base) != 1 or len(beside) != 1:
        scene.stage.fact(False, "One base and one addition beside it")
        return
    delta, last = beside[0], following - timedelta(days=1)
    scene.stage.fact(base[0].quantity == 12, f"The base says 12: from {following} on, that is what each month bills")
    days, month = (last - delta.first).days + 1, (last - last.replace(day=1)).days + 1
    amount = (2 * PRICE * days / month).quantize(Decimal("0.01"), ROUND_HALF_UP)
    scene.stage.fact(
        (delta.quantity, delta.last, delta.amount) == (2, last, amount),
        f"What is left of this month, once: 2 seats × {PRICE} × {days} of {month} days = {amount}",
    )
    scene.stage.fact(all(name in base[0].text for name in names), "Both names are on the invoice")
    scene.stage.fact(
        (run["confirmed"], run["refused"], run["unknown"]) == (2, 0, 0), "Two requests, each read back and confirmed"
    )


def _check_edit(scene: Scene) -> None:
    holds = [hold for hold in scene.holds() if hold["company"] == LARKSPUR.company]
    reasons = [reason for hold in holds for reason in hold["reasons"]]
    scene.stage.fact(
        any("edited by jrivera" in reason for reason in reasons)
        and Picture.of(scene.world.connectwise).seats(SUPPORT, "MANAGED-USER") == 30,
        "The 30 stands; a person decides, and is told that jrivera edited it, and when",
    )
