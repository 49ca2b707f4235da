"""Puzzles with exactly one right answer."""

from .names import people
from .text import Document, words_list

CATEGORIES = {
    "animals": "cat, dog, horse, cow, sheep, lion, tiger, wolf, mouse, goat",
    "fruits": "apple, pear, banana, cherry, grape, lemon, orange, plum, peach, melon",
    "colours": "red, blue, green, yellow, white, black, brown, pink, purple, grey",
    "tools": "hammer, saw, drill, axe, spade, rake, knife, file, chisel, shovel",
    "clothes": "shirt, coat, hat, sock, shoe, dress, scarf, glove, belt, skirt",
    "furniture": "chair, table, bed, desk, shelf, sofa, lamp, stool, bench, cupboard",
    "vehicles": "car, bus, train, boat, bicycle, truck, plane, tram, ship, van",
    "instruments": "piano, violin, drum, flute, guitar, harp, trumpet, cello, horn, organ",
}
CATEGORY_WORDS = {name: words_list(cells) for name, cells in CATEGORIES.items()}
ALL_WORDS = sorted({word for cells in CATEGORY_WORDS.values() for word in cells})
OPPOSITES = dict(
    pair.split(":")
    for pair in words_list(
        "hot:cold, big:small, fast:slow, old:new, wet:dry, light:dark, high:low, full:empty,"
        " hard:soft, early:late, loud:quiet, rich:poor, long:short, open:closed, clean:dirty,"
        " happy:sad, strong:weak, near:far, deep:shallow, thick:thin"
    )
)


def puzzle_question(r):
    """(task, answer) of one small puzzle with exactly one right answer."""
    kind = r.randrange(10)
    if kind == 0:
        numbers = r.sample(range(1, 100), r.randint(3, 6))
        down = r.random() < 0.3
        return (
            (
                f"Sort {'from largest to smallest' if down else 'from smallest to largest'}:"
                f" {', '.join(map(str, numbers))}"
            ),
            ", ".join(map(str, sorted(numbers, reverse=down))),
        )
    if kind == 1:
        words = r.sample(ALL_WORDS, r.randint(3, 5))
        return f"Sort by alphabet: {', '.join(words)}", ", ".join(sorted(words))
    if kind == 2:
        name, odd = r.sample(list(CATEGORY_WORDS), 2)
        words = r.sample(CATEGORY_WORDS[name], 3)
        stranger = r.choice([w for w in CATEGORY_WORDS[odd] if w not in CATEGORY_WORDS[name]])
        words.insert(r.randrange(4), stranger)
        return (
            f"Which word does not belong: {', '.join(words)}?",
            f"{stranger}, because the others are {name}",
        )
    if kind == 3:
        start, step, n = r.randint(1, 30), r.randint(2, 10), r.randint(3, 5)
        series = [start + i * step for i in range(n + 1)]
        return (
            f"What comes next: {', '.join(map(str, series[:-1]))}, ...?",
            f"{series[-1]}, because each number is {step} more than the one before",
        )
    if kind == 4:
        words = r.sample(ALL_WORDS, r.randint(2, 5))
        return f"Write in reverse order: {' '.join(words)}", " ".join(reversed(words))
    if kind == 5:
        word = r.choice(ALL_WORDS)
        return f"Spell the word {word}.", "-".join(word.upper())
    if kind == 6:
        word = r.choice(ALL_WORDS)
        return (
            f"How many letters does the word {word} have?",
            f"{'-'.join(word.upper())}, so {len(word)} letters",
        )
    if kind == 7:
        word = r.choice(list(OPPOSITES))
        pair = (word, OPPOSITES[word]) if r.random() < 0.6 else (OPPOSITES[word], word)
        return f"What is the opposite of {pair[0]}?", pair[1]
    if kind == 8:
        name = r.choice(list(CATEGORY_WORDS))
        word = r.choice(
            CATEGORY_WORDS[name if r.random() < 0.6 else r.choice(list(CATEGORY_WORDS))]
        )
        belongs = word in CATEGORY_WORDS[name]
        return f"Is {word} one of the {name}?", "yes" if belongs else "no"
    (a, b, c), (more, most) = people(r, 3), r.choice(
        (
            ("taller", "tallest"),
            ("older", "oldest"),
            ("faster", "fastest"),
            ("stronger", "strongest"),
        )
    )
    return (
        f"{a} is {more} than {b}. {b} is {more} than {c}. Who is the {most}?",
        f"{a}, because {a} is {more} than {b} and {b} is {more} than {c}",
    )


def puzzle(r):
    """A few puzzles with their answers."""
    pairs = [puzzle_question(r) for _ in range(r.randint(2, 5))]
    head = "".join(f"Task: {q}\nAnswer: {a}.\n" for q, a in pairs[:-1])
    question, answer = pairs[-1]
    return Document("puzzle", f"{head}Task: {question}\nAnswer:", f" {answer}.\n", f" {answer}.\n")
