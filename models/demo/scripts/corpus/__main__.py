"""Prints documents: `python -m corpus COUNT [DOMAIN]`."""

import argparse

from . import DOMAINS, document


def main():
    """Prints the documents of seeds 0 .. count - 1, the completion in double brackets."""
    parser = argparse.ArgumentParser(prog="corpus", description=main.__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("domain", nargs="?", choices=DOMAINS)
    options = parser.parse_args()
    for seed in range(options.count):
        d = document(seed, options.domain)
        print(f"--- seed {seed}, {d.domain}, answer {d.answer!r}\n{d.prompt}⟦{d.completion}⟧")


if __name__ == "__main__":
    main()
