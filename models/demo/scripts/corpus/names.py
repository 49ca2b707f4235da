"""Word lists that several domains share, and people drawn from them."""

from .text import words_list

GIRLS = words_list(
    "Mia, Lily, Anna, Nora, Zoë, Ella, Ruby, Ivy, Clara, Rosa, Tara, Maya, Hana, Lucy, Amina,"
    " Greta, Elsa, Nina, Vera, Iris, Daisy, June, Alma, Freya"
)
BOYS = words_list(
    "Tom, Ben, Sam, Leo, Max, Finn, Hugo, Omar, Jack, Noah, Oscar, Ravi, Paul, Theo, Adam, Felix,"
    " Ivan, Kofi, Luca, Emil, Jonas, André, Peter, Otto"
)
SURNAMES = words_list(
    "Hale, Brook, Winter, Marsh, Stone, Field, Carter, Lind, Moss, Porter, Reed, Vale, Archer,"
    " Penn, Quist, Rowan, Sand, Thorne, Wick, Yates"
)
COLOURS = words_list(
    "red, blue, green, yellow, orange, purple, white, brown, silver, golden, pink, striped"
)
DAYS = words_list("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
MONTHS = words_list(
    "January, February, March, April, May, June, July, August, September, October, November,"
    " December"
)
ITEMS = words_list(
    "apple, pear, pencil, marble, stamp, shell, book, cookie, button, sticker, coin, balloon,"
    " flower, egg, lemon, candle, cup, card, bead, carrot"
)
NAMES = [name for pair in zip(GIRLS, BOYS) for name in pair]
FEMALE, MALE = dict(he="she", his="her", him="her", kind="girl"), dict(
    he="he", his="his", him="him", kind="boy"
)


def person(r):
    """A name and the pronouns that go with it."""
    girl = r.random() < 0.6
    return r.choice(GIRLS if girl else BOYS), FEMALE if girl else MALE


def people(r, n):
    """`n` different first names."""
    return r.sample(NAMES, n)
