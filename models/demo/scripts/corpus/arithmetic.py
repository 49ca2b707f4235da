"""Arithmetic: word problems and sheets of sums, with worked steps."""

from .names import ITEMS, NAMES, person
from .text import Document, counted, write


def addition_steps(a, b):
    """Column addition of two numbers below 100, in words."""
    ones, tens = a % 10 + b % 10, a // 10 + b // 10
    if ones < 10:
        return (
            f"Ones: {a % 10} + {b % 10} = {ones}. Tens: {a // 10} + {b // 10} = {tens}. So {a} +"
            f" {b} = {a + b}."
        )
    return (
        f"Ones: {a % 10} + {b % 10} = {ones}, carry 1. Tens: {a // 10} + {b // 10} + 1 ="
        f" {tens + 1}. So {a} + {b} = {a + b}."
    )


def subtraction_steps(a, b):
    """Takes `b` from `a` (a >= b) by way of the tens."""
    tens, ones = b // 10 * 10, b % 10
    if tens == 0 or ones == 0:
        return f"{a} - {b} = {a - b}."
    return f"{a} - {tens} = {a - tens}. {a - tens} - {ones} = {a - b}. So {a} - {b} = {a - b}."


def sum_question(r):
    """A bare sum with its worked answer: (question, answer, result)."""
    kind = r.randrange(4)
    if kind == 0:
        a, b = r.randint(2, 99), r.randint(2, 99)
        return f"{a} + {b}", addition_steps(a, b), a + b
    if kind == 1:
        a, b = sorted((r.randint(2, 99), r.randint(2, 99)), reverse=True)
        return f"{a} - {b}", subtraction_steps(a, b), a - b
    a, b = r.randint(2, 12), r.randint(2, 12)
    if kind == 2:
        return f"{a} * {b}", f"{a} * {b} = {a * b}.", a * b
    return f"{a * b} / {a}", f"{a} * {b} = {a * b}, so {a * b} / {a} = {b}.", b


def word_problem(r):
    """(question, worked steps, answer with its unit)."""
    name, p = person(r)
    item = r.choice(ITEMS)
    w = dict(
        p,
        name=name,
        other=r.choice([n for n in NAMES if n != name]),
        item=item,
        items=counted(2, item)[2:],
    )
    kind = r.randrange(9)
    if kind == 0:
        a, b = r.randint(3, 60), r.randint(2, 39)
        w.update(a=a, b=counted(b, item))
        ask = (
            "{name} has {a} {items}. {other} gives {him} {b} more. How many {items} does {name}"
            " have now?"
        )
        return (
            write(r, ask, w),
            f"Start with {a} and add {b}. {addition_steps(a, b)}",
            counted(a + b, item),
        )
    if kind == 1:
        a = r.randint(12, 80)
        b = r.randint(2, a - 2)
        w.update(a=a, b=b)
        ask = (
            "{name} had {a} {items}. {^he} [gave {b} of them to {other}|lost {b} of them|sold {b}"
            " of them]. How many {items} [are left|does {name} have left]?"
        )
        return (
            write(r, ask, w),
            f"Start with {a} and take away {b}. {subtraction_steps(a, b)}",
            counted(a - b, item),
        )
    if kind == 2:
        a, b = r.randint(2, 12), r.randint(2, 12)
        w.update(a=a, b=b)
        ask = (
            "There are {a} [boxes|bags|baskets] with {b} {items} in each. How many {items} are"
            " there in all?"
        )
        return write(r, ask, w), f"Multiply {a} by {b}. {a} * {b} = {a * b}.", counted(a * b, item)
    if kind == 3:
        a, b = r.randint(2, 12), r.randint(2, 12)
        w.update(a=a, total=a * b)
        ask = (
            "{name} shares {total} {items} equally among {a} friends. How many {items} does each"
            " friend get?"
        )
        return (
            write(r, ask, w),
            f"Divide {a * b} by {a}. {a} * {b} = {a * b}, so {a * b} / {a} = {b}.",
            counted(b, item),
        )
    if kind == 4:
        n, price = r.randint(2, 9), r.randint(2, 9)
        paid = r.choice([p for p in (20, 50, 100) if p >= n * price])
        w.update(n=n, price=price, paid=paid)
        ask = (
            "One {item} costs {price} coins. {name} buys {n} {items} and pays with {paid} coins."
            " How much change does {he} get?"
        )
        return (
            write(r, ask, w),
            (
                f"The {w['items']} cost {n} * {price} = {n * price} coins. The change is {paid} -"
                f" {n * price} = {paid - n * price}."
            ),
            counted(paid - n * price, "coin"),
        )
    if kind == 5:
        speed, hours = r.choice((4, 5, 6, 10, 20, 30, 40, 50, 60)), r.randint(2, 8)
        w.update(speed=speed, hours=hours)
        ask = (
            "[A train|A bus|A boat|{name}] travels at {speed} kilometres per hour for {hours}"
            " hours. How far is that?"
        )
        return (
            write(r, ask, w),
            f"Distance is speed times time. {speed} * {hours} = {speed * hours}.",
            counted(speed * hours, "kilometre"),
        )
    if kind == 6:
        long, short = sorted((r.randint(2, 12), r.randint(2, 12)), reverse=True)
        thing = r.choice(("garden", "field", "room", "carpet", "table"))
        if r.random() < 0.6:
            return (
                (
                    f"A {thing} is {counted(long, 'metre')} long and {counted(short, 'metre')}"
                    " wide. What is its area?"
                ),
                f"Area is length times width. {long} * {short} = {long * short}.",
                counted(long * short, "square metre"),
            )
        return (
            (
                f"A {thing} is {counted(long, 'metre')} long and {counted(short, 'metre')} wide."
                " How long is the way around it?"
            ),
            (
                f"Add the sides: {long} + {short} = {long + short}. Double it: 2 * {long + short} ="
                f" {2 * (long + short)}."
            ),
            counted(2 * (long + short), "metre"),
        )
    if kind == 7:
        a, more, factor = r.randint(2, 20), r.randint(2, 9), r.randint(2, 4)
        w.update(a=a, more=more, factor=("twice", "three times", "four times")[factor - 2])
        ask = (
            "{name} has {a} {items}. {other} has {factor} as many. Then {other} finds {more} more."
            " How many {items} does {other} have?"
        )
        return (
            write(r, ask, w),
            (
                f"First: {factor} * {a} = {factor * a}. Then: {factor * a} + {more} ="
                f" {factor * a + more}."
            ),
            counted(factor * a + more, item),
        )
    a, b, c = r.randint(2, 30), r.randint(2, 30), r.randint(2, 30)
    w.update(a=a, b=b, c=c)
    ask = (
        "{name} [found|picked|collected] {a} {items} on Monday, {b} on Tuesday and {c} on"
        " Wednesday. How many is that in total?"
    )
    return (
        write(r, ask, w),
        f"Add step by step: {a} + {b} = {a + b}. {a + b} + {c} = {a + b + c}.",
        counted(a + b + c, item),
    )


def maths(r):
    """A word problem, or a short sheet of sums, with worked steps."""
    if r.random() < 0.7:
        question, steps, answer = word_problem(r)
        return Document(
            "maths",
            f"Problem: {question}\nSolution:",
            f" {steps}\nAnswer: {answer}.\n",
            f"Answer: {answer}.",
        )
    lines, result = [], None
    for n in range(r.randint(2, 5)):
        question, steps, result = sum_question(r)
        lines.append(f"{n + 1}. {question} = ?\n   {steps}\n")
    sheet = "".join(lines)
    cut = sheet.rindex(" = ?\n   ") + len(" = ?\n  ")
    return Document("maths", "Sums\n" + sheet[:cut], sheet[cut:], f"= {result}.")
