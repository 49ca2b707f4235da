"""Stories: short, children's-style, with a cause, an effect and a moral."""

from .names import COLOURS, FEMALE, MALE, MONTHS, person
from .story_words import (
    ANIMAL_HOMES,
    ANIMAL_NAMES,
    CHILD_HOMES,
    CHORES,
    DESTINATIONS,
    FEARS,
    GIFTS,
    GLAD,
    HELPERS,
    NOISES,
    OBSTACLES,
    PLACES,
    PLANTS,
    PROJECTS,
    SAD,
    SMALL_CREATURES,
    SPECIES,
    TOYS,
    TRAITS,
    TROUBLES,
    WEATHER,
)
from .text import Document, write

OPENING = (
    "[Once upon a time|Long ago|Not so long ago|One spring], there [was|lived] {a:trait} {kind}"
    " [named|called] {hero}. [{hero} lived in {home}. |{^his} home was {home}. |]"
)
ENDINGS = [
    "[From that day on|After that day], {hero} [always remembered|never forgot] that {moral}.",
    '"[Now I know|Today I learned] that {moral}," said {hero}.',
    "{hero} smiled all the way home, because {he} had learned that {moral}.",
    (
        "[That night|That evening], {hero} [fell asleep|went to bed] feeling {glad}. {^he} knew"
        " that {moral}."
    ),
]
PLOTS = {
    "lost": (
        (
            "{^he} had {a:colour} {toy} that {he} [loved very much|took everywhere|would not trade"
            " for anything]. One {weather} [morning|afternoon|day], {hero} went to {place} [to"
            " play|with {his} {toy}|to meet a friend]. {scene}[When {he} came home|On the way"
            " home|After a while], the {toy} was gone! {hero} [felt|was] {sad}. "
        ),
        (
            '"Have you seen my {colour} {toy}?" {he} asked {helper}. [|"No, I have not," said'
            ' {the_helper}. ]"[Go back to|Look again at] {place}[, and do not give up|, one step at'
            ' a time|]," said {the_helper}. '
        ),
        (
            '[|"Have you seen my {toy}?" {he} asked {helper2}. "[I saw something {colour}|There was'
            ' something {colour}] {spot}," said {the_helper2}. ]So {hero} [ran|walked|hurried] back'
            " to {place} and looked {spot}. [There it was|There lay the {toy}]! {hero} [held the"
            " {toy} tight|picked it up and laughed|danced in a circle] and thanked {the_helper}. "
        ),
        (
            "[it helps to ask others|good things can be found again with patience|it pays to take"
            " care of the things you love]"
        ),
    ),
    "rescue": (
        (
            "One {weather} [morning|afternoon|evening], {hero} was walking [through|near|past]"
            ' {place}. {scene}Then {he} heard a small voice. "[Help|Please help me|Oh, help]!" it'
            " said. It was {a:creature} that {trouble}. "
        ),
        (
            "{hero} [thought for a moment|did not know what to do|looked around]. Then {he} [ran"
            " home and fetched|remembered|found] {a:tool}. {^he} {rescue}. "
        ),
        (
            '"Thank you, {hero}!" said the {creature}. "[One day I will help you too|You are very'
            ' kind|I will never forget this]." [The next week|Some days later|Not long after that],'
            " {hero} [lost {his} way in the fog|could not find the path home]. The {creature} [came"
            " and showed {him} the way|led {him} home]. {hero} was {glad}. "
        ),
        (
            "[a small kindness comes back|even a small friend can be a great help|helping others"
            " makes two hearts happy]"
        ),
    ),
    "build": (
        (
            "{hero} wanted to [make|build] {a:project}. {^he} [collected|gathered|found]"
            " {materials} and worked [all morning|for hours|until lunch]. But the {project}"
            " {failure}! {hero} was {sad}. "
        ),
        (
            '"[Why did this happen|What did I do wrong]?" {he} asked. {friend} looked at it'
            ' [closely|for a long time|with care]. "I think {cause}," said {friend}. "[Next time,'
            ' you should|You could|Let us try again and] {fix}." '
        ),
        (
            "So they tried again. This time they did just that, and the {project} was [perfect|a"
            ' great success|better than before]. "[We did it|It works]!" [shouted|cried|laughed]'
            " {hero}. Everyone came to look at it, and {hero} felt {glad}. "
        ),
        (
            "[a mistake is a good teacher|it is fine to fail if you try again|two heads are better"
            " than one]"
        ),
    ),
    "fear": (
        (
            "{hero} was afraid of {fear}. {^he} [never told anyone|tried to hide it|did not like to"
            " talk about it]. One {weather} [evening|day|afternoon], {hero} and {friend} were"
            " [playing|walking|sitting] together. {scene}Suddenly {event}. {hero} began to shake. "
        ),
        (
            '"[Are you all right|What is the matter]?" asked {friend}. "I am afraid of {fear},"'
            ' said {hero} [in a small voice|quietly]. "[I was afraid too, once|That is nothing to'
            ' be ashamed of|Everyone is afraid of something]," said {friend}. "You can {advice}." '
        ),
        (
            "{hero} took a deep breath and [tried it|did as {friend} said]. {^relief}. {^he} was"
            " not so afraid any more. {hero} felt {glad}. "
        ),
        (
            "[being brave means trying even when you are afraid|fear gets smaller when you share"
            " it|a good friend makes you brave]"
        ),
    ),
    "share": (
        (
            "{hero} and {friend} were [best friends|good friends|always together]. One {weather}"
            ' day at {place}, they found {a:colour} {toy}. {scene}"[It is mine|I saw it first]!"'
            ' said {hero}. "No, [it is mine|I saw it first]!" said {friend}. They pulled and'
            " pulled[ until they both fell down|, and both of them were angry|]. "
        ),
        (
            '{^helper} [came by|heard the noise|saw it all] and asked, "[Why are you fighting|What'
            ' is wrong]?" "We both want the {toy}," said {friend}. "[You could take turns|Why not'
            ' use it together|Can you not share it]?" said {the_helper}. '
        ),
        (
            "{hero} thought about it. [First {friend} had the {toy}, and then {hero} had it.|They"
            " used the {toy} together all day.|They made a plan and took turns.] It was much more"
            ' fun than fighting. "I am sorry," said {hero}. "I am sorry too," said {friend}. They'
            " were both {glad}. "
        ),
        (
            "[sharing makes everything better|a friend is worth more than any {toy}|taking turns is"
            " better than fighting]"
        ),
    ),
    "journey": (
        (
            "{hero} had always wanted to see {goal}. One {weather} morning, {he} packed [a bag|some"
            ' bread and cheese|an apple and a map] and set off with {friend}. {scene}"[Is it'
            ' far|How long will it take]?" asked {friend}. "[We will be there before dark|It is not'
            ' so far|Only as far as we can walk]," said {hero}. '
        ),
        (
            "They walked past {place} and over a [green|steep|long] hill. Then {obstacle}. {hero}"
            " and {friend} {answer}. "
        ),
        (
            "[Soon|After a while|At last] {outcome}. When they came to {goal}, the sun was [low and"
            ' red|still high|shining]. "[It is even more beautiful than I thought|Look how big it'
            ' is|I will never forget this]," said {friend}. {hero} was {glad}. '
        ),
        (
            "[the best part of a journey is the friend beside you|every long way begins with one"
            " step|it is worth going on when the way is hard]"
        ),
    ),
    "gift": (
        (
            "It was [almost|nearly] {friend}'s birthday, and {hero} had no money for a present."
            ' {^he} felt {sad}. "[I will make something myself|I can make a present with my own'
            ' hands]," {he} thought. '
        ),
        (
            "{^he} [went out and found|looked for|collected] {material}. [All day long|For three"
            ' days|Every evening] {he} worked until {gift} was ready. "[What if {friend} does not'
            ' like it|It is not very big|I hope it is good enough]," {he} said to {helper}. "[It'
            ' comes from the heart|A present made with love is never small|You worked hard on it],"'
            " said {the_helper}. "
        ),
        (
            "When {friend} opened the present, {friend_he} [smiled from ear to ear|jumped for"
            ' joy|was quiet for a moment and then laughed]. "[You made {gift} for me|Did you make'
            ' this yourself]? [It is the best present of all|I love it]!" said {friend}. {hero} was'
            " {glad}. "
        ),
        (
            "[the best presents are made by hand|a gift from the heart is worth more than gold|love"
            " counts more than money]"
        ),
    ),
    "chore": (
        (
            '"Please {chore} before you go out, {hero}," said {his} [mother|father|grandmother]. "I'
            ' will," said {hero}. But then {friend} came to the door with {a:colour} {toy}, and'
            " {hero} forgot all about it. They played at {place} until [sunset|dinner time|it was"
            " dark]. "
        ),
        (
            "When {hero} came home, {consequence}. {hero} was {sad}. [{^he} wanted to run"
            " away.|{^he} could have said it was not {his} fault.|{^he} looked at {his} feet.] But"
            ' {he} said, "I am sorry. I forgot. [I will make it right|Let me help]." '
        ),
        (
            "{hero} {repair}. It took [a long time|an hour|all evening], but in the end everything"
            ' was fine. "[Thank you for telling the truth|You did well|I am proud of you]," said'
            " {his} [mother|father|grandmother]. {hero} felt {glad}. "
        ),
        (
            "[it is best to do your work first|telling the truth makes things better|a promise"
            " should be kept]"
        ),
    ),
    "noise": (
        (
            "One [dark|cold|windy|quiet] night, {hero} woke up. [Tap, tap, tap|Scratch, scratch,"
            " scratch|Bump, bump, bump]! Something was [at the window|behind the door|moving"
            ' outside]. "[Who is there|What is that]?" whispered {hero}. Nobody answered, and {he}'
            " pulled the blanket over {his} head. "
        ),
        (
            "But the noise did not stop. At last {hero} [took a candle|put on {his}"
            " slippers|counted to three] and went to look. It was not [a monster|a ghost|a thief]."
            " It was only {noise}! "
        ),
        (
            '"[So that is what it was|You gave me a fright|And I was so afraid]," laughed {hero}.'
            " {^he} {answer} and went back to bed. In the morning {he} told {friend} the whole"
            " story, and they were both {glad}. "
        ),
        (
            "[most fears are smaller in the light|it is better to look than to guess|things are"
            " seldom as bad as they seem]"
        ),
    ),
    "race": (
        (
            "Every {month}, there was a great race at {place}. {hero} was slower than {friend}, and"
            ' {friend} [never let {him} forget it|told everyone so]. "You will never win," said'
            " {friend}. {hero} was {sad}, but {he} [trained every morning|did not give up|said"
            " nothing]. "
        ),
        (
            "Then the {weather} day of the race came. {scene}{friend} was soon far in front and"
            " stopped to [eat a sandwich|rest in the grass|talk to {helper}|wave to the people]."
            " {hero} did not stop. {^he} went on, step by step, and passed {friend} just before the"
            " end. "
        ),
        (
            '{hero} [won the race|came first]! "Well done," said {friend}. "I was too proud. [I am'
            ' sorry|Next time I will not stop]." {hero} [shook {friend_his} hand|gave {him2} half'
            " of the prize] and felt {glad}. "
        ),
        (
            "[slow and steady wins the race|it is better to work than to boast|you should never"
            " give up]"
        ),
    ),
    "newcomer": (
        (
            "One {weather} morning, somebody new came to the school. {scene}It was {friend}."
            " {friend} [sat alone in the corner|did not say a word|looked at the floor] all day."
            " {hero} saw it and felt {sad}. "
        ),
        (
            '"[Do you want to play with me|May I sit next to you]?" asked {hero}. {friend}'
            ' [nodded|smiled a little]. "I do not know anyone here," said {friend}. "Now you know'
            ' me!" said {hero}. '
        ),
        (
            "They played with {a:colour} {toy} [until the bell rang|all afternoon]. {friend} [told"
            " {hero} about {friend_his} old home|showed {hero} a trick|laughed for the first time]."
            " Soon they were best friends, and {hero} was {glad}. "
        ),
        (
            "[a kind word opens every door|it is easy to make a friend if you say hello|nobody"
            " should have to be alone]"
        ),
    ),
    "seed": (
        (
            '[Near|On the way to] {place}, {hero} found a small [brown|round|black] seed. "[What'
            ' will it be|What will grow from it]?" {he} asked {helper}. "[You must wait and'
            ' see|Plant it and give it water every day]," said {the_helper}. '
        ),
        (
            "{hero} put the seed in [a pot|the earth behind the house] and gave it water every"
            " [morning|evening]. [One week|Ten days|Many days] passed, and nothing happened. {hero}"
            " was {sad}, but {he} did not stop. "
        ),
        (
            "Then, one {weather} morning, there was a tiny green leaf! {scene}It grew and grew, and"
            " in {month} it was {a:plant}. {hero} [called {friend} to see it|danced around"
            " it|jumped for joy]. {^he} felt {glad}. "
        ),
        "[good things take time|patience makes things grow|a little care every day does wonders]",
    ),
}


def definite(noun):
    """'a green frog' -> 'the green frog'."""
    return "the " + noun.split(" ", 1)[1]


def story_words(r, species=None):
    """Chooses the cast, the props and the setting of one story."""
    if species or r.random() < 0.4:
        hero, pronouns = r.choice(ANIMAL_NAMES), dict(
            r.choice((FEMALE, MALE)), kind=species or r.choice(SPECIES)
        )
        home = r.choice(ANIMAL_HOMES)
    else:
        (hero, pronouns), home = person(r), r.choice(CHILD_HOMES)
    friend, friend_pronouns = person(r)
    while friend == hero:
        friend, friend_pronouns = person(r)
    place = r.choice(list(PLACES))
    helper, helper2 = r.sample(HELPERS, 2)
    w = dict(
        pronouns,
        hero=hero,
        home=home,
        friend=friend,
        friend_he=friend_pronouns["he"],
        friend_his=friend_pronouns["his"],
        him2=friend_pronouns["him"],
        place=place,
        helper=helper,
        helper2=helper2,
    )
    w.update(the_helper=definite(helper), the_helper2=definite(helper2))
    w.update(
        spot=r.choice(PLACES[place]),
        trait=r.choice(TRAITS),
        weather=r.choice(list(WEATHER)),
        toy=r.choice(TOYS),
        colour=r.choice(COLOURS),
        glad=r.choice(GLAD),
        sad=r.choice(SAD),
    )
    w["plot"] = r.choice(list(PLOTS))
    w["scene"] = write(r, WEATHER[w["weather"]]) + " " if r.random() < 0.6 else ""
    if w["plot"] == "rescue":
        w["creature"] = r.choice(SMALL_CREATURES)
        w["trouble"], w["tool"], w["rescue"] = r.choice(TROUBLES)
    elif w["plot"] == "build":
        w["project"], w["failure"], w["cause"], w["fix"], w["materials"] = r.choice(PROJECTS)
    elif w["plot"] == "fear":
        w["fear"], w["event"], w["advice"], w["relief"] = (
            write(r, text, w) for text in r.choice(FEARS)
        )
    elif w["plot"] == "journey":
        w["goal"] = r.choice(DESTINATIONS)
        w["obstacle"], w["answer"], w["outcome"] = (
            write(r, text, w) for text in r.choice(OBSTACLES)
        )
    elif w["plot"] == "gift":
        w["gift"], w["material"] = r.choice(GIFTS)
    elif w["plot"] == "noise":
        w["noise"], w["answer"] = r.choice(NOISES)
    elif w["plot"] in ("seed", "race"):
        w["plant"], w["month"] = r.choice(PLANTS), r.choice(MONTHS)
    elif w["plot"] == "chore":
        w["chore"], w["consequence"], w["repair"] = r.choice(CHORES)
    return w


def story_parts(r, species=None):
    """Title, opening and the rest of one story."""
    w = story_words(r, species)
    beginning, middle, end, moral = PLOTS[w["plot"]]
    w["moral"] = write(r, moral, w)
    title = write(
        r,
        {
            "lost": "[The Lost {Toy}|{hero} and the {Colour} {Toy}]",
            "rescue": "[{hero} and the Little {Creature}|A Friend in Need]",
            "build": "[{hero} Builds Something|The {Project}]",
            "fear": "[Brave {hero}|{hero} Takes a Deep Breath]",
            "share": "[{hero} and {friend}|One {Toy} for Two]",
            "journey": "[A Long Walk|{hero} and {friend} Set Off]",
            "gift": "[A Present for {friend}|Made by Hand]",
            "chore": "[{hero} Forgets|A Promise]",
            "noise": "[A Noise in the Night|Who Is There?]",
            "race": "[The Great Race|{hero} and {friend} Run]",
            "newcomer": "[A New Friend|{friend} Is New]",
            "seed": "[The Little Seed|{hero} Waits]",
        }[w["plot"]],
        dict(
            w,
            **{
                key.capitalize(): w.get(key, "").title()
                for key in ("toy", "colour", "creature", "project")
            },
        ),
    )
    opening = write(r, OPENING, w)
    return title, opening, write(r, beginning + middle + end + r.choice(ENDINGS), w)


def story(r):
    """A short children's-style story with a cause, an effect and a moral."""
    title, opening, rest = story_parts(r)
    head = f"{title}\n\n" if r.random() < 0.6 else ""
    return Document("story", head + opening.rstrip(), " " + rest + "\n")
