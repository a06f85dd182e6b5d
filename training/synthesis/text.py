"""Sentences to speak: Debian's fortunes in several languages, and sentences of our own rich in lip movements."""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np

FORTUNES = Path("/usr/share/games/fortunes")
SHORTEST, LONGEST = 18, 130  # characters; a third of it for Chinese
_ENGLISH = ("fortunes", "literature", "computers", "people", "wisdom", "science", "work", "tao", "riddles", "love")

# language: (files below FORTUNES, letters beyond the basic Latin ones)
SOURCES: dict[str, tuple[tuple[str, ...], str]] = {
    "en": (_ENGLISH, ""),
    "de": (("de/zitate", "de/witze", "de/anekdoten", "de/sprichworte"), "äöüßÄÖÜé"),
    "es": (
        ("es/refranes.fortunes", "es/sabiduria.fortunes", "es/vida.fortunes", "es/humanos.fortunes"),
        "áéíóúüñÁÉÍÓÚÑ¿¡",
    ),
    "it": (("italia", "it/italia", "it/leggi", "it/luke"), "àèéìòùÈÀ"),
    "fr": ((), "àâçéèêëîïôûùœÉÈÀÇÊÔ"),
    "pt": (("brasil",), "áâãàçéêíóôõúÁÉÓÚÇ"),
    "cs": (("cs/klasik-cz", "cs/zemeplocha", "cs/citace", "cs/market"), "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ"),
    "pl": (("pl/dowcipy", "pl/pratchett", "pl/rzewski", "pl/bajki"), "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"),
    "ru": (("ru/knowledge", "ru/life", "ru/book", "ru/love", "ru/friendship", "ru/truth"), "а-яА-ЯёЁ"),
    "zh": (("chinese", "tang300"), "一-鿿"),
}


def sentences(language: str) -> list[str]:
    """Every sentence of a language, in a fixed order, without repeats."""
    found = dict.fromkeys(itertools.chain(own_sentences(language), _fortunes(language)))
    return sorted(found, key=lambda s: hashlib.sha256(s.encode()).digest())


def _fortunes(language: str) -> Iterator[str]:
    files, letters = SOURCES[language]
    for name in files:
        path = FORTUNES / name
        if not path.is_file():
            continue  # the packages are optional: own sentences remain
        for cookie in re.split(r"^%$", path.read_text(encoding="utf-8", errors="ignore"), flags=re.MULTILINE):
            yield from sentences_of(cookie, language, letters)


def sentences_of(cookie: str, language: str, letters: str) -> Iterator[str]:
    """The speakable sentences of one fortune: plain words and punctuation only, of a fair length."""
    lines = [line for line in cookie.splitlines() if not re.match(r"\s*(--|—|\t\t)", line)]
    text = " ".join(unicodedata.normalize("NFC", " ".join(lines)).split())
    if language == "zh":
        yield from _chinese(text)
        return
    plain = re.compile(rf"[A-Za-z{letters}][A-Za-z{letters} ,;'’-]*[.!?]")
    for sentence in re.split(r"(?<=[.!?])\s+", text.replace('"', "")):
        if (
            SHORTEST <= len(sentence) <= LONGEST
            and plain.fullmatch(sentence)
            and not re.search(r"[A-Z]{2}|--", sentence)
        ):
            yield sentence


def _chinese(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[。！？])", text.replace(" ", "")):
        if SHORTEST / 3 <= len(sentence) <= LONGEST / 3 and re.fullmatch(r"[一-鿿，、；]+[。！？]", sentence):
            yield sentence


def pinyin(text: str) -> str:
    """Chinese as numbered pinyin, which eSpeak's voice for pinyin speaks: 你好 gives "ni3 hao3"."""
    import pypinyin

    syllables = pypinyin.lazy_pinyin(text, style=pypinyin.Style.TONE3, neutral_tone_with_five=True, v_to_u=False)
    plain = str.maketrans("，、；。！？", ",,,.!?")
    return " ".join(s.translate(plain) for s in syllables).replace(" ,", ",").replace(" .", ".")


# Subjects, verbs and objects that go together in any order, chosen for closures, labiodentals, rounding, fricatives.
_OWN: dict[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("My mother", "Bob's puppy", "Five brave women", "The old wolf", "Few of the fishermen", "Some young poet",
         "Both of the brothers", "A very big bumblebee", "Pam and Phoebe", "Whoever moved out", "The chef from Vermont",
         "That whole choir", "Mr. Webb", "Another beautiful voice", "Our favourite Mayor"),
        ("bought", "never mentioned", "would move", "put away", "probably saw", "should prove", "has shown us",
         "blew up", "will choose", "chews over", "wove", "has photographed", "swapped", "thought of", "hoped for"),
        ("five purple mushrooms", "a warm blue room", "the broken zoo gate", "some fish and chips", "two wooden shoes",
         "the map of the moon", "both of these tombs", "a pure white swan", "every view of the river",
         "the whole opera", "a bowl of soup", "the pipe and the drum", "another bump in the road",
         "thirty-three thin leather gloves", "a glimpse of the judge"),
        ("before breakfast.", "in the month of May.", "for fourpence!", "while nobody moved.", "for you and me?",
         "above the valley.", "from the shop.", "with a whoop!", "by the pool.", "in Bombay or Boston."),
    ),
    "fr": (
        ("Ma mère", "Le vieux loup", "Un bon ami", "La boulangère", "Pauline et Hugo", "Mon petit frère",
         "Le pauvre homme", "Une jeune femme", "Votre voisin", "Le chien jaune", "Beaucoup de monde",
         "Son oncle Paul"),
        ("voulait manger", "a trouvé", "apporte toujours", "ne veut plus", "a vu passer", "cherche encore", "préfère",
         "pourrait offrir", "a bu", "montre souvent", "garde", "vend parfois"),
        ("une soupe aux choux", "deux pommes rouges", "le joli bateau bleu", "un gros poisson", "du fromage frais",
         "la robe mauve", "un peu de pain", "les feuilles vertes", "neuf œufs", "la lune et les étoiles",
         "un vin rouge", "une chambre propre", "le bonheur", "cette vieille voiture"),
        ("avant minuit.", "au bord du fleuve.", "pour vous.", "sous la pluie.", "depuis longtemps.", "chez nous !",
         "au mois de juin.", "avec beaucoup d'amour.", "pendant la nuit ?", "dans la rue."),
    ),
}  # fmt: skip
_OWN_COUNT = {"en": 500, "fr": 900}


def own_sentences(language: str) -> list[str]:
    """Sentences made of parts, the same ones every time; empty for languages without parts."""
    parts = _OWN.get(language)
    if parts is None:
        return []
    every = [" ".join(words) for words in itertools.product(*parts)]
    chosen = np.random.default_rng(0).choice(len(every), _OWN_COUNT[language], replace=False)
    return [every[i] for i in chosen]
