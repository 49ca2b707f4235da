"""Notes and questions on animals."""

from .text import Document, with_article, write

# name: (class, number of legs, cover, food, habitat, young, ability)
ANIMALS = {
    "cat": (
        "mammal",
        4,
        "fur",
        "mice and fish",
        "houses and farms",
        "kitten",
        "see well in the dark",
    ),
    "dog": ("mammal", 4, "fur", "meat", "houses and farms", "puppy", "smell things from far away"),
    "cow": ("mammal", 4, "short hair", "grass", "farms", "calf", "give milk"),
    "horse": ("mammal", 4, "short hair", "grass and oats", "farms", "foal", "run very fast"),
    "sheep": ("mammal", 4, "wool", "grass", "hills and farms", "lamb", "give wool"),
    "goat": (
        "mammal",
        4,
        "hair",
        "leaves and grass",
        "hills and farms",
        "kid",
        "climb steep rocks",
    ),
    "bear": (
        "mammal",
        4,
        "thick fur",
        "berries, fish and honey",
        "forests",
        "cub",
        "sleep through the winter",
    ),
    "fox": (
        "mammal",
        4,
        "red fur",
        "mice and berries",
        "forests and fields",
        "cub",
        "hear very quiet sounds",
    ),
    "lion": ("mammal", 4, "fur", "meat", "dry grassland", "cub", "roar very loudly"),
    "elephant": (
        "mammal",
        4,
        "grey skin",
        "leaves and bark",
        "grassland and forests",
        "calf",
        "drink with its trunk",
    ),
    "rabbit": ("mammal", 4, "soft fur", "grass and carrots", "fields", "kit", "dig long tunnels"),
    "hedgehog": (
        "mammal",
        4,
        "spines",
        "insects and worms",
        "gardens and woods",
        "hoglet",
        "roll into a ball",
    ),
    "bat": ("mammal", 2, "fur", "insects", "caves and old towers", "pup", "find its way by sound"),
    "whale": (
        "mammal",
        0,
        "smooth skin",
        "small sea animals",
        "the sea",
        "calf",
        "stay under water for a long time",
    ),
    "duck": (
        "bird",
        2,
        "feathers",
        "water plants and seeds",
        "ponds and rivers",
        "duckling",
        "swim and fly",
    ),
    "owl": ("bird", 2, "feathers", "mice", "forests", "owlet", "fly without a sound"),
    "hen": ("bird", 2, "feathers", "corn and seeds", "farms", "chick", "lay eggs"),
    "eagle": (
        "bird",
        2,
        "feathers",
        "fish and small animals",
        "mountains",
        "eaglet",
        "see very far",
    ),
    "penguin": ("bird", 2, "feathers", "fish", "cold coasts", "chick", "swim but not fly"),
    "swan": (
        "bird",
        2,
        "white feathers",
        "water plants",
        "lakes and rivers",
        "cygnet",
        "fly long distances",
    ),
    "frog": ("amphibian", 4, "wet skin", "insects", "ponds", "tadpole", "jump far"),
    "snake": (
        "reptile",
        0,
        "scales",
        "mice and eggs",
        "dry and warm places",
        "hatchling",
        "swallow large food whole",
    ),
    "turtle": (
        "reptile",
        4,
        "a hard shell",
        "plants and small animals",
        "ponds and the sea",
        "hatchling",
        "hide in its shell",
    ),
    "crocodile": (
        "reptile",
        4,
        "hard scales",
        "fish and other animals",
        "warm rivers",
        "hatchling",
        "wait very still under water",
    ),
    "shark": ("fish", 0, "rough skin", "fish", "the sea", "pup", "smell food from far away"),
    "salmon": (
        "fish",
        0,
        "scales",
        "insects and small fish",
        "rivers and the sea",
        "fry",
        "jump up waterfalls",
    ),
    "bee": ("insect", 6, "small hairs", "nectar from flowers", "hives", "larva", "make honey"),
    "ant": (
        "insect",
        6,
        "a hard shell",
        "seeds and sweet things",
        "ant hills",
        "larva",
        "carry heavy loads",
    ),
    "butterfly": (
        "insect",
        6,
        "coloured scales",
        "nectar from flowers",
        "meadows and gardens",
        "caterpillar",
        "taste with its feet",
    ),
    "spider": (
        "arachnid",
        8,
        "small hairs",
        "insects",
        "webs and dark corners",
        "spiderling",
        "spin a web",
    ),
}
NATURE_SENTENCES = [
    "It [has|walks on] {legs} legs.",
    "Its body is covered with {cover}.",
    "It eats {food}.",
    "[It lives in|You can find it in] {habitat}.",
    "A young {name} is called {a:young}.",
    "[{^art} {name} can|It can] {ability}.",
]
NATURE_QUESTIONS = [
    ("What does {a:name} eat?", "{^art} {name} eats {food}.", "food"),
    ("Where does {a:name} live?", "{^art} {name} lives in {habitat}.", "habitat"),
    ("How many legs does {a:name} have?", "{^art} {name} has {legs} legs.", "legs"),
    ("What is a young {name} called?", "A young {name} is called {a:young}.", "young"),
    ("What kind of animal is {a:name}?", "{^art} {name} is {a:group}.", "group"),
    ("What can {a:name} do?", "{^art} {name} can {ability}.", "ability"),
    ("What is {a:name} covered with?", "{^art} {name} is covered with {cover}.", "cover"),
]


def animal_words(name):
    """The facts of one animal by name."""
    group, legs, cover, food, habitat, young, ability = ANIMALS[name]
    return dict(
        name=name,
        art=with_article(name).split()[0],
        group=group,
        legs=legs or "no",
        cover=cover,
        food=food,
        habitat=habitat,
        young=young,
        ability=ability,
    )


def nature_question(r):
    """(question, answer, key word) about one animal."""
    w = animal_words(r.choice(list(ANIMALS)))
    question, answer, key = r.choice(NATURE_QUESTIONS)
    return write(r, question, w), write(r, answer, w), str(w[key])


def animal_paragraph(r, name):
    """A few true sentences on one animal."""
    w = animal_words(name)
    sentences = [s for s in NATURE_SENTENCES if w["legs"] != "no" or "legs" not in s]
    return " ".join(
        write(r, s, w)
        for s in ["[{^art} {name} is {a:group}.|The {name} is {a:group}.]"]
        + r.sample(sentences, r.randint(3, len(sentences)))
    )


def nature(r):
    """A note on one animal, a comparison of two, or questions and answers."""
    kind = r.random()
    if kind < 0.4:
        name = r.choice(list(ANIMALS))
        return Document("nature", f"# The {name}\n\n", animal_paragraph(r, name) + "\n")
    if kind < 0.6:
        a, b = (animal_words(n) for n in r.sample(list(ANIMALS), 2))
        same = (
            f"Both are {a['group']}s."
            if a["group"] == b["group"] and a["group"] != "fish"
            else (
                f"The {a['name']} is {with_article(a['group'])}, and the {b['name']} is"
                f" {with_article(b['group'])}."
            )
        )
        text = (
            f" {same} The {a['name']} eats {a['food']}, but the {b['name']} eats {b['food']}. The"
            f" {a['name']} lives in {a['habitat']}, and the {b['name']} lives in {b['habitat']}.\n"
        )
        return Document("nature", f"Compare the {a['name']} and the {b['name']}.\n", text.lstrip())
    pairs = [nature_question(r) for _ in range(r.randint(2, 5))]
    head = "".join(f"{q}\n- {a}\n" for q, a, _ in pairs[:-1])
    return Document("nature", f"{head}{pairs[-1][0]}\n-", f" {pairs[-1][1]}\n", pairs[-1][2])
