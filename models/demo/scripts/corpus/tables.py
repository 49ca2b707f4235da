"""Bills, Markdown tables and comma-separated rows."""

from .country import TOWN_NAMES
from .names import ITEMS, NAMES, SURNAMES, people
from .text import Document, counted


def bill(r):
    """A bill whose lines and total are right."""
    lines, total = [], 0
    for item in r.sample(ITEMS, r.randint(2, 4)):
        n, price = r.randint(1, 9), r.randint(1, 9)
        total += n * price
        lines.append(f"{counted(n, item)} at {price} = {n * price}\n")
    paid = next(p for p in (20, 50, 100, 200, 500) if p >= total)
    body = (
        f"Bill no. {r.randint(100, 999)} for {r.choice(NAMES)}"
        f" {r.choice(SURNAMES)}\n{''.join(lines)}Total:"
    )
    return Document(
        "table", body, f" {total}\nPaid: {paid}\nChange: {paid - total}\n", f" {total}\n"
    )


def markdown_table(r):
    """A Markdown table of sales and a question on it."""
    columns = r.sample(("Mon", "Tue", "Wed", "Thu", "Fri"), 3)
    columns.sort(key=("Mon", "Tue", "Wed", "Thu", "Fri").index)
    items = r.sample(ITEMS, r.randint(2, 4))
    cells = {item: [r.randint(1, 30) for _ in columns] for item in items}
    head = "| item | " + " | ".join(columns) + " |\n|" + "---|" * 4 + "\n"
    body = "".join(f"| {item} | " + " | ".join(map(str, cells[item])) + " |\n" for item in items)
    item, column = r.choice(items), r.randrange(3)
    best = max(items, key=lambda name: cells[name][column])
    a, b, c = cells[item]
    question, answer = r.choice(
        (
            (f"How many of {item} on {columns[column]}?", str(cells[item][column])),
            (f"What is the total of {item}?", f"{a} + {b} = {a + b}. {a + b} + {c} = {a + b + c}"),
            (f"Which item sold most on {columns[column]}?", f"{best}, with {cells[best][column]}"),
        )
    )
    return Document("table", f"{head}{body}\nQ: {question}\nA:", f" {answer}\n", f" {answer}\n")


def csv_table(r):
    """Comma-separated rows and the same rows as sentences."""
    rows = [(name, r.choice(TOWN_NAMES), r.randint(20, 70)) for name in people(r, r.randint(2, 4))]
    lines = "".join(f"{name},{town},{age}\n" for name, town, age in rows)
    text = "".join(f"{name} is {age} and lives in {town}.\n" for name, town, age in rows)
    return Document("table", f"name,town,age\n{lines}\nIn words:\n", text, text)


def table(r):
    """One of the table documents."""
    return r.choice((bill, markdown_table, csv_table))(r)
