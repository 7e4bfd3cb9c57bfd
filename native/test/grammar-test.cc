#include <map>

#include "errors.h"
#include "grammar.h"
#include "harness.h"
#include "spelling.h"
#include "stage.h"
#include "vocab.h"

using namespace omninode;

namespace {

constexpr int32_t byte(char c) { return -1 - static_cast<uint8_t>(c); }
constexpr int32_t kAny = -1;

// Sequences as the program has them.
std::vector<int32_t> rule(const std::vector<std::vector<int32_t>>& alternatives) {
  std::vector<int32_t> out = {0, static_cast<int32_t>(alternatives.size())};
  for (const auto& symbols : alternatives) {
    out.push_back(static_cast<int32_t>(symbols.size()));
    out.insert(out.end(), symbols.begin(), symbols.end());
  }
  return out;
}

std::vector<int32_t> program(const std::vector<std::vector<int32_t>>& rules) {
  std::vector<int32_t> out = {0, static_cast<int32_t>(rules.size())};
  for (const auto& one : rules) out.insert(out.end(), one.begin(), one.end());
  return out;
}

bool fits(const std::vector<int32_t>& words, const std::string& whole) {
  GrammarText text(std::make_shared<const Grammar>(words));
  return text.append(whole) && text.may_end();
}

template <class F>
bool is_refused(F&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure.code == Code::bad_grammar;
  }
  return false;
}

std::string spelled(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) {
    const size_t length = token == "END" ? Spelling::kEnd : token.size();
    out += {static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
    if (token != "END") out += token;
  }
  return out;
}

// s = "" | "(" s ")" s
const std::vector<int32_t> kBrackets = program({rule({{}, {byte('('), 0, byte(')'), 0}})});

}  // namespace

TEST(brackets_match) {
  for (const char* text : {"", "()", "(())()", "((()()))"}) CHECK(fits(kBrackets, text));
  for (const char* text : {"(", ")", "())", "(()"}) CHECK(!fits(kBrackets, text));
}

TEST(a_repetition_counts) {
  const auto twice_to_four = program({{1, byte('a'), 2, 4}});
  CHECK(!fits(twice_to_four, "a") && fits(twice_to_four, "aa") && fits(twice_to_four, "aaaa") && !fits(twice_to_four, "aaaaa"));
  const auto any = program({{1, byte('a'), 0, kAny}});
  CHECK(fits(any, "") && fits(any, std::string(1000, 'a')) && !fits(any, "b"));
  // What is repeated may be empty.
  const auto empty = program({{1, 1, 3, kAny}, rule({{}, {byte('a')}})});
  CHECK(fits(empty, "") && fits(empty, "aaaaa"));
  // Behind it comes something that it could have taken as well.
  const auto tail = program({rule({{1, byte('a')}}), {1, byte('a'), 0, kAny}});
  CHECK(!fits(tail, "") && fits(tail, "a") && fits(tail, "aaa"));
}

TEST(left_and_hidden_left_recursion_end) {
  // 0 = 1 0 "x" | "y"; 1 = ""
  const auto hidden = program({rule({{1, 0, byte('x')}, {byte('y')}}), rule({{}})});
  CHECK(fits(hidden, "yxxx") && !fits(hidden, "x"));
  // A rule that is itself has no texts.
  CHECK(is_refused([] { Grammar(program({rule({{0}})})); }));
}

// A stack of alternatives would be doubled by each sign.
TEST(an_ambiguous_grammar_takes_no_exponential_time) {
  // 0 = "a" 0 "b" | "a" 0 "c" | "a"
  const auto forks = program({rule({{byte('a'), 0, byte('b')}, {byte('a'), 0, byte('c')}, {byte('a')}})});
  CHECK(fits(forks, std::string(200, 'a') + std::string(199, 'b')));
  // 0 = 0 0 | "a"
  const auto doubles = program({rule({{0, 0}, {byte('a')}})});
  CHECK(fits(doubles, std::string(200, 'a')));
}

TEST(what_leads_nowhere_is_left_out) {
  // 0 = "a" 1 | "b" 2 "c"; 1 = 1; 2 = 1{0,}
  const auto words = program({rule({{byte('a'), 1}, {byte('b'), 2, byte('c')}}), rule({{1}}), {1, 1, 0, kAny}});
  CHECK(!fits(words, "a") && fits(words, "bc"));
  CHECK(GrammarText(std::make_shared<const Grammar>(words)).next().count() == 1);
  ByteSet letters;
  letters.set('a').set('b');
  CHECK(is_refused([&] { Grammar(words, letters); }));
  // A set of which not all can be written.
  std::vector<int32_t> set = {1, 0, 0, 0, 0x6 | 1 << 26, 0, 0, 0, 0, 1, 1, -257, 0, kAny};
  CHECK(fits(set, "abz"));
  GrammarText text(std::make_shared<const Grammar>(set, letters));
  CHECK(text.append("ab") && !text.append("z") && text.next().count() == 2);
}

TEST(too_much_at_once_is_refused) {
  std::vector<std::vector<int32_t>> alternatives(GrammarText::kMostAtByte + 1, {byte('a')});
  const auto wide = program({rule(alternatives)});
  CHECK(is_refused([&] { GrammarText(std::make_shared<const Grammar>(wide)); }));
}

TEST(what_is_no_grammar_is_refused) {
  for (const std::vector<int32_t>& words : std::vector<std::vector<int32_t>>{
           {}, {0}, {0, 0}, {-1}, {1 << 30}, {0, 1}, {0, 1, 0, 1, 1, 1}, {0, 1, 0, 1, 1, -257}, {0, 1, 0, 1, 1, INT32_MIN}, {0, 1, 0, 1 << 30}, {0, 1, 1, 0}, {0, 1, 1, 0, -1, 3},
           {0, 1, 1, 0, 3, 2}, {0, 1, 0, 0, 7}, {0, 2, 0, 0}}) {
    CHECK(is_refused([&] { Grammar grammar(words); }));
  }
}

// Cut anywhere and with anything in it, a program is a grammar or refused, and never more is read than it has.
TEST(damaged_programs_do_no_harm) {
  const auto whole = program({rule({{1, 2}, {byte('x')}}), {1, byte('a'), 0, 5}, rule({{}, {1, byte('b')}})});
  uint32_t random = 1;
  auto next = [&] { return random = random * 1664525u + 1013904223u; };
  int accepted = 0;
  for (int i = 0; i < 20000; i++) {
    auto words = whole;
    words[(next() >> 8) % words.size()] = static_cast<int32_t>(next()) >> ((next() >> 8) % 31);
    if ((next() >> 8) % 4 == 0) words.resize((next() >> 8) % words.size());
    try {
      GrammarText text(std::make_shared<const Grammar>(words));
      text.append("aab");
      accepted++;
    } catch (const Failure& failure) {
      CHECK(failure.code == Code::bad_grammar);
    }
  }
  CHECK(accepted > 0);
}

TEST(a_text_can_be_taken_back) {
  GrammarText text(std::make_shared<const Grammar>(kBrackets));
  CHECK(text.append("(()"));
  const ByteSet open = text.next();
  CHECK(!text.append("))(x") && text.length() == 3 && text.next() == open);
  CHECK(!text.append("))") && text.append(")") && text.may_end());
  text.truncate(1);
  CHECK(text.length() == 1 && !text.may_end() && text.append(")") && text.may_end());
}

TEST(the_likeliest_tokens_that_fit_come_in_order) {
  GrammarText text(std::make_shared<const Grammar>(kBrackets));
  const Spelling spelling(spelled({"(", ")", "()", "", "END", "((", "x"}), 7);
  const std::vector<float> logits = {1, 9, 3, 9, 2, 3, 9};
  CHECK((spelling.fitting(text, logits.data(), 10) == std::vector<int32_t>{2, 5, 4, 0}));
  CHECK((spelling.fitting(text, logits.data(), 2) == std::vector<int32_t>{2, 5}));
  CHECK(text.append("(") && (spelling.fitting(text, logits.data(), 10) == std::vector<int32_t>{1, 2, 5, 0}));
  CHECK(spelling.writable().count() == 3);
  CHECK(is_refused([&] { Spelling(spelled({"(", "END"}), 3); }));
  CHECK(is_refused([&] { Spelling(spelled({"END", ")"}), 1); }));
  CHECK(is_refused([&] { Spelling(spelled({"(", ")"}), 2); }));
  CHECK(is_refused([&] { Spelling(std::string("\x05\x00" "ab", 4), 1); }));
}

TEST(a_stage_answers_in_the_shape_and_again_after_a_rollback) {
  const Vocab vocab(model_path);
  StageOptions o;
  o.path = model_path;
  o.context_tokens = 128;
  o.max_sessions = 2;
  o.batch_tokens = 16;
  Stage stage(o);
  // "[" ("yes" | "no") ("," ("yes" | "no")){1,3} "]"
  const auto words = program({rule({{byte('['), 1, 2, byte(']')}}), rule({{byte('y'), byte('e'), byte('s')}, {byte('n'), byte('o')}}), {1, 3, 1, 3}, rule({{byte(','), 1}})});
  Sampling warm;
  warm.temperature = 1.5f;
  warm.seed = 3;
  for (const Sampling& how : {Sampling(), warm}) {
    int32_t s = stage.open(how, std::nullopt, stage.shape(words, vocab.spelling()));
    auto run = [&](std::vector<int32_t> prompt, int32_t position) {
      std::vector<int32_t> out;
      for (int i = 0; i < 40; i++) {
        Input input;
        input.tokens = prompt.data();
        input.rows = static_cast<int32_t>(prompt.size());
        const int32_t token = stage.forward(s, position, input, Want::sample, Dtype::f32).sampled.token;
        position += input.rows;
        prompt = {token};
        out.push_back(token);
        if (Spelling(vocab.spelling(), vocab.size()).is_end(token)) break;
      }
      return out;
    };
    const std::vector<int32_t> prompt = {300, 301, 302};
    const auto first = run(prompt, 0);
    auto text_of = [&](const std::vector<int32_t>& tokens) {
      std::string text;
      for (int32_t token : tokens) text += vocab.token_bytes(token, false);
      return text;
    };
    CHECK(fits(words, text_of(first)));
    stage.rollback(s, 0);
    CHECK(run(prompt, 0) == first);
    // The next answer of the session is a text of its own; replayed on another session it is the same, where nothing is sampled between the two.
    const std::vector<int32_t> more = {303, 304};
    const auto rows = static_cast<int32_t>(prompt.size() + first.size()) - 1;
    stage.rollback(s, rows);
    const auto second = run(more, rows);
    CHECK(fits(words, text_of(second)));
    const int32_t again = stage.open(how, std::nullopt, stage.shape(words, vocab.spelling()));
    for (int32_t i = -1; i < static_cast<int32_t>(first.size()) - 1; i++) {
      std::vector<int32_t> row = i < 0 ? prompt : std::vector<int32_t>{first[i]};
      Input input;
      input.tokens = row.data();
      input.rows = static_cast<int32_t>(row.size());
      const bool is_last = i == static_cast<int32_t>(first.size()) - 2;
      const Output out = stage.forward(again, i < 0 ? 0 : static_cast<int32_t>(prompt.size()) + i, input, is_last ? Want::none : Want::sample, Dtype::f32);
      CHECK(is_last || out.sampled.token == first[i + 1]);
    }
    stage.close(s);
    s = again;
    CHECK(run(more, rows) == second);
    stage.close(s);
  }
}
