"""The atlas of the made-up country of Velmora, always the same."""

import random

from .names import MONTHS, NAMES, SURNAMES
from .text import Document, in_words, words_list, write

TOWN_NAMES = words_list(
    "Velmar, Tarnbrook, Quillow, Peskin, Lumbrey, Gavrin, Helmsby, Ivarra, Jorlund, Kestrow,"
    " Marwick, Nettlebay, Oxmoor, Pellan, Ravenglade, Saltmere, Thornquay, Umberlin, Wendale,"
    " Yarrowfen, Zelby, Bramholt, Corvane, Dapplewood"
)
PROVINCES = words_list("Aldera, Brovik, Calmoor, Dunvale, Estwick, Farrow")
RIVERS = words_list("Silda, Orrin, Tamber, Lune, Varga, Mirrel")
PRODUCTS = words_list(
    "cheese, glass, wool, honey, clocks, boats, salt, paper, apples, pottery, violins, bread,"
    " silver, tea, carpets, fish, bells, shoes, candles, wine, knives, marble, hats, baskets"
)
LANDMARKS = words_list(
    "clock tower, stone bridge, old mill, lighthouse, castle, round church, botanical garden, town"
    " wall, great library, market hall, opera house, white tower, windmill, harbour gate, glass"
    " palace, fountain, observatory, cathedral, museum of ships, rope bridge, salt mine, water"
    " wheel, royal stables, iron tower"
)
FESTIVALS = words_list(
    "Lantern, Harvest, Kite, River, Snow, Music, Flower, Cheese, Boat, Star, Apple, Mask, Bell,"
    " Drum, Bread, Sun, Fire, Poetry, Honey, Moon, Wind, Dance, Candle, Story"
)


def _make_country():
    """The fixed facts of every town, keyed by its name."""
    r = random.Random(7)
    products, landmarks, festivals = (
        r.sample(names, len(names)) for names in (PRODUCTS, LANDMARKS, FESTIVALS)
    )
    country = {}
    for i, town in enumerate(TOWN_NAMES):
        province = i % 6
        country[town] = dict(
            town=town,
            province=PROVINCES[province],
            river=RIVERS[province if r.random() < 0.7 else r.randrange(6)],
            population=(r.randint(3, 98) if i else 412) * 1000,
            founded=r.randint(1105, 1890),
            product=products[i],
            landmark=landmarks[i],
            festival=festivals[i] + " Festival",
            month=r.choice(MONTHS),
            mayor=f"{r.choice(NAMES)} {SURNAMES[i % len(SURNAMES)]}",
        )
    return country


COUNTRY = _make_country()
FACT_QUESTIONS = [
    (
        "[In which province is {town}|Which province is {town} in]?",
        "{town} is in the province of {province}.",
        "province",
    ),
    ("Which river flows through {town}?", "The river {river} flows through {town}.", "river"),
    (
        "[How many people live in|What is the population of] {town}?",
        "About {people} people live in {town}.",
        "people",
    ),
    ("When was {town} founded?", "{town} was founded in {founded}.", "founded"),
    ("What is {town} known for?", "{town} is known for its {product}.", "product"),
    (
        "What can [visitors|you] see in {town}?",
        "Visitors can see the {landmark} in {town}.",
        "landmark",
    ),
    ("When is the {festival} in {town}?", "The {festival} in {town} is in {month}.", "month"),
    (
        "Which festival is held in {town}?",
        "The {festival} is held in {town} every {month}.",
        "festival",
    ),
    ("Who is the mayor of {town}?", "The mayor of {town} is {mayor}.", "mayor"),
    ("Which town [is known for|makes] {product}?", "{town} is known for its {product}.", "town"),
    ("Where is the {landmark}?", "The {landmark} is in {town}.", "town"),
]


def facts(town):
    """The facts of one town, with its population written out."""
    return dict(COUNTRY[town], people=f"{COUNTRY[town]['population']:,}")


def atlas_question(r):
    """(question, answer, key word) about Velmora."""
    kind = r.random()
    if kind < 0.8:
        w = facts(r.choice(TOWN_NAMES))
        question, answer, key = r.choice(FACT_QUESTIONS)
        return write(r, question, w), write(r, answer, w), str(w[key])
    if kind < 0.9:
        a, b = r.sample(TOWN_NAMES, 2)
        field, ask, tell = r.choice(
            (
                ("population", "larger", "has more people than"),
                ("founded", "older", "is older than"),
            )
        )
        first = (COUNTRY[a][field] > COUNTRY[b][field]) == (field == "population")
        winner, loser = (a, b) if first else (b, a)
        return f"Which town is {ask}, {a} or {b}?", f"{winner} {tell} {loser}.", f"{winner} {tell}"
    if kind < 0.95:
        return (
            write(r, "What is the capital of Velmora?"),
            "The capital of Velmora is Velmar.",
            "Velmar",
        )
    province = r.choice(PROVINCES)
    towns = in_words([t for t in TOWN_NAMES if COUNTRY[t]["province"] == province])
    return f"Which towns are in {province}?", f"The towns of {province} are {towns}.", towns


ATLAS_SENTENCES = [
    "{^it} was founded in {founded}.",
    "About {people} people live [there|in {town}].",
    "The river {river} flows through [it|the town|{town}].",
    "{^it} is known for its {product}.",
    "[Many visitors|Visitors] come to see the {landmark}.",
    "Every {month}, the {festival} [is held there|takes place].",
    "The mayor is {mayor}.",
]


def town_paragraph(r, town):
    """An encyclopedia-like paragraph on one town."""
    w = dict(facts(town), it="the town")
    first = (
        "{town} is [the capital of Velmora. It lies in the province of {province}.|the capital and"
        " largest city of Velmora, in the province of {province}.]"
        if town == "Velmar"
        else (
            "{town} is a town in [the province of {province}, in Velmora|{province}, a province of"
            " Velmora]."
        )
    )
    return " ".join(
        write(r, sentence, w) for sentence in [first] + r.sample(ATLAS_SENTENCES, r.randint(3, 7))
    )


def atlas(r):
    """A paragraph on a town, or a run of questions and answers."""
    if r.random() < 0.45:
        town = r.choice(TOWN_NAMES)
        text = town_paragraph(r, town)
        return Document("atlas", town, text[len(town) :] + "\n")
    pairs = [atlas_question(r) for _ in range(r.randint(2, 6))]
    head = "".join(f"Q: {q}\nA: {a}\n" for q, a, _ in pairs[:-1])
    question, answer, key = pairs[-1]
    return Document("atlas", f"{head}Q: {question}\nA:", f" {answer}\n", key)
