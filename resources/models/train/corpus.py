"""The corpus: intents with an answer each, and a sampler that turns their patterns into questions.

Patterns may hold [a|b|] (pick one) and {macro} (pick one of the macro's values)."""
import json
import random
import re
from pathlib import Path

HERE = Path(__file__).parent
REFUSAL_SHARE = 0.14
SYSTEM_SHARE = 0.3
SYSTEM = ["You are OmniNode's built-in guide.", "You are a helpful assistant.", "Answer questions about OmniNode.",
          "You are the OmniNode guide. Be brief and honest."]
MACROS = {
    "omni": ["OmniNode", "OmniNode", "OmniNode", "omninode", "the app", "this app", "it"],
    "term": ["what is {}", "what's {}", "what are {}", "explain {}", "define {}", "what does {} mean", "{} meaning", "{}",
             "tell me about {}", "can you explain {}", "what do you mean by {}", "what about {}", "i keep reading {}, what is that",
             "describe {}", "what should i know about {}", "what is {} in OmniNode", "what is meant by {}", "{} explained",
             "help me understand {}", "i do not understand {}", "how should i picture {}", "what is the idea behind {}",
             "give me a definition of {}", "say something about {}", "is there anything to know about {}", "info on {}"],
    "task": ["how do i {}", "how can i {}", "how to {}", "how do you {}", "i want to {}", "i would like to {}", "steps to {}",
             "show me how to {}", "what do i do to {}", "i need to {}", "what is the way to {}", "is it possible to {}",
             "can i {}", "tell me how to {}", "{}", "what is needed to {}", "help me {}", "explain how to {}", "how would i {}",
             "what is the best way to {}", "i am trying to {}", "what must i do to {}", "where do i {}", "how does one {}",
             "which command do i need to {}", "guide me to {}", "i'd like to {}, how", "instructions to {}"],
}
PREFIXES = ["hey, ", "please, ", "can you tell me ", "i want to know ", "quick question: ", "so ", "hi, ", "um, ", "tell me, ",
            "excuse me, ", "just wondering, ", "could you tell me ", "do you know ", "ok, ", "and ", "also, ", "well, ",
            "my friend asks ", "for my school project: ", "i am new to this. ", "hello, ", "one more question: ", "sorry, ",
            "i am curious, ", "please explain ", "i was wondering ", "question: ", "now ", "but ", "guys, ",
            # Foreign words before a question, so that they alone do not make it out of scope.
            "here in {place}, ", "{person} wants to know: ", "my {noun} is fine, but ", "for {thing}: ", "{pseudo}, ",
            "i am {pseudo} from {place}. ", "while i eat {food}: "]
SUFFIXES = [" please", ", please", " exactly", " actually", " then", " thanks", " for me", " by the way", " now", " in short",
            " in simple words", " again"]
FILLERS = ["really", "actually", "just", "basically", "currently", "even", "still", "please", "maybe", "kind of", "now"]
STOP_WORDS = set("the a an is are do does to my in of i it can you on for with that this your and what how".split())
SYNONYMS = [s.split() for s in (
    "machine computer pc box device", "machines computers pcs boxes devices", "show display print", "error message failure",
    "big large huge", "bigger larger", "fast quick", "faster quicker", "start launch run", "explain describe", "get obtain",
    "find locate discover", "use employ utilise", "see view watch", "wrong incorrect", "change alter modify", "kept stored saved",
    "several many multiple", "needed required necessary", "check verify inspect", "happens occurs", "answer reply response",
    "question prompt", "folder directory", "between among across", "give offer provide", "possible feasible", "stop end halt")]
PHRASES = [p.split(" = ") for p in (
    "how do i = how should i", "how do i = how might i", "how do i = how am i supposed to", "how do i = whats the way to",
    "how do i = what are the steps to", "how do i = is there an easy way to", "how do i = any idea how to", "how can i = how could i",
    "what is = whats", "what is = what exactly is", "what is = what's", "what does = what will", "what are = what're",
    "can i = could i", "can i = may i", "can i = am i able to", "can i = am i allowed to", "can i = is there a way i can",
    "do i need = must i have", "do i need = is it necessary to have", "do i need = does one need", "do i need = should i have",
    "where is = where can i find", "where are = where can i find", "where do i = where should i", "why is = how come",
    "which = what", "is there = do you have", "is there = does {omni} have", "does it = will it", "does it = can it", "is it = would it be",
    "i want to = id like to", "i want to = i plan to", "what happens = what will happen", "what if = what happens if", "do you = does {omni}",
    "how does = in what way does", "how does = could you say how does", "how much = what amount of", "explain = walk me through",
    "explain = give me the short version of", "tell me about = teach me about", "it says = i get the message", "it says = the app complains",
    "my = our", "i am = i'm", "cannot = can't", "don't = do not", "a model = an llm", "the model = the llm", "a model = a language model",
    "models = llms", "not working = broken", "does not work = fails")]
SYNONYM_OF = {word: group for group in SYNONYMS for word in group}
TOKEN = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")


def load_intents():
    """Returns every intent as (answer, weighted groups of patterns), the refusal last, and the macros."""
    intents, macros = [], {"omni": MACROS["omni"]}
    for path in sorted((HERE / "corpus").glob("*.json")):
        data = json.loads(path.read_text())
        if isinstance(data, list):
            intents += [(item["answer"], groups_of(item)) for item in data]
        else:
            macros.update(data["macros"])
            refusal = (data["answer"], [(1.0, data["frames"])])
    return intents + [refusal], macros


def groups_of(item):
    framed = {"terms": "term", "tasks": "task"}
    groups = [(3.0, item["questions"])] if "questions" in item else []
    for key, frame in framed.items():
        if key in item:
            groups.append((2.0, [f.replace("{}", v) for v in item[key] for f in MACROS[frame]]))
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
    """What people do to a question: fillers, synonyms, dropped words, typos."""
    for old, new in rng.sample(PHRASES, len(PHRASES) // 4):
        question = re.sub(rf"\b{re.escape(old)}\b", new, question, count=1)
    words, dropped = [], 0.9 if rng.random() < 0.06 else 0.03  # now and then in telegram style
    for word in question.split():
        if word in STOP_WORDS and rng.random() < dropped:
            continue
        group = SYNONYM_OF.get(word)
        words.append(rng.choice(group) if group and rng.random() < 0.25 else word)
    if len(words) > 2 and rng.random() < 0.08:
        words.insert(rng.randint(1, len(words) - 1), rng.choice(FILLERS))
    if words and rng.random() < 0.08:
        at = rng.randrange(len(words))
        words[at] = typo(words[at], rng)
    return " ".join(words) or question


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
    if rng.random() < 0.2:
        question = rng.choice(PREFIXES) + question
    if rng.random() < 0.1:
        question += rng.choice(SUFFIXES)
    return styled(expand(question, macros, rng), rng)


def sample_turn(intents, macros, rng):
    refuse = rng.random() < REFUSAL_SHARE
    answer, groups = intents[-1] if refuse else rng.choice(intents[:-1])
    return sample_question(groups, macros, rng), answer
