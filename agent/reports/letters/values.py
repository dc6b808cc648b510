"""A letter as plain values for JSON."""

from __future__ import annotations

from datetime import date

from agent.domain.ownership import plain
from agent.reports.letters.view import Amount, Going, Letter, Person, Price, Quantity
from agent.reports.values import Values, of_money


def letter_values(letter: Letter) -> Values:
    """Amounts are decimal texts with their currency, credits below zero; what is not known is null."""
    return {
        "company": letter.company,
        "month": letter.month,
        "day": letter.day.isoformat(),
        "quantities": [_quantity(one) for one in letter.quantities],
        "charges": [_amount(one) for one in letter.charges],
        "credits": [_amount(one) for one in letter.credits],
        "prices": [_price(one) for one in letter.prices],
        "forward": [_going(one) for one in letter.forward],
        "conventions": list(letter.conventions),
        "holders": [
            {
                "licence": one.licence,
                "people": [
                    {"name": p.name, "first_seen": _day(p.first), "last_seen": _day(p.last)} for p in one.people
                ],
            }
            for one in letter.holders
        ],
        "unknown": list(letter.unknown),
        "unsettled": letter.unsettled,
    }


def _person(one: Person) -> Values:
    return {"name": one.name, "first_seen": _day(one.first), "last_seen": _day(one.last)}


def _quantity(one: Quantity) -> Values:
    return {
        "licence": one.licence,
        "agreement": one.agreement,
        "before": plain(one.before),
        "after": plain(one.after),
        "since": _day(one.since),
        "unit": one.unit,
        "price": of_money(one.price),
        "was": of_money(one.was),
        "becomes": of_money(one.becomes),
        "difference": of_money(one.difference),
    }


def _amount(one: Amount) -> Values:
    return {
        "licence": one.licence,
        "agreement": one.agreement,
        "first_day": one.first.isoformat(),
        "last_day": one.last.isoformat(),
        "arithmetic": one.arithmetic,
        "amount": of_money(one.money),
        "invoice": one.invoice or None,
    }


def _price(one: Price) -> Values:
    return {
        "licence": one.licence,
        "agreement": one.agreement,
        "before": of_money(one.before),
        "after": of_money(one.after),
        "units": plain(one.units),
        "unit": one.unit,
        "invoice": one.invoice or None,
        "difference": of_money(one.difference),
    }


def _going(one: Going) -> Values:
    return {
        "licence": one.licence,
        "agreement": one.agreement,
        "units": plain(one.units),
        "price": of_money(one.price),
        "money": of_money(one.money),
        "unit": one.unit,
        "begins": _day(one.begins),
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
