"""Dates, timetables and calendars."""

import datetime

from .country import TOWN_NAMES
from .names import DAYS, MONTHS
from .text import Document, counted, in_words, words_list

ACTIVITIES = words_list(
    "maths, music, swimming, history, football, painting, English, science, drama, chess, dance,"
    " geography, gardening, choir"
)
EVENTS = words_list(
    "dentist, team meeting, piano lesson, school concert, birthday party, bus trip, book club, car"
    " service, job interview, football match, cooking class, doctor"
)


def clock(minutes):
    """Minutes since midnight as hh:mm."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def duration(minutes):
    """Minutes as '1 hour and 5 minutes'."""
    hours, rest = divmod(minutes, 60)
    return " and ".join(
        part
        for part in (
            counted(hours, "hour") if hours else "",
            counted(rest, "minute") if rest or not hours else "",
        )
        if part
    )


def random_date(r):
    """A day of the ten years from 2020 on."""
    return datetime.date(2020, 1, 1) + datetime.timedelta(days=r.randrange(3650))


def long_date(day):
    """'Friday, 3 May 2024'."""
    return f"{DAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def day_question(r):
    """Counting days of the week or of the calendar: (question, answer)."""
    kind = r.randrange(4)
    if kind == 0:
        today, n = r.randrange(7), r.randint(1, 14)
        then = DAYS[(today + n) % 7]
        extra = f" {n} days is one week and {counted(n - 7, 'day')}." if 7 < n < 14 else ""
        return (
            f"If today is {DAYS[today]}, what day is it in {counted(n, 'day')}?",
            f"{DAYS[today]} plus {counted(n, 'day')} is {then}.{extra}",
        )
    if kind == 1:
        day = r.randrange(7)
        step, word = r.choice(((1, "after"), (-1, "before")))
        return (
            f"Which day comes {word} {DAYS[day]}?",
            f"{DAYS[(day + step) % 7]} comes {word} {DAYS[day]}.",
        )
    if kind == 2:
        month = r.randrange(12)
        step, word = r.choice(((1, "after"), (-1, "before")))
        return (
            f"Which month comes {word} {MONTHS[month]}?",
            f"{MONTHS[(month + step) % 12]} comes {word} {MONTHS[month]}.",
        )
    month = r.randrange(12)
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return f"How many days does {MONTHS[month]} have?", (
        f"{MONTHS[month]} has {days} days."
        if month != 1
        else "February has 28 days, or 29 in a leap year."
    )


def timetable(r):
    """A week's lessons and a question on them."""
    days = [d for d in range(5) if r.random() < 0.7] or [0, 2]
    rows, lines = [], []
    for d in days:
        start = 480 + 30 * r.randrange(3)
        for subject in r.sample(ACTIVITIES, r.randint(1, 3)):
            rows.append((DAYS[d], start, subject))
            lines.append(f"{DAYS[d]} {clock(start)} {subject}\n")
            start += 60 + 30 * r.randrange(3)
    day, start, subject = r.choice(rows)
    on_day = [row[2] for row in rows if row[0] == day]
    when = in_words([f"{d} at {clock(s)}" for d, s, name in rows if name == subject])
    question, answer = r.choice(
        (
            (f"When is {subject}?", f"{subject[0].upper() + subject[1:]} is on {when}."),
            (f"What is there on {day}?", f"On {day} there is {in_words(on_day)}."),
            (
                f"How many lessons are there on {day}?",
                (
                    f"There {'is' if len(on_day) == 1 else 'are'} {counted(len(on_day), 'lesson')}"
                    f" on {day}."
                ),
            ),
        )
    )
    return Document(
        "schedule",
        f"Timetable\n{''.join(lines)}\nQuestion: {question}\nAnswer:",
        f" {answer}\n",
        answer,
    )


def train_plan(r):
    """Departures with times; how long does a journey take?"""
    a, b = r.sample(TOWN_NAMES, 2)
    rows, at = [], r.randrange(300, 600, 5)
    length = r.randrange(20, 180, 5)
    for _ in range(r.randint(2, 4)):
        rows.append((at, at + length))
        at += r.choice((30, 60, 90, 120))
    table = "".join(f"{clock(leave)} -> {clock(arrive)}\n" for leave, arrive in rows)
    leave, arrive = r.choice(rows)
    question, answer = r.choice(
        (
            (
                f"The train leaves {a} at {clock(leave)}. When does it arrive in {b}?",
                f"It arrives in {b} at {clock(arrive)}.",
            ),
            ("How long is the journey?", f"The journey takes {duration(length)}."),
            (
                f"When does the last train leave {a}?",
                f"The last train leaves {a} at {clock(rows[-1][0])}.",
            ),
        )
    )
    return Document(
        "schedule",
        f"Trains from {a} to {b}\n{table}\nQuestion: {question}\nAnswer:",
        f" {answer}\n",
        answer,
    )


def calendar(r):
    """Appointments on real dates, in order."""
    day = random_date(r)
    lines = []
    for event in r.sample(EVENTS, r.randint(2, 5)):
        lines.append(
            f"{day.isoformat()} ({DAYS[day.weekday()][:3]}) {clock(r.randrange(480, 1200, 30))}"
            f" {event}\n"
        )
        day += datetime.timedelta(days=r.randint(1, 6))
    asked = random_date(r)
    note = (
        f"Note written on {long_date(asked)}. The day after is"
        f" {long_date(asked + datetime.timedelta(days=1))}.\n"
    )
    return Document(
        "schedule", "Calendar\n" + lines[0], "".join(lines[1:]) + (note if r.random() < 0.6 else "")
    )


def schedule(r):
    """One of the schedule documents, or a few questions on days and months."""
    if r.random() < 0.75:
        return r.choice((timetable, train_plan, calendar))(r)
    pairs = [day_question(r) for _ in range(r.randint(2, 4))]
    head = "".join(f"Question: {q}\nAnswer: {a}\n" for q, a in pairs[:-1])
    return Document(
        "schedule", f"{head}Question: {pairs[-1][0]}\nAnswer:", f" {pairs[-1][1]}\n", pairs[-1][1]
    )
