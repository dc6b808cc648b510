"""Invented people: the same company always employs the same ones, in the same order."""

from __future__ import annotations

import itertools
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_FIRST = (
    "Aaliyah Adrián Amara Ana Anders Aoife Arjun Astrid Beatriz Björn Camille Chidi Chloé Dariusz Deepika Elif Emeka "
    "Esperanza Farah Femi Fiadh Georgia Gökhan Hana Henrik Hye-jin Ibrahim Ines Jamal Jürgen Kaito Kateřina Kwame "
    "Leilani Léa Linh Łukasz Maeve Malik Márta Mateo Mei Mohammed Nadia Ngozi Niamh Óscar Paolo Priya Quentin Rajesh "
    "Renée Sakura Samuel Saoirse Siobhán Søren Tariq Thandiwe Tomás Uma Valentina Wanjiru Xiomara Yusuf Zainab Zoë"
).split()

_LAST = (
    "Abara Achterberg Aguilar Åkesson Almeida Anand Baptiste Bergström Bianchi Boateng Brännström Castellanos Çelik "
    "Cheung Czerwiński Dankwa Delacroix Dlamini Dubois Dvořák Ekwueme Eriksen Fitzgerald Fontaine Gallagher García "
    "Ghorbani Grünewald Haddad Hashimoto Hernández Ibe Iyer Jankowska Johansson Kaczmarek Kapoor Kovács Kowalczyk "
    "Laurent Lindqvist Mbeki McAllister Moreau Müller Nakamura Ndiaye Nguyễn Núñez O’Connor Okafor Oyelaran Papadakis "
    "Pereira Qureshi Rasmussen Rivera Rønning Sato Schäfer Silva Sørensen Szabó Takahashi Torres Vásquez Whitcombe "
    "Yılmaz Zając Zhang"
).split()

# Letters that no decomposition brings down to one of ASCII.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "đ": "d", "’": "", "'": ""})


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    domain: str

    @property
    def login(self) -> str:
        """ASCII, as directories make them: Zoë Rønning is zoe.ronning."""
        folded = unicodedata.normalize("NFKD", self.name.lower().translate(_PLAIN))
        letters = "".join(character for character in folded if not unicodedata.combining(character))
        return f"{letters.replace(' ', '.')}@{self.domain}"


def crowd(domain: str) -> Iterator[Person]:
    """Everybody who might ever work there; no two share a first or a last name as long as names last."""
    rng = random.Random(domain)
    first, last = rng.sample(_FIRST, len(_FIRST)), rng.sample(_LAST, len(_LAST))
    for turn in itertools.count():
        for place, name in enumerate(first):
            yield Person(f"{name} {last[(place + turn) % len(last)]}", domain)
