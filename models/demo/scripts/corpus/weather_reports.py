"""Weather reports: a table and a summary that agrees with it."""

from .country import TOWN_NAMES
from .schedules import long_date, random_date
from .text import Document, in_words, write

SKIES = [
    ("sunny", "☀"),
    ("cloudy", "☁"),
    ("rainy", "☂"),
    ("windy", "~"),
    ("foggy", "="),
    ("snowy", "❄"),
]


def weather(r):
    """A forecast table for some towns, followed by a summary that agrees with it."""
    day = random_date(r)
    cold = day.month in (12, 1, 2)
    towns = r.sample(TOWN_NAMES, r.randint(2, 5))
    rows = []
    for town in towns:
        sky, sign = r.choice(SKIES if cold else SKIES[:5])
        degrees = (
            r.randint(-9, 1) if sky == "snowy" else r.randint(-4, 9) if cold else r.randint(8, 33)
        )
        rows.append((town, sky, sign, degrees, r.randint(2, 60)))
    table = "".join(
        f"{town}: {sign} {sky}, {degrees} °C, wind {wind} km/h\n"
        for town, sky, sign, degrees, wind in rows
    )
    warm, chill = max(rows, key=lambda row: row[3]), min(rows, key=lambda row: row[3])
    summary = write(
        r,
        "[The warmest place is|It is warmest in] {warm} with {w} °C[, and the coldest is|; it is"
        " coldest in] {cold} with {c} °C. ",
        dict(warm=warm[0], w=warm[3], cold=chill[0], c=chill[3]),
    )
    windy = max(rows, key=lambda row: row[4])
    summary += f"The wind is strongest in {windy[0]}, at {windy[4]} km/h. "
    rain = [row[0] for row in rows if row[1] in ("rainy", "snowy")]
    summary += f"Take an umbrella in {in_words(rain)}." if rain else "No umbrella is needed today."
    return Document(
        "weather",
        f"Weather for {long_date(day)}\n{table}Summary:",
        f" {summary}\n",
        (
            f"in {warm[0]} with {warm[3]} °C"
            if "warmest in" in summary
            else f"is {warm[0]} with {warm[3]} °C"
        ),
    )
