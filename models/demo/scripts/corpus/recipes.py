"""Recipes, shopping lists and packing lists."""

from .text import Document, in_words, words_list, write

DISHES = {
    "vegetable soup": (
        "pot",
        [("carrots", 3), ("potatoes", 4), ("onion", 1), ("leeks", 2), ("cups of water", 6)],
        [
            "Peel and chop the {0} and {1}.",
            "Cut the {2} and {3} into rings.",
            "Put everything in a large pot with the water.",
            "Cook for {t} minutes until soft.",
            "Add salt and serve hot.",
        ],
        30,
    ),
    "pancakes": (
        "pan",
        [
            ("cups of flour", 2),
            ("eggs", 2),
            ("cups of milk", 2),
            ("spoon of sugar", 1),
            ("spoon of butter", 1),
        ],
        [
            "Mix the flour and sugar in a bowl.",
            "Add the eggs and the milk and stir well.",
            "Melt the butter in a hot pan.",
            "Pour in a little batter and fry for {t} minutes on each side.",
            "Serve with jam or honey.",
        ],
        2,
    ),
    "apple cake": (
        "oven",
        [
            ("apples", 4),
            ("cups of flour", 3),
            ("eggs", 3),
            ("cup of sugar", 1),
            ("spoons of baking powder", 2),
        ],
        [
            "Peel the apples and cut them into slices.",
            "Beat the eggs with the sugar.",
            "Add the flour and the baking powder.",
            "Fold in the apples and pour the batter into a tin.",
            "Bake for {t} minutes until golden.",
        ],
        45,
    ),
    "tomato salad": (
        "bowl",
        [
            ("tomatoes", 5),
            ("onion", 1),
            ("spoons of oil", 3),
            ("spoon of vinegar", 1),
            ("basil leaves", 6),
        ],
        [
            "Wash the tomatoes and cut them into pieces.",
            "Chop the onion very fine.",
            "Mix the oil and the vinegar with a little salt.",
            "Pour the dressing over the tomatoes.",
            "Let it rest for {t} minutes and add the basil.",
        ],
        10,
    ),
    "oat cookies": (
        "oven",
        [
            ("cups of oats", 3),
            ("cup of butter", 1),
            ("cups of sugar", 1),
            ("eggs", 2),
            ("cup of raisins", 1),
        ],
        [
            "Stir the butter and sugar until soft.",
            "Add the eggs one by one.",
            "Mix in the oats and the raisins.",
            "Drop small spoons of dough onto a tray.",
            "Bake for {t} minutes and let them cool.",
        ],
        12,
    ),
    "fried rice": (
        "pan",
        [
            ("cups of cooked rice", 3),
            ("eggs", 2),
            ("carrot", 1),
            ("spoons of oil", 2),
            ("spring onions", 3),
        ],
        [
            "Cut the carrot and the spring onions into small pieces.",
            "Heat the oil in a pan and fry the carrot.",
            "Push it aside and scramble the eggs.",
            "Add the rice and fry for {t} minutes.",
            "Finish with the spring onions.",
        ],
        5,
    ),
    "lentil stew": (
        "pot",
        [
            ("cups of lentils", 2),
            ("carrots", 2),
            ("onion", 1),
            ("cloves of garlic", 2),
            ("cups of water", 5),
        ],
        [
            "Chop the onion, the garlic and the carrots.",
            "Fry them in a little oil.",
            "Add the lentils and the water.",
            "Cook for {t} minutes and stir now and then.",
            "Add salt and pepper to taste.",
        ],
        35,
    ),
    "lemonade": (
        "jug",
        [("lemons", 5), ("cups of water", 6), ("cup of sugar", 1), ("mint leaves", 8)],
        [
            "Squeeze the lemons.",
            "Stir the sugar into a cup of warm water.",
            "Mix everything in a big jug.",
            "Cool it for {t} minutes and add the mint.",
        ],
        30,
    ),
    "bread": (
        "oven",
        [
            ("cups of flour", 4),
            ("spoon of yeast", 1),
            ("spoon of salt", 1),
            ("cups of warm water", 2),
        ],
        [
            "Mix the flour, the yeast and the salt.",
            "Add the water and knead for ten minutes.",
            "Cover the dough and let it rise for one hour.",
            "Shape a loaf.",
            "Bake for {t} minutes until brown.",
        ],
        40,
    ),
    "omelette": (
        "pan",
        [("eggs", 3), ("spoon of milk", 1), ("spoon of butter", 1), ("slice of cheese", 1)],
        [
            "Beat the eggs with the milk.",
            "Melt the butter in a pan.",
            "Pour in the eggs and cook for {t} minutes.",
            "Lay the cheese on top and fold it over.",
        ],
        4,
    ),
    "fruit salad": (
        "bowl",
        [
            ("apples", 2),
            ("bananas", 2),
            ("oranges", 2),
            ("cup of grapes", 1),
            ("spoon of honey", 1),
        ],
        [
            "Peel the oranges and the bananas.",
            "Cut all the fruit into small pieces.",
            "Mix the fruit with the honey in a bowl.",
            "Cool it for {t} minutes before serving.",
        ],
        20,
    ),
    "mushroom pasta": (
        "pot",
        [
            ("cups of pasta", 4),
            ("cups of mushrooms", 2),
            ("clove of garlic", 1),
            ("cup of cream", 1),
        ],
        [
            "Boil the pasta in salted water for {t} minutes.",
            "Slice the mushrooms and chop the garlic.",
            "Fry them in a little butter.",
            "Add the cream and stir in the pasta.",
        ],
        9,
    ),
}
PACKING = {
    "a trip to the beach": (
        "towel, sun hat, sunscreen, swimsuit, water bottle, book, sandals, umbrella"
    ),
    "a walk in the mountains": (
        "map, boots, rain jacket, water bottle, sandwiches, warm socks, compass, torch"
    ),
    "the first day of school": (
        "pencils, notebook, ruler, lunch box, water bottle, crayons, eraser, timetable"
    ),
    "a camping weekend": "tent, sleeping bag, torch, matches, cooking pot, rope, map, rain jacket",
    "a picnic": "blanket, bread, cheese, apples, cups, lemonade, napkins, cake",
    "a birthday party": "balloons, candles, cake, paper cups, music, games, presents, napkins",
}


def recipe_text(r, dish, serves=None):
    """Ingredients and numbered steps of one dish, scaled to the number of people."""
    vessel, ingredients, steps, minutes = DISHES[dish]
    scale = {2: 1, 4: 2, 6: 3}[serves or 2]
    lines = ""
    for noun, amount in ingredients:
        single = amount * scale == 1 or noun.split()[0].endswith("s")
        lines += f"- {amount * scale} {noun if single else plural_measure(noun)}\n"
    names = [noun for noun, _ in ingredients]
    method = "".join(f"{n}. {step.format(*names, t=minutes)}\n" for n, step in enumerate(steps, 1))
    return f"Ingredients:\n{lines}\nSteps:\n{method}"


def plural_measure(noun):
    """'spoon of sugar' -> 'spoons of sugar'."""
    head, _, rest = noun.partition(" of ")
    head = head if head.endswith("s") else head + "s"
    return f"{head} of {rest}" if rest else head


def recipe(r):
    """A recipe, a shopping list made from one, or a packing list."""
    dish = r.choice(list(DISHES))
    kind = r.random()
    serves = r.choice((2, 4, 6))
    if kind < 0.6:
        intro = write(
            r,
            "[|A simple dish for every day.\n|Easy and quick to make.\n|A favourite of the whole"
            " family.\n]",
            {},
        )
        return Document(
            "recipe",
            f"Recipe: {dish}\nServes: {serves}\n",
            f"{intro}\n{recipe_text(r, dish, serves)}",
        )
    if kind < 0.8:
        dishes = r.sample(list(DISHES), r.randint(1, 3))
        lines = "".join(
            f"- {noun}\n"
            for noun in sorted({noun.split(" of ")[-1] for d in dishes for noun, _ in DISHES[d][1]})
        )
        return Document("recipe", f"Shopping list for {in_words(dishes)}\n", lines)
    trip = r.choice(list(PACKING))
    things = words_list(PACKING[trip])
    lines = "".join(
        f"{n}. {thing}\n" for n, thing in enumerate(r.sample(things, r.randint(4, len(things))), 1)
    )
    return Document("recipe", f"What to bring for {trip}:\n", lines + "\nHave fun!\n")
