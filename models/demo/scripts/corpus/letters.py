"""Letters and e-mails."""

from .country import COUNTRY, TOWN_NAMES, facts
from .names import COLOURS, DAYS, MONTHS, people
from .records import STREETS
from .schedules import clock
from .text import Document, words_list, write

OCCASIONS = [
    "my birthday",
    "our house-warming party",
    "the school concert",
    "the summer picnic",
    "a small dinner",
    "the garden party",
    "our wedding",
]
PRESENTS = words_list("scarf, book, teapot, picture, plant, cake, lamp, sweater, puzzle, cookbook")
LETTERS = {
    "Thank you": (
        "[Thank you so much for|Many thanks for|I want to thank you for] the"
        " [lovely|beautiful|wonderful] {present}. [It arrived on {day}.|It was a great surprise.|I"
        " did not expect it at all.] [I use it every day.|It looks perfect in my room.|Everyone"
        " here admires it.] [How are you and your family?|I hope you are well.|It was very kind of"
        " you.] [I hope to see you soon.|Please visit us in {month}.]"
    ),
    "Invitation": (
        "[I would like to invite you to|You are invited to|Please come to] {occasion} on {day},"
        " {date} {month}. [It starts|We begin] at {time} [at {street}|in the town hall|at our"
        " house]. [There will be music and good food.|Please bring something to eat.|You do not"
        " need to bring anything.] [Please let me know if you can come.|Tell me by {other_day} if"
        " you can make it.]"
    ),
    "Apology": (
        "I am [very|so|really] sorry that I [missed our meeting|forgot your birthday|could not"
        " come|was late] on {day}. [My train was late|I was ill|My alarm did not ring|I wrote down"
        " the wrong date], [but I should have called you|and I could not reach you]. [May I invite"
        " you to lunch to make up for it?|It will not happen again.|Could we meet on {other_day}"
        " instead?]"
    ),
    "Complaint": (
        "On {day} I bought {a:colour} {present} in your shop [for {price} euros|at {street}]. [When"
        " I opened the box|At home|After two days], I saw that it was [broken|the wrong colour|too"
        " small|not complete]. [I would like my money back.|Please send me a new one.|Please tell"
        " me what I can do.] [My order number is {order}.|I have kept the receipt.]"
    ),
    "Meeting": (
        "[I would like to meet|Could we meet|Can we meet] on {day} at {time} to talk about the [new"
        " project|budget|plan for {month}|report]? [The meeting will take about one hour.|We need"
        " about thirty minutes.] [Please bring your notes.|I will bring the numbers.|I will send"
        " you the documents before.] [If {day} does not suit you, {other_day} is also fine.|Please"
        " tell me if this suits you.]"
    ),
    "Reminder": (
        "[This is a short reminder that|Please remember that|I want to remind you that] [the"
        " library books are due|the rent is due|your appointment is|the class trip is] on {day},"
        " {date} {month}. [Please be there at {time}.|Please do not be late.|Please answer this"
        " message if you have questions.] [Thank you for your help.|Thank you.]"
    ),
    "Holiday": (
        "[Greetings from {town}!|We are having a wonderful time in {town}!] [The weather is warm"
        " and sunny.|It rains a lot, but we do not mind.|The sun shines every day.] [Yesterday|On"
        " {day}] we [visited the {landmark}|ate the famous {product}|walked along the river"
        " {river}|swam in the lake]. [Tomorrow we will take a boat trip.|The people here are very"
        " friendly.|I took many pictures.] [We will be home on {other_day}.|See you in {month}.]"
    ),
}


def letter_words(r):
    """The names, dates and things of one letter."""
    sender, receiver = people(r, 2)
    day, other_day = r.sample(DAYS, 2)
    town = facts(
        r.choice(
            [
                t
                for t in TOWN_NAMES
                if COUNTRY[t]["product"] in ("cheese", "honey", "bread", "apples", "fish", "tea")
            ]
        )
    )
    return dict(
        town,
        sender=sender,
        receiver=receiver,
        day=day,
        other_day=other_day,
        month=r.choice(MONTHS),
        date=r.randint(1, 28),
        time=clock(r.randrange(540, 1200, 30)),
        present=r.choice(PRESENTS),
        occasion=r.choice(OCCASIONS),
        street=f"{r.choice(STREETS)} {r.randint(1, 60)}",
        colour=r.choice(COLOURS),
        price=r.randint(5, 90),
        order=r.randint(1000, 9999),
    )


def address(name):
    """The e-mail address of a first name."""
    return name.lower().replace("ë", "e").replace("é", "e") + "@example.com"


def letter(r):
    """An e-mail with its header, or a plain letter."""
    subject = r.choice(list(LETTERS))
    w = letter_words(r)
    body = write(r, LETTERS[subject], w)
    formal = subject in ("Complaint", "Reminder", "Meeting")
    close = write(
        r,
        (
            "[Kind regards|Best regards|Yours sincerely],\n{sender}\n"
            if formal
            else "[Love|Best wishes|Warm greetings|See you soon|Yours],\n{sender}\n"
        ),
        w,
    )
    greeting = write(
        r,
        "[Dear|Hello] {receiver},\n\n" if not formal else "Dear [{receiver}|Sir or Madam],\n\n",
        w,
    )
    if r.random() < 0.6:
        sender, receiver = address(w["sender"]), address(w["receiver"])
        head = f"From: {sender}\nTo: {receiver}\nSubject: {subject}\n\n"
        return Document("letter", head, greeting + body + "\n\n" + close)
    return Document("letter", greeting, body + "\n\n" + close)
