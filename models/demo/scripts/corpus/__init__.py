"""Seeded generator of the synthetic English-like corpus the demo pair is trained on.

Every document is a pure function of one integer seed, so the corpus needs no
storage: `document(seed)` writes document number `seed`. Thirteen domains, each
with its own vocabulary and its own kind of structure, give the experts of a
mixture-of-experts model something to specialise in. All text comes from the
templates in this package; nothing is copied from anywhere.

    python -m corpus 5             # print the documents of seeds 0..4
    python -m corpus 2 atlas       # print two documents of one domain
"""

from .arithmetic import maths
from .conversations import chat, chat_turn
from .country import atlas
from .letters import letter
from .nature_notes import nature
from .puzzles import puzzle
from .python_code import python
from .recipes import recipe
from .records import json_document
from .schedules import schedule
from .stories import story
from .story_words import SPECIES
from .tables import table
from .text import (
    END_OF_TEXT,
    HELD_OUT,
    SPECIAL_TOKENS,
    TURN_END,
    TURN_START,
    Document,
    Source,
    with_article,
)
from .weather_reports import weather

__all__ = [
    "DOMAINS",
    "END_OF_TEXT",
    "HELD_OUT",
    "SPECIAL_TOKENS",
    "SPECIES",
    "TURN_END",
    "TURN_START",
    "Document",
    "chat_turn",
    "document",
    "with_article",
]

# name: (generator, how often it is drawn)
_DOMAINS = {
    "story": (story, 14),
    "maths": (maths, 9),
    "json": (json_document, 8),
    "python": (python, 8),
    "recipe": (recipe, 5),
    "schedule": (schedule, 7),
    "atlas": (atlas, 7),
    "letter": (letter, 6),
    "puzzle": (puzzle, 7),
    "weather": (weather, 4),
    "table": (table, 6),
    "nature": (nature, 5),
    "chat": (chat, 26),
}
DOMAINS = {name: generator for name, (generator, _) in _DOMAINS.items()}
_NAMES = list(DOMAINS)
_WEIGHTS = [weight for _, weight in _DOMAINS.values()]
_CUMULATIVE = [sum(_WEIGHTS[: i + 1]) for i in range(len(_WEIGHTS))]


def document(seed, domain=None):
    """Document number `seed`, of the given domain or of one drawn by weight."""
    r = Source(seed)
    return DOMAINS[domain or r.choices(_NAMES, cum_weights=_CUMULATIVE)[0]](r)
