"""Fails if the training patterns can generate a held-out question: the test must stay a test."""
import json
import re
import sys

import corpus

WILD = {"num": r"\d+"}


def regex_of(pattern, macros):
    """The pattern as a regular expression over normalised text."""
    out = ""
    for part in re.split(r"([\[\]|]|\{\w+\})", pattern):
        if part in ("[", "]", "|"):
            out += {"[": "(?:", "]": ")", "|": "|"}[part]
        elif part.startswith("{"):
            name = part[1:-1]
            out += WILD.get(name) or "(?:" + "|".join(regex_of(value, macros) for value in macros[name]) + ")"
        else:
            out += re.escape(normal(part))
    return out


def normal(text):
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def trimmed(question):
    """Without the fillers that the sampler adds at both ends."""
    for prefix in corpus.WORDING["prefixes"]:
        question = question.lower().removeprefix(prefix.lower())
    for suffix in corpus.WORDING["suffixes"]:
        question = question.rstrip("?!. ").removesuffix(suffix)
    return normal(question)


def main():
    intents, macros = corpus.load_intents()
    patterns = [regex_of(p, macros) for _, groups in intents for _, group in groups
                for p in group if "{pseudo}" not in p]  # a made-up word would match anything
    matcher = re.compile("|".join(f"(?:{p})" for p in set(patterns)))
    questions = [row["question"] for row in json.loads((corpus.HERE / "heldout.json").read_text())]
    leaks = [q for q in questions if matcher.fullmatch(trimmed(q)) or matcher.fullmatch(normal(q))]
    print(f"{len(questions)} held-out questions, {len(leaks)} can be generated", *leaks, sep="\n  ")
    sys.exit(bool(leaks))


if __name__ == "__main__":
    main()
