"""Documents, the random source behind them, and a small template language."""

import random
import re
from dataclasses import dataclass
from functools import lru_cache

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = [END_OF_TEXT, TURN_START, TURN_END]
HELD_OUT = 10**12  # seeds from here on are never trained on


@dataclass(frozen=True)
class Document:
    """One document, cut where a reader would stop asking and a model start answering.

    `answer`, where there is one, is a string that a right completion must contain.
    """

    domain: str
    prompt: str
    completion: str
    answer: str | None = None

    @property
    def text(self):
        """Prompt and completion together."""
        return self.prompt + self.completion


class Source(random.Random):
    """A random source with favourites: early entries of a list and low numbers come up more often.

    Word frequencies become uneven, as in real text, and where a document could go
    on in several ways one way is clearly the likeliest, so that a model's greedy
    continuation does not hang on ties.
    """

    def choice(self, options):
        """One option, early ones more often."""
        return options[int(len(options) * self.random() ** 2)]

    def sample(self, options, k):
        """`k` different options, early ones more often."""
        rest = list(options)
        return [rest.pop(int(len(rest) * self.random() ** 2)) for _ in range(k)]

    def randrange(self, start, stop=None, step=1):
        """A number of the range, low ones more often."""
        start, stop = (0, start) if stop is None else (start, stop)
        return start + step * int((stop - start + step - 1) // step * self.random() ** 1.5)

    def randint(self, low, high):
        """A number from `low` to `high`, both included, low ones more often."""
        return self.randrange(low, high + 1)


# ---------------------------------------------------------------------------
# A small template language: "[this|that]" picks one side, "{key}" looks a word
# up, "{^key}" capitalises it, "{a:key}" puts "a" or "an" before it.

_MARKS = re.compile(r"\[|\]|\||\{[^}]*\}")


@lru_cache(maxsize=None)
def _parse(template):
    """Turns a template into a tuple of strings, (modifier, key) slots and lists of alternatives."""

    def sequence(at):
        alternatives, nodes = [], []
        while at < len(template):
            mark = _MARKS.search(template, at)
            if mark is None:
                nodes.append(template[at:])
                at = len(template)
                break
            if mark.start() > at:
                nodes.append(template[at : mark.start()])
            token, at = mark.group(), mark.end()
            if token == "[":
                choices, at = sequence(at)
                nodes.append(choices)
            elif token == "|":
                alternatives.append(tuple(nodes))
                nodes = []
            elif token == "]":
                break
            else:
                key = token[1:-1]
                modifier = "^" if key[0] == "^" else "a" if key.startswith("a:") else ""
                nodes.append((modifier, key[len(modifier) + (modifier == "a") :]))
        return alternatives + [tuple(nodes)], at

    return sequence(0)[0][0]


def write(r, template, words=None):
    """Expands `template` with the random source `r` and the dictionary `words`."""
    out = []

    def expand(nodes):
        for node in nodes:
            if type(node) is str:
                out.append(node)
            elif type(node) is list:
                expand(r.choice(node))
            else:
                modifier, key = node
                word = str(words[key])
                if modifier == "^":
                    word = word[0].upper() + word[1:]
                elif modifier == "a":
                    word = with_article(word)
                out.append(word)

    expand(_parse(template))
    return "".join(out)


def with_article(word):
    """'owl' -> 'an owl'."""
    return ("an " if word[0] in "aeiou" else "a ") + word


def in_words(items, conjunction="and"):
    """['a', 'b', 'c'] -> 'a, b and c'."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + f" {conjunction} {items[-1]}"


def counted(n, noun):
    """(2, 'apple') -> '2 apples'."""
    if n == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "sh", "ch", "x")):
        return f"{n} {noun}es"
    return (
        f"{n} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{n} {noun}s"
    )


def words_list(text):
    """Splits a comma-separated table cell by cell."""
    return [cell.strip() for cell in text.split(",")]
