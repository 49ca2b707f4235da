"""JSON records and questions on them."""

import json

from .country import TOWN_NAMES
from .names import COLOURS, ITEMS, NAMES, SURNAMES, people, person
from .story_words import ANIMAL_NAMES, SPECIES, TRAITS
from .text import Document, in_words, words_list, write

STREETS = words_list(
    "Maple Street, Hill Road, Station Road, Lake View, Oak Lane, Market Square, Mill Lane, Garden"
    " Street"
)
GENRES = words_list("adventure, history, poetry, mystery, science, travel, cooking, music")
SENSORS = words_list("temperature, humidity, pressure, light, noise, wind")
MATERIALS = words_list("wood, steel, glass, cotton, paper, leather, wool, clay")


def json_record(r):
    """A record of one of six kinds, as (kind, dictionary)."""
    kind = r.choice(("person", "product", "book", "sensor", "order", "pet"))
    if kind == "person":
        first, last = r.choice(NAMES), r.choice(SURNAMES)
        town = r.choice(TOWN_NAMES)
        record = dict(
            name=f"{first} {last}",
            age=r.randint(18, 79),
            city=town,
            street=f"{r.choice(STREETS)} {r.randint(1, 99)}",
            job=r.choice(
                words_list(
                    "baker, teacher, nurse, farmer, driver, painter, engineer, singer, cook, writer"
                )
            ),
            active=r.random() < 0.6,
        )
    elif kind == "product":
        record = dict(
            item=r.choice(ITEMS),
            colour=r.choice(COLOURS),
            price=round(r.randint(100, 9900) / 100, 2),
            stock=r.randint(0, 500),
            material=r.choice(MATERIALS),
            sale=r.random() < 0.6,
        )
    elif kind == "book":
        record = dict(
            title=f"The {r.choice(TRAITS).title()} {r.choice(SPECIES).title()}",
            author=f"{r.choice(NAMES)} {r.choice(SURNAMES)}",
            year=r.randint(1900, 2020),
            pages=r.randint(60, 600),
            genre=r.choice(GENRES),
            available=r.random() < 0.6,
        )
    elif kind == "sensor":
        record = dict(
            sensor=f"{r.choice('ABCDEFGH')}{r.randint(10, 99)}",
            type=r.choice(SENSORS),
            value=round(r.randint(0, 999) / 10, 1),
            room=r.choice(words_list("kitchen, office, hall, garage, cellar, attic")),
            online=r.random() < 0.6,
            errors=r.sample(range(100, 600), r.randint(0, 3)),
        )
    elif kind == "order":
        record = dict(
            id=r.randint(1000, 9999),
            customer=r.choice(NAMES),
            items=[
                dict(name=item, quantity=r.randint(1, 9))
                for item in r.sample(ITEMS, r.randint(1, 3))
            ],
            paid=r.random() < 0.6,
            city=r.choice(TOWN_NAMES),
        )
    else:
        record = dict(
            name=r.choice(ANIMAL_NAMES),
            species=r.choice(SPECIES),
            age=r.randint(1, 15),
            colour=r.choice(COLOURS),
            owner=r.choice(NAMES),
            vaccinated=r.random() < 0.6,
        )
    if r.random() < 0.3:
        keys = list(record)
        r.shuffle(keys)
        record = {key: record[key] for key in keys}
    return kind, record


def spoken(value):
    """A JSON value as it stands in an answer."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if not value:
            return "none"
        return in_words(
            [
                f"{entry['quantity']} x {entry['name']}" if isinstance(entry, dict) else str(entry)
                for entry in value
            ]
        )
    return str(value)


def json_text(r, record):
    """The record, either indented or on one line."""
    return json.dumps(record, indent=2 if r.random() < 0.6 else None, ensure_ascii=False)


def json_lookup(r):
    """A record and questions on its fields."""
    kind, record = json_record(r)
    asked = r.sample(list(record), r.randint(1, 3))
    ask = '[Q: What is the value of "{key}"?|Q: What is the {key} of this {kind}?|Q: {^key}?]'
    pairs = [(write(r, ask, dict(key=key, kind=kind)), spoken(record[key])) for key in asked]
    earlier = "".join(f"{q}\nA: {a}\n" for q, a in pairs[:-1])
    question, answer = pairs[-1]
    return Document(
        "json", f"{json_text(r, record)}\n{earlier}{question}\nA:", f" {answer}\n", f" {answer}\n"
    )


def json_from_text(r):
    """A sentence and the record made from it."""
    name, p = person(r)
    record = dict(
        name=name,
        age=r.randint(5, 90),
        city=r.choice(TOWN_NAMES),
        pet=r.choice(SPECIES),
        colour=r.choice(COLOURS),
    )
    sentence = write(
        r,
        "{name} is {age} years old and lives in {city}. {^he} has {a:pet}, and {his} favourite"
        " colour is {colour}.",
        dict(p, **record),
    )
    answer = json.dumps(record, ensure_ascii=False)
    return Document("json", f"Text: {sentence}\nJSON:", f" {answer}\n", answer)


def json_list(r):
    """Several records of one shape, and how many there are."""
    field, choices = r.choice((("city", TOWN_NAMES[:12]), ("colour", COLOURS), ("pet", SPECIES)))
    n = r.randint(2, 5)
    rows = [
        {"name": name, field: r.choice(choices), "age": age}
        for name, age in zip(people(r, n), r.sample(range(5, 71), n))
    ]
    body = "[\n" + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
    row = r.choice(rows)
    oldest = max(rows, key=lambda entry: entry["age"])
    question, answer = r.choice(
        (
            ("Q: How many records are there?", str(len(rows))),
            (f"Q: What is the {field} of {row['name']}?", str(row[field])),
            (f"Q: How old is {row['name']}?", str(row["age"])),
            ("Q: Who is the oldest?", f"{oldest['name']}, with age {oldest['age']}"),
        )
    )
    return Document("json", f"{body}{question}\nA:", f" {answer}\n", f" {answer}\n")


def json_document(r):
    """One of the three JSON tasks."""
    return r.choice((json_lookup, json_lookup, json_from_text, json_list))(r)
