"""The corpus: intents with an answer each, and a sampler that turns their patterns into questions.

Patterns may hold [a|b|] (pick one) and {macro} (pick one of the macro's values)."""
import json
import random
import re
from pathlib import Path

HERE = Path(__file__).parent
WORDING = json.loads((HERE / "wording.json").read_text())
SYSTEM, STOP_WORDS = WORDING["system"], set(WORDING["stop_words"])
SYNONYM_OF = {word: group for group in WORDING["synonyms"] for word in group}
PHRASES = WORDING["phrases"]
FRAMES = {"terms": WORDING["term_frames"], "tasks": WORDING["task_frames"]}
REFUSAL_SHARE = 0.17
SYSTEM_SHARE = 0.3
TOKEN = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")


def load_intents():
    """Returns every intent as (answer, weighted groups of patterns), the refusal last, and the macros."""
    intents, macros = [], {"omni": WORDING["omni"]}
    for path in sorted((HERE / "corpus").glob("*.json")):
        data = json.loads(path.read_text())
        if isinstance(data, list):
            for item in data:
                intents += [(item["answer"], groups_of(item))] * item.get("weight", 1)
        else:
            macros.update(data["macros"])
            refusal = (data["answer"], [(1.0, data["frames"])])
    return intents + [refusal], macros


def groups_of(item):
    groups = [(6.0, item["questions"])] if "questions" in item else []
    for key, frames in FRAMES.items():
        if key in item:
            groups.append((2.0, [frame.replace("{}", value) for value in item[key] for frame in frames]))
    return groups


def pseudo_word(rng):
    """A made-up word: teaches that unknown words are out of scope."""
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") + rng.choice(["", "", "n", "r", "l", "s", "t"])
                   for _ in range(rng.randint(2, 3)))


def expand(pattern, macros, rng):
    def pick(match):
        choices, macro = match.groups()
        if macro == "num":
            return str(rng.randint(2, 999))
        if macro == "pseudo":
            return pseudo_word(rng)
        return rng.choice(macros[macro]) if macro else rng.choice(choices.split("|"))
    # Innermost first, until nothing is left: alternatives may hold macros and the other way round.
    while TOKEN.search(pattern):
        pattern = TOKEN.sub(pick, pattern)
    return " ".join(pattern.split())


def noisy(question, rng):
    """What people do to a question: other phrases, synonyms, odd words between, dropped words, another order, typos.

    Strong noise on purpose: the few words that matter must be enough, whatever stands around them."""
    for old, new in rng.sample(PHRASES, len(PHRASES) // 4):
        question = re.sub(rf"\b{re.escape(old)}\b", new, question, count=1)
    words, dropped = [], 0.9 if rng.random() < 0.06 else 0.04  # now and then in telegram style
    for word in question.split():
        if rng.random() < (dropped if word in STOP_WORDS else 0.02):
            continue
        group = SYNONYM_OF.get(word)
        words.append(rng.choice(group) if group and rng.random() < 0.3 else word)
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2, 3])):
        words.insert(rng.randint(0, len(words)), rng.choice(WORDING["fillers"]))
    if words and rng.random() < 0.08:
        at = rng.randrange(len(words))
        words[at] = typo(words[at], rng)
    return " ".join(reordered(words, rng)) or question


def reordered(words, rng):
    roll = rng.random()
    if roll < 0.03:
        return rng.sample(words, len(words))
    if roll < 0.13 and len(words) > 2:
        at = rng.randrange(1, len(words))
        return [*words[at:-1], words[-1] + ",", *words[:at]]
    return words


def typo(word, rng):
    if len(word) < 5 or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    return rng.choice([word[:at] + word[at + 1:], word[:at] + word[at] + word[at:],
                       word[:at] + word[at + 1] + word[at] + word[at + 2:]])


def styled(question, rng):
    """Letter case and punctuation as users type them."""
    roll = rng.random()
    if roll < 0.45:
        question = question[0].upper() + question[1:]
    elif roll < 0.8:
        question = question.lower()
    elif roll < 0.83:
        question = question.upper()
    return question + rng.choice(["?", "?", "?", "?", "?", "", "", "", "", ".", "!", "??", " ?"])


def sample_question(groups, macros, rng):
    patterns = rng.choices([g for _, g in groups], [w for w, _ in groups])[0]
    # Patterns with many alternatives come more often, but not in proportion.
    pattern = rng.choices(patterns, [1 + p.count("|") ** 0.5 for p in patterns])[0]
    question = noisy(expand(pattern, macros, rng), rng)
    if rng.random() < 0.25:
        question = rng.choice(WORDING["prefixes"]) + question
    if rng.random() < 0.2:
        question += rng.choice(WORDING["suffixes"])
    return styled(expand(question, macros, rng), rng)


def sample_turn(intents, macros, rng):
    refuse = rng.random() < REFUSAL_SHARE
    answer, groups = intents[-1] if refuse else rng.choice(intents[:-1])
    return sample_question(groups, macros, rng), answer
