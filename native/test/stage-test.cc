#include "errors.h"
#include "harness.h"
#include "stage.h"
#include "vocab.h"

using namespace omninode;

static StageOptions options() {
  StageOptions o;
  o.path = model_path;
  o.context_tokens = 64;
  o.max_sessions = 2;
  o.batch_tokens = 16;
  return o;
}

static Input tokens(const std::vector<int32_t>& ids) {
  Input input;
  input.tokens = ids.data();
  input.rows = static_cast<int32_t>(ids.size());
  return input;
}

template <class F>
static int code_of(F&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return static_cast<int>(failure.code);
  }
  return 0;
}

static std::vector<int32_t> answer(Stage& stage, int32_t session, std::vector<int32_t> prompt, int n) {
  std::vector<int32_t> out;
  int32_t position = 0;
  for (int i = 0; i < n; i++) {
    const Output step = stage.forward(session, position, tokens(prompt), Want::sample, Dtype::f32);
    position += static_cast<int32_t>(prompt.size());
    prompt = {step.sampled.token};
    out.push_back(step.sampled.token);
  }
  return out;
}

TEST(a_rollback_forgets) {
  Stage stage(options());
  const int32_t s = stage.open(Sampling());
  const auto first = answer(stage, s, {300, 301, 302}, 8);
  stage.rollback(s, 0);
  CHECK(answer(stage, s, {300, 301, 302}, 8) == first);
}

TEST(sessions_do_not_see_each_other) {
  Stage stage(options());
  const int32_t a = stage.open(Sampling()), b = stage.open(Sampling());
  const auto alone = answer(stage, a, {300, 301, 302}, 8);
  answer(stage, b, {400, 401}, 8);
  stage.rollback(a, 0);
  CHECK(answer(stage, a, {300, 301, 302}, 8) == alone);
  CHECK(code_of([&] { stage.open(Sampling()); }) == int(Code::sessions_full));
  stage.close(b);
  CHECK(stage.open(Sampling()) == b);
}

TEST(bad_calls_have_numbers) {
  Stage stage(options());
  const int32_t s = stage.open(Sampling());
  auto run = [&](int32_t session, int32_t position, const std::vector<int32_t>& ids, Want want) {
    return code_of([&] { stage.forward(session, position, tokens(ids), want, Dtype::f32); });
  };
  CHECK(run(1, 0, {300}, Want::sample) == int(Code::no_session));
  CHECK(run(-1, 0, {300}, Want::sample) == int(Code::no_session));
  CHECK(run(s, 5, {300}, Want::sample) == int(Code::bad_position));
  CHECK(run(s, 0, {}, Want::sample) == int(Code::bad_argument));
  CHECK(run(s, 0, {-1}, Want::sample) == int(Code::bad_token));
  CHECK(run(s, 0, {1 << 30}, Want::sample) == int(Code::bad_token));
  CHECK(run(s, 0, {300}, Want::hidden) == int(Code::bad_argument));
  CHECK(run(s, 0, std::vector<int32_t>(17, 300), Want::sample) == int(Code::bad_argument));
  for (int32_t position = 0; position < 64; position += 16) CHECK(run(s, position, std::vector<int32_t>(16, 300), Want::none) == 0);
  CHECK(run(s, 64, {300}, Want::sample) == int(Code::context_full));
}

TEST(a_stage_that_does_not_fit_is_refused) {
  StageOptions o = options();
  o.free_bytes = 1 << 20;
  CHECK(code_of([&] { Stage stage(o); }) == int(Code::no_memory));
  o.free_bytes = 1ull << 40;
  CHECK(code_of([&] { Stage stage(o); }) == 0);
  o.context_tokens = 1u << 30;
  o.max_sessions = 8;
  CHECK(code_of([&] { Stage stage(o); }) == int(Code::bad_argument));
}

TEST(a_file_that_is_no_model_is_refused) {
  StageOptions o = options();
  o.path = "/nonexistent.gguf";
  CHECK(code_of([&] { Stage stage(o); }) == int(Code::load_failed));
  CHECK(code_of([&] { Vocab vocab(o.path); }) == int(Code::load_failed));
}

TEST(text_survives_the_vocabulary) {
  Vocab vocab(model_path);
  const std::string text = "How does OmniNode split a model? \xc3\xa4\xe2\x82\xac";
  std::string back;
  for (int32_t token : vocab.tokenize(text, false, false)) back += vocab.token_bytes(token, false);
  CHECK(back.find(text) != std::string::npos);
  CHECK(!vocab.end_tokens().empty());
  CHECK(vocab.apply_template({{"user", "hi"}}, true).find("hi") != std::string::npos);
  CHECK(code_of([&] { vocab.token_bytes(1 << 30, false); }) == int(Code::bad_token));
}

static Output step(Stage& stage, int32_t session, int32_t position, int32_t token, bool rewinds) {
  const std::vector<int32_t> ids = {token};
  Input input = tokens(ids);
  input.rewinds = rewinds;
  return stage.forward(session, position, input, Want::sample, Dtype::f32);
}

TEST(a_row_that_rewinds_takes_the_place_of_what_was_there) {
  Stage stage(options());
  const int32_t s = stage.open(Sampling());
  const auto first = answer(stage, s, {300, 301, 302}, 8);
  // Rows 3.. were computed from tokens 0.. of the answer; a draft in their place, then the right ones.
  step(stage, s, 5, 17, true);
  step(stage, s, 6, 18, true);
  for (int32_t i = 2; i < 7; i++) CHECK(step(stage, s, 3 + i, first[static_cast<size_t>(i)], i == 2).sampled.token == first[static_cast<size_t>(i) + 1]);
  CHECK(stage.tokens(s) == std::vector<int32_t>({300, 301, 302, first[0], first[1], first[2], first[3], first[4], first[5], first[6]}));
  CHECK(code_of([&] { step(stage, s, 4, 17, false); }) == int(Code::bad_position));
  CHECK(code_of([&] { step(stage, s, 12, 17, true); }) == int(Code::bad_position));
  CHECK(stage.can_forget());
  stage.rollback(s, 2);
  CHECK(stage.tokens(s) == std::vector<int32_t>({300, 301}));
  CHECK(code_of([&] { stage.tokens(1); }) == int(Code::no_session));
}
