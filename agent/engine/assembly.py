"""The composition root: settings become a running agent. Only here do adapters, settings and the system clock meet."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from threading import Event

from agent.domain.guards import Limits
from agent.domain.mappings import Mode
from agent.domain.news import Every, Rule, When
from agent.engine.clock import SystemClock
from agent.engine.cycle import Cycle
from agent.engine.housekeeping import Housekeeping
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.schedule import Schedule
from agent.engine.service import Service
from agent.engine.source_assembly import outgoing, reading, sources_of, traits_of_source
from agent.engine.sources import Switchboard
from agent.engine.stuck import Stuck
from agent.engine.telling import Telling, Wishes
from agent.engine.turns import Turns
from agent.engine.watchdog import Systemd
from agent.mapping_files import LastGood, MappingFiles
from agent.notices import Chat, Heartbeat, Mail
from agent.outgoing import Heard, Offsets, Outgoing, Rate, Timeouts
from agent.ports import Channel, Clock, Contents, Psa, Restored, Restoring, Source, Store, Traits
from agent.psa import FACTORIES, TRAITS
from agent.settings import Settings
from agent.sku_table import shipped
from agent.store import backups, open_store

HEARTBEAT = Timeouts(connect=5, read=10)
SINGLE_THREADS = 8  # for one company that a person waits for: its tenants, agreements and lines, side by side


@dataclass(slots=True)
class Engine:
    """Everything of an agent, put together. Nothing has been read from the network yet."""

    settings: Settings
    store: Store
    sources: Mapping[str, Source]
    psa: Psa
    clock: Clock
    offsets: Offsets
    mappings: LastGood
    cycle: Cycle
    single: Cycle
    stop: Event
    release: Callable[[], None]

    def service(self, systemd: Systemd) -> Service:
        schedule, agent = self.settings.schedule, self.settings.agent
        rhythm = Schedule(agent.timezone, schedule.every, schedule.cron, schedule.jitter, seed=self.store.installation)
        return Service(
            cycle=self.cycle,
            single=self.single,
            schedule=rhythm,
            mappings=self.mappings.current,
            in_force=self.mappings.in_force,
            mapping_problems=lambda: self.mappings.problems,
            housekeeping=Housekeeping(
                self.sources,
                self.psa,
                self.store,
                self.clock,
                self.mappings.current,
                agent.timezone,
                self.settings.store.history,
                self.settings.store.thin_after,
            ),
            housekeeping_every=schedule.catalogue,
            systemd=systemd,
            stopped=self.stop,
            rounds=(self._stuck(rhythm), telling_of(self.settings, self.store, self.clock, self.mappings)),
            heartbeat=heartbeat_of(self.settings),
            offsets=self.offsets.seconds,
        )

    def _stuck(self, schedule: Schedule) -> Stuck:
        zone, state = self.settings.agent.timezone, self.settings.agent.state
        return Stuck(
            self.store,
            self.clock,
            zone,
            schedule,
            self.mappings.in_force,
            self.psa.traits,
            lambda: shutil.disk_usage(state).free if self.settings.store_url.startswith("sqlite:") else None,
        )

    def close(self) -> None:
        """Let go of threads and connections; idle ones only, a run in flight ends first."""
        for pool in (self.cycle.pool, self.cycle.wire, self.single.pool, self.single.wire):
            pool.shutdown(wait=True, cancel_futures=True)
        self.release()


def assemble(settings: Settings, patient: bool = True) -> Engine:
    """Put an agent together. `patient` waits a moment for files that are being saved; a command by hand does not."""
    clock = SystemClock()
    store = open_store_of(settings, clock)
    if settings.agent.installation and store.newest() is None:
        # An id that was set by hand for a store that knows nothing: there are lines of ours that it has to find.
        store.ask_to_adopt("a new store takes over another's installation", clock.now())
    offsets = Offsets(clock)
    psa = psa_of(settings, store, clock, heard=offsets.of(settings.psa.kind))
    sources = sources_of(settings, clock, offsets)
    stop = Event()
    cycle = Cycle(
        source=Switchboard(sources),
        psa=psa,
        store=store,
        clock=clock,
        zone=settings.agent.timezone,
        policy=policy_of(settings, store),
        pool=ThreadPoolExecutor((settings.agent.workers + 1) // 2, thread_name_prefix="company"),
        wire=ThreadPoolExecutor(settings.agent.workers, thread_name_prefix="wire"),
        catalogue=Catalogue(psa, clock, settings.schedule.catalogue),
        turns=Turns(),
        stopping=stop.is_set,
    )
    pool, wire = ThreadPoolExecutor(1, "single"), ThreadPoolExecutor(SINGLE_THREADS, "single-wire")
    single = replace(cycle, pool=pool, wire=wire)
    mappings = mappings_of(settings, partial(clock.sleep, 1) if patient else lambda: None)
    return Engine(settings, store, sources, psa, clock, offsets, mappings, cycle, single, stop, store.dispose)


def open_store_of(settings: Settings, clock: Clock | None = None) -> Store:
    """The store alone, for commands that need no adapters."""
    password = settings.store.password.read().reveal() if settings.store.password else ""
    longest = math.ceil(settings.http.connect_timeout.total_seconds() + settings.http.write_timeout.total_seconds())
    return open_store(settings.store_url, settings.agent.state, clock or SystemClock(), password, longest)


def back_up_store(settings: Settings, target: Path) -> Contents:
    return backups.back_up(settings.store_url, settings.agent.state, target, SystemClock())


def restore_store(settings: Settings, source: Path, agree: Callable[[Restoring], bool]) -> Restored | None:
    return backups.restore(settings.store_url, settings.agent.state, source, SystemClock(), agree)


def telling_of(settings: Settings, store: Store, clock: Clock, mappings: LastGood) -> Telling:
    notify = settings.notify
    rules = tuple(
        Rule(frozenset(rule.codes), frozenset(rule.companies), When(rule.when)) for rule in settings.notify.rule
    )
    wishes = Wishes(rules, Every(notify.digest), notify.digest_at, notify.quiet)

    def names() -> Mapping[int, str]:
        return {company.company: company.name for company in mappings.in_force().companies.values()}

    return Telling(store, clock, settings.agent.timezone, channels_of(settings, clock), wishes, names)


def channels_of(settings: Settings, clock: Clock) -> tuple[Channel, ...]:
    mail = mail_of(settings, clock)
    chats = tuple(Chat(number, reading(secret)) for number, secret in enumerate(settings.notify.chat, 1))
    return chats if mail is None else (mail, *chats)


def mail_of(settings: Settings, clock: Clock) -> Channel | None:
    """None where no mail server is configured."""
    mail = settings.notify.mail
    if mail is None:
        return None
    return Mail(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        user=mail.user,
        password=reading(mail.password) if mail.password else None,
        sender=mail.sender,
        recipients=mail.to,
        clock=clock,
        ca_file=settings.http.ca_file,
    )


def heartbeat_of(settings: Settings) -> Callable[[], None]:
    """Pings after a good cycle, or does nothing where nobody listens."""
    secret = settings.notify.heartbeat
    if secret is None:
        return lambda: None

    def connect(base_url: str) -> Outgoing:
        http = settings.http
        # Shorter than for vendors: no cycle should wait for a service that only wants to hear that it ended.
        return Outgoing(base_url=base_url, timeouts=HEARTBEAT, ca_file=http.ca_file, proxy=http.proxy, budget=5)

    return Heartbeat(reading(secret), connect)


def mappings_of(settings: Settings, pause: Callable[[], None]) -> LastGood:
    return LastGood(mapping_files_of(settings, settings.agent.mappings), pause)


def mapping_files_of(settings: Settings, folder: Path) -> MappingFiles:
    sources = {name: traits_of_source(section) for name, section in settings.sources.items()}
    return MappingFiles(folder, Mode(settings.agent.mode), shipped(), sources)


def policy_of(settings: Settings, store: Store) -> Policy:
    guards = settings.guards
    return Policy(
        currency=settings.agent.currency,
        limits=Limits(**{field.name: getattr(guards, field.name) for field in fields(Limits)}),
        recheck=guards.recheck,
        stale_after=settings.microsoft.stale_after,
        installation=installation_of(settings, store),
    )


def installation_of(settings: Settings, store: Store) -> str:
    return settings.agent.installation or store.installation


def paper_of(settings: Settings, store: Store, clock: Clock) -> Psa:
    """An adapter to be asked only which requests a change needs.

    It keeps marks in a field that every site has: a custom field's number would have to be asked for, and where a mark
    would stand makes no difference on paper.
    """
    return psa_of(settings, store, clock, marker_field="serialNumber")


def psa_of(
    settings: Settings,
    store: Store,
    clock: Clock,
    marker_field: str | None = None,
    heard: Heard = lambda headers: None,
) -> Psa:
    site = settings.psa.connectwise
    rate = Rate(site.rate)
    return FACTORIES[settings.psa.kind](
        connect=lambda base_url: outgoing(settings, base_url, rate, store.may_send, heard),
        url=site.url,
        company=site.company,
        public_key=lambda: site.public_key,
        private_key=reading(site.private_key),
        client_id=site.client_id,
        installation=installation_of(settings, store),
        settle=int(site.settle.total_seconds()),
        marker_field=marker_field or site.marker_field,
        credits=site.credits,
        version=site.version,
        billing_cycles=site.billing_cycles,
        member=site.member,
        clock=clock,
    )


def traits_of(settings: Settings) -> Traits:
    """What is known of a kind of PSA without asking it."""
    return TRAITS[settings.psa.kind]
