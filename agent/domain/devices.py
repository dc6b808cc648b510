"""Devices that a source lists one by one, as counts by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from agent.domain.counts import Member, Observation, Unit

# What rows may count. A class of a vendor's that is not known yet is "other": seen, and billed by no row.
DEVICE_CLASSES: Mapping[str, str] = {
    "server": "Servers",
    "workstation": "Workstations",
    "mobile": "Mobile devices",
    "vm-host": "Virtual machine hosts",
    "vm-guest": "Virtual machines",
    "network": "Network devices",
    "printer": "Printers",
    "cloud-monitor": "Monitored cloud targets",
    "unmanaged": "Unmanaged devices",
    "pending": "Devices that wait for approval",
    "other": "Other devices",
}


def device(id: str, host: str, kind: str, enabled: bool = True, system: str = "") -> Member:
    """When it was last seen is left out: it would make every read another one, and say nothing about the count."""
    attributes = {"system": system} if system else {}
    return Member(id, host, host, enabled, False, frozenset({kind}), attributes)


def by_class(devices: Iterable[Member], classes: Mapping[str, str] = DEVICE_CLASSES) -> Mapping[str, Observation]:
    """A class without devices is not listed: nothing falls to zero because a list came back without it."""
    numbers = Counter(kind for one in devices for kind in one.licences)
    return {
        kind: Observation(kind, "", classes[kind], None, number, unit=Unit.DEVICE)
        for kind, number in sorted(numbers.items())
    }
