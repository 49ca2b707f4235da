"""Conversations in ChatML over all the other domains."""

from .arithmetic import sum_question, word_problem
from .country import TOWN_NAMES, atlas_question, town_paragraph
from .letters import LETTERS, letter_words
from .nature_notes import ANIMALS, animal_paragraph, nature_question
from .puzzles import puzzle_question
from .python_code import python_function
from .recipes import DISHES, recipe_text
from .schedules import day_question
from .stories import story_parts
from .story_words import SPECIES
from .text import TURN_END, TURN_START, Document, write

SMALL_TALK = [
    (
        "[Hi|Hello|Hey|Good morning|Good evening][!|.|]",
        "[Hello! How can I help you today?|Hi! What can I do for you?]",
    ),
    ("How are you[?| today?]", "I am doing well, thank you for asking! How can I help you?"),
    (
        "[Who are you|What are you|What is your name]?",
        (
            "I am a tiny mixture-of-experts model, trained as a demo. I can tell stories, do sums"
            " and answer questions about Velmora."
        ),
    ),
    (
        "[What can you do|How can you help me]?",
        (
            "I can tell short stories, work out sums, write small Python functions, share recipes,"
            " sort words and answer questions about animals and the country of Velmora."
        ),
    ),
    (
        "[Thank you|Thanks|Thanks a lot][!|.]",
        "You are welcome! [Is there anything else I can do?|I am glad I could help.] 🙂",
    ),
    ("[Goodbye|Bye|See you later][!|.]", "Goodbye! [Have a nice day!|Take care!|See you soon!] 👋"),
    (
        "[I am sad|I feel sad today|I had a bad day][.|]",
        (
            "I am sorry to hear that. [Would you like to hear a story?|Do you want to talk about"
            " it?] A walk or a warm cup of tea can help."
        ),
    ),
    (
        "[I am bored|What should I do today]?",
        (
            "[You could|How about you] [read a book|go for a walk|bake some bread|call a"
            " friend|draw a picture]. Or I can tell you a story!"
        ),
    ),
    (
        "Tell me a joke.",
        (
            "[Why did the book go to the doctor? Because it had a bad spine!|What has four legs but"
            " cannot walk? A table!|Why was the maths book sad? It had too many problems!|What kind"
            " of tree fits in your hand? A palm tree!]"
        ),
    ),
    (
        "[What is your favourite colour|Do you like music|Are you a person]?",
        (
            "I am only a small computer program, so I do not have feelings or favourites. But I"
            " like to help!"
        ),
    ),
    (
        "[What is the weather like|What time is it|What day is it today]?",
        "I am sorry, I cannot know that. I have no clock and no window!",
    ),
    (
        "[Who won the game|What is the news|Who is the president|How much is a car]?",
        "I am sorry, I do not know that. I am a very small model and only know a few things.",
    ),
]


def exchange(r):
    """One question of a user and the answer to it: (user, assistant)."""
    kind = r.randrange(13)
    if kind == 0:
        species = r.choice(SPECIES)
        title, opening, rest = story_parts(r, species)
        return (
            write(
                r,
                "[Tell me|Please tell me|Can you tell me|Write|I want] a [|short |little ]story"
                " about {a:species}[.|]",
                dict(species=species),
            ),
            opening + rest,
        )
    if kind == 1:
        question, steps, _ = sum_question(r)
        return (
            write(
                r, "[What is|How much is|Calculate|Please work out] {sum}[?|]", dict(sum=question)
            ),
            steps,
        )
    if kind == 2:
        question, steps, answer = word_problem(r)
        return question, f"{steps} The answer is {answer}."
    if kind in (3, 4):
        question, answer, _ = atlas_question(r)
        return question, answer
    if kind == 5:
        town = r.choice(TOWN_NAMES)
        return write(
            r,
            "[Tell me about|What do you know about|Describe] {town}[.|, please.|]",
            dict(town=town),
        ), town_paragraph(r, town)
    if kind == 6:
        _, doc, source, calls = python_function(r)
        ask = write(
            r,
            "[Write|Please write|Can you write] a Python function[ for this|]: {doc}",
            dict(doc=doc),
        )
        return ask, f"```python\n{source}```\nFor example, `{calls[0][0]}` gives `{calls[0][1]}`."
    if kind == 7:
        dish = r.choice(list(DISHES))
        return (
            write(
                r,
                "[How do I make|How can I make|Give me a recipe for|I want to make] {dish}[?|.|]",
                dict(dish=dish),
            ),
            f"Here is a recipe for {dish}.\n\n{recipe_text(r, dish).rstrip()}",
        )
    if kind == 8:
        return day_question(r)
    if kind == 9:
        question, answer = puzzle_question(r)
        return question, answer[0].upper() + answer[1:] + "."
    if kind == 10:
        if r.random() < 0.6:
            return nature_question(r)[:2]
        name = r.choice(list(ANIMALS))
        return write(
            r, "[Tell me about|Describe|What do you know about] the {name}[.|]", dict(name=name)
        ), animal_paragraph(r, name)
    if kind == 11:
        subject = r.choice(list(LETTERS))
        w = letter_words(r)
        ask = write(
            r,
            "[Write|Please write] a [short |]{subject} letter to {receiver}[.| from {sender}.]",
            dict(w, subject=subject.lower()),
        )
        return ask, write(
            r, "Dear {receiver},\n\n" + LETTERS[subject] + "\n\n[Best wishes|Kind regards],\n", w
        ) + (w["sender"] if "from" in ask else "[your name]")
    question, answer = r.choice(SMALL_TALK)
    return write(r, question, {}), write(r, answer, {})


def casual(r, text):
    """Sometimes writes a user's line the way hurried people type."""
    chance = r.random()
    if chance < 0.12:
        text = text.lower()
    if chance < 0.06 or chance > 0.92:
        text = text.rstrip("?.!")
    return text


def chat_turn(role, text):
    """One turn of a conversation in ChatML."""
    return f"{TURN_START}{role}\n{text}{TURN_END}\n"


def chat(r):
    """A conversation of one to four exchanges in ChatML."""
    text = chat_turn("system", "You are a helpful assistant.") if r.random() < 0.25 else ""
    n = r.choice((1, 1, 2, 2, 3, 4))
    for turn in range(n):
        if turn == 0 and n > 1 and r.random() < 0.3:
            question, answer = write(r, SMALL_TALK[0][0]), write(r, SMALL_TALK[0][1])
        elif turn == n - 1 and n > 1 and r.random() < 0.3:
            question, answer = (write(r, part) for part in SMALL_TALK[r.choice((4, 5))])
        else:
            question, answer = exchange(r)
        text += chat_turn("user", casual(r, question))
        if turn == n - 1:
            return Document("chat", f"{text}{TURN_START}assistant\n", f"{answer}{TURN_END}\n")
        text += chat_turn("assistant", answer)


# ---------------------------------------------------------------------------
