"""Small Python functions with computed results."""

import json

from .names import COLOURS, NAMES
from .story_words import SPECIES, TOYS
from .text import Document, words_list, write


def numbers(r):
    """A short list of small numbers."""
    return [r.randint(0, 20) for _ in range(r.randint(2, 5))]


def texts(r):
    """A word to work on."""
    return r.choice(SPECIES + TOYS[:8] + COLOURS)


def small(r):
    """A number up to 12."""
    return r.randint(0, 12)


VARIABLE = words_list("x, n, value, number")
LISTS = words_list("numbers, values, items, data")
# (names, docstring, body with {p} for parameters, makers of example arguments)
FUNCTIONS = [
    (
        "add, plus, total",
        "Return the sum of {0} and {1}.",
        "return {0} + {1}",
        "ab",
        (small, small),
    ),
    (
        "subtract, minus, difference",
        "Return {0} minus {1}.",
        "return {0} - {1}",
        "ab",
        (small, small),
    ),
    ("multiply, times, product", "Return {0} times {1}.", "return {0} * {1}", "ab", (small, small)),
    (
        "area, rectangle_area",
        "Return the area of a rectangle.",
        "return {0} * {1}",
        ["width", "height"],
        (small, small),
    ),
    (
        "perimeter",
        "Return the perimeter of a rectangle.",
        "return 2 * ({0} + {1})",
        ["width", "height"],
        (small, small),
    ),
    (
        "larger, bigger, maximum",
        "Return the larger of {0} and {1}.",
        "if {0} > {1}:\n        return {0}\n    return {1}",
        "ab",
        (small, small),
    ),
    (
        "smaller, minimum",
        "Return the smaller of {0} and {1}.",
        "if {0} < {1}:\n        return {0}\n    return {1}",
        "ab",
        (small, small),
    ),
    ("is_even, even", "Return True if {0} is even.", "return {0} % 2 == 0", None, (small,)),
    ("is_odd, odd", "Return True if {0} is odd.", "return {0} % 2 == 1", None, (small,)),
    (
        "is_positive",
        "Return True if {0} is greater than zero.",
        "return {0} > 0",
        None,
        (lambda r: r.randint(-9, 9),),
    ),
    ("square", "Return the square of {0}.", "return {0} * {0}", None, (small,)),
    ("cube", "Return the cube of {0}.", "return {0} ** 3", None, (lambda r: r.randint(0, 9),)),
    ("double, twice", "Return two times {0}.", "return 2 * {0}", None, (small,)),
    (
        "absolute",
        "Return {0} without its sign.",
        "if {0} < 0:\n        return -{0}\n    return {0}",
        None,
        (lambda r: r.randint(-9, 9),),
    ),
    (
        "factorial",
        "Return the factorial of {0}.",
        "result = 1\n    for i in range(1, {0} + 1):\n        result *= i\n    return result",
        None,
        (lambda r: r.randint(0, 7),),
    ),
    (
        "sum_up_to, triangle",
        "Return the sum of the numbers from 1 to {0}.",
        "result = 0\n    for i in range(1, {0} + 1):\n        result += i\n    return result",
        None,
        (small,),
    ),
    (
        "fibonacci, fib",
        "Return Fibonacci number {0}.",
        "a, b = 0, 1\n    for _ in range({0}):\n        a, b = b, a + b\n    return a",
        None,
        (small,),
    ),
    (
        "countdown",
        "Return the numbers from {0} down to 1.",
        "return list(range({0}, 0, -1))",
        None,
        (lambda r: r.randint(1, 9),),
    ),
    (
        "sum_list, add_all",
        "Return the sum of all {0}.",
        "result = 0\n    for item in {0}:\n        result += item\n    return result",
        "list",
        (numbers,),
    ),
    (
        "largest, find_max",
        "Return the largest of the {0}.",
        (
            "best = {0}[0]\n    for item in {0}:\n        if item > best:\n            best ="
            " item\n    return best"
        ),
        "list",
        (numbers,),
    ),
    (
        "smallest, find_min",
        "Return the smallest of the {0}.",
        (
            "best = {0}[0]\n    for item in {0}:\n        if item < best:\n            best ="
            " item\n    return best"
        ),
        "list",
        (numbers,),
    ),
    (
        "count_even",
        "Count the even {0}.",
        (
            "count = 0\n    for item in {0}:\n        if item % 2 == 0:\n            count += 1\n  "
            "  return count"
        ),
        "list",
        (numbers,),
    ),
    ("first, head", "Return the first of the {0}.", "return {0}[0]", "list", (numbers,)),
    ("last", "Return the last of the {0}.", "return {0}[-1]", "list", (numbers,)),
    (
        "keep_even, evens",
        "Return only the even {0}.",
        "return [item for item in {0} if item % 2 == 0]",
        "list",
        (numbers,),
    ),
    (
        "doubled, double_all",
        "Return a list with all {0} doubled.",
        "return [2 * item for item in {0}]",
        "list",
        (numbers,),
    ),
    ("reversed_list", "Return the {0} in reverse order.", "return {0}[::-1]", "list", (numbers,)),
    (
        "sort_numbers, in_order",
        "Return the {0} in order.",
        "return sorted({0})",
        "list",
        (numbers,),
    ),
    (
        "contains, has",
        "Return True if the {0} contain the target.",
        "for item in {0}:\n        if item == target:\n            return True\n    return False",
        "list+target",
        (numbers, small),
    ),
    (
        "greet, hello",
        "Return a greeting for a name.",
        'return "Hello, " + {0} + "!"',
        ["name"],
        (lambda r: r.choice(NAMES),),
    ),
    ("reverse, backwards", "Return the {0} backwards.", "return {0}[::-1]", ["text"], (texts,)),
    (
        "shout, upper",
        "Return the {0} in capital letters.",
        "return {0}.upper()",
        ["text"],
        (texts,),
    ),
    (
        "length, size",
        "Return the number of letters in the {0}.",
        "return len({0})",
        ["word"],
        (texts,),
    ),
    (
        "count_letter",
        "Count a letter in a word.",
        (
            "count = 0\n    for c in {0}:\n        if c == {1}:\n            count += 1\n    return"
            " count"
        ),
        ["word", "letter"],
        (texts, lambda r: r.choice("aeiorst")),
    ),
    (
        "starts_with",
        "Return True if the word starts with the letter.",
        "return {0}[0] == {1}",
        ["word", "letter"],
        (texts, lambda r: r.choice("abcdfghlmprst")),
    ),
    (
        "repeat, repeat_text",
        "Return the {0} repeated {1} times.",
        "return {0} * {1}",
        ["text", "times"],
        (texts, lambda r: r.randint(1, 4)),
    ),
    (
        "to_fahrenheit",
        "Turn {0} from Celsius into Fahrenheit.",
        "return {0} * 9 / 5 + 32",
        ["celsius"],
        (lambda r: r.choice((0, 5, 10, 15, 20, 25, 30, 100)),),
    ),
    ("minutes", "Turn hours into minutes.", "return {0} * 60", ["hours"], (small,)),
    (
        "average, mean",
        "Return the average of the {0}.",
        "return sum({0}) / len({0})",
        "list",
        (
            lambda r: r.choice(
                (
                    [2, 4],
                    [1, 2, 3],
                    [10, 20],
                    [5, 5, 5],
                    [4, 8, 12],
                    [0, 10],
                    [3, 5],
                    [6, 8, 10, 12],
                )
            ),
        ),
    ),
    (
        "clamp, limit",
        "Keep {0} between low and high.",
        (
            "if {0} < low:\n        return low\n    if {0} > high:\n        return high\n   "
            " return {0}"
        ),
        "x+low,high",
        (lambda r: r.randint(-9, 20), lambda r: r.randint(0, 3), lambda r: r.randint(6, 10)),
    ),
]


def linear_function(r):
    """A function with random constants, so that its results must be worked out."""
    a, b, name = (
        r.randint(2, 9),
        r.randint(1, 9),
        r.choice(("scale", "compute", "apply", "transform", "step")),
    )
    x, op = r.choice(VARIABLE), r.choice("+-")
    body = (
        f"return {a} * {x} {op} {b}"
        if r.random() < 0.6
        else f"result = {a} * {x}\n    return result {op} {b}"
    )
    verb = f"then add {b}" if op == "+" else f"then subtract {b}"
    return name, f"Multiply {x} by {a}, {verb}.", f"def {name}({x}):\n", body, (small,)


def python_function(r):
    """One function: (name, docstring, source, [(call, computed result), ..])."""
    if r.random() < 0.15:
        name, doc, head, body, makers = linear_function(r)
    else:
        names, doc, body, parameters, makers = r.choice(FUNCTIONS)
        name = r.choice(words_list(names))
        if parameters is None:
            parameters = [r.choice(VARIABLE)]
        elif parameters == "ab":
            parameters = r.choice((["a", "b"], ["x", "y"], ["first", "second"], ["left", "right"]))
        elif parameters == "list":
            parameters = [r.choice(LISTS)]
        elif parameters == "list+target":
            parameters = [r.choice(LISTS), "target"]
        elif parameters == "x+low,high":
            parameters = [r.choice(VARIABLE), "low", "high"]
        doc, body = doc.format(*parameters), body.format(*parameters)
        head = f"def {name}({', '.join(parameters)}):\n"
    scope = {}
    exec(head + "    " + body, scope)
    calls = []
    for _ in range(r.randint(1, 4)):
        arguments = [make(r) for make in makers]
        quoted = [
            json.dumps(v, ensure_ascii=False) if isinstance(v, str) else repr(v) for v in arguments
        ]
        result = scope[name](*arguments)
        calls.append(
            (
                f"{name}({', '.join(quoted)})",
                json.dumps(result, ensure_ascii=False) if isinstance(result, str) else repr(result),
            )
        )
    source = f'{head}    """{doc}"""\n    {body}\n'
    return name, doc, source, calls


def python(r):
    """A function, then calls of it with their results."""
    name, doc, source, calls = python_function(r)
    if r.random() < 0.6:
        examples = "".join(f"\n>>> {call}\n{result}" for call, result in calls)
        last = len(examples) - len(calls[-1][1])
        return Document(
            "python", source + examples[:last], examples[last:] + "\n", calls[-1][1] + "\n"
        )
    ask = write(
        r,
        "# [Write a function|Task: write a function] named {name}.\n# {doc}\n",
        dict(name=name, doc=doc),
    )
    tests = "".join(f"print({call})  # {result}\n" for call, result in calls)
    return Document("python", ask, source + "\n" + tests)
