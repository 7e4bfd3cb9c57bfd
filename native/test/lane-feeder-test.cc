#include "harness.h"
#include "lane-feeder.h"

using namespace omninode;

namespace {

using Tokens = std::vector<int32_t>;

// A feeder that drafts eight ahead whatever it brings, and the clock it is told.
struct Bench {
  DraftLength length{true};
  LaneFeeder feeder;
  LaneFeeder::Time now{};

  explicit Bench(FeedRules rules) : feeder(std::move(rules), &length) {}

  LaneFeeder::Step token(int32_t token, int32_t position) {
    now += std::chrono::milliseconds(10);
    return feeder.on_token(token, position, now, true);
  }
};

FeedRules rules() { return {{}, 1000, 1000, 1000, {}}; }

Tokens drafts_in(const LaneFeeder::Step& step) {
  Tokens out;
  for (const FedRow& row : step.rows) {
    if (row.is_draft) out.push_back(row.token);
  }
  return out;
}

Tokens certain_in(const LaneFeeder::Step& step) {
  Tokens out;
  for (const FedRow& row : step.rows) {
    if (!row.is_draft) out.push_back(row.token);
  }
  return out;
}

}  // namespace

TEST(a_feeder_feeds_each_token_and_drafts_once_it_knows_the_text) {
  Bench bench(rules());
  LaneFeeder::Step first = bench.token(2, 4);
  CHECK(certain_in(first) == Tokens({2}) && first.rows[0].position == 4 && drafts_in(first).empty());
  CHECK(bench.feeder.wants_text());
  bench.feeder.remember({1, 2, 3, 1, 2});
  CHECK(!bench.feeder.wants_text());
  const LaneFeeder::Step next = bench.token(3, 5);
  CHECK(certain_in(next) == Tokens({3}));
  CHECK(drafts_in(next) == Tokens({1, 2, 3, 1, 2, 3, 1, 2}));
  CHECK(next.rows[1].position == 6 && next.rows[8].position == 13);
}

TEST(a_feeder_feeds_nothing_twice_when_a_draft_comes_true) {
  Bench bench(rules());
  bench.token(2, 4);
  bench.feeder.remember({1, 2, 3, 1, 2});
  bench.token(3, 5);
  const LaneFeeder::Step hit = bench.token(1, 6);
  CHECK(hit.confirms && !hit.drops_drafts && certain_in(hit).empty());
  // One came true, one more follows.
  CHECK(drafts_in(hit) == Tokens({3}) && hit.rows[0].position == 14);
  const LaneFeeder::Step miss = bench.token(9, 7);
  CHECK(!miss.confirms && miss.drops_drafts);
  CHECK(certain_in(miss) == Tokens({9}) && miss.rows[0].position == 7);
}

TEST(a_feeder_takes_no_text_of_another_moment) {
  Bench bench(rules());
  bench.token(2, 4);
  bench.feeder.remember({1, 2, 3, 1, 2, 3});
  CHECK(drafts_in(bench.token(3, 5)).empty());
}

TEST(a_feeder_drafts_only_round_a_ring_that_takes_drafts) {
  Bench bench(rules());
  bench.token(2, 4);
  bench.feeder.remember({1, 2, 3, 1, 2});
  CHECK(drafts_in(bench.feeder.on_token(3, 5, bench.now, false)).empty());
  LaneFeeder plain(rules(), nullptr);
  CHECK(!plain.wants_text());
  CHECK(plain.on_token(3, 5, bench.now, true).rows.size() == 1 && !plain.wants_text());
}

TEST(drafts_never_lead_to_more_tokens_than_were_asked_for) {
  FeedRules few = rules();
  few.left = 4;
  Bench bench(few);
  bench.token(2, 4);
  bench.feeder.remember({1, 2, 3, 1, 2});
  // Two are still due: one after the row of this token, one after the draft.
  CHECK(drafts_in(bench.token(3, 5)) == Tokens({1}));
  CHECK(bench.token(1, 6).rows.empty());
  CHECK(bench.token(2, 7).rows.empty() && bench.feeder.is_done());
}

TEST(drafts_stop_before_an_end_token_the_limit_and_the_end_of_the_context) {
  FeedRules ends = rules(), limited = rules(), full = rules();
  ends.end_tokens = {9, 2};
  limited.limit = 8;
  full.context_tokens = 9;
  const auto drafts = [](FeedRules with) {
    Bench bench(std::move(with));
    bench.token(7, 4);
    bench.feeder.remember({1, 7, 3, 1, 7});
    return drafts_in(bench.token(3, 5));
  };
  CHECK(drafts(ends) == Tokens({1, 7, 3, 1, 7, 3, 1, 7}));
  ends.end_tokens = {7};
  ends.left = 1000;
  {
    Bench bench(ends);
    bench.token(8, 4);
    bench.feeder.remember({8, 3, 7, 8, 8});
    CHECK(drafts_in(bench.token(3, 5)).empty());
  }
  CHECK(drafts(limited) == Tokens({1, 7}));
  CHECK(drafts(full) == Tokens({1, 7, 3}));
}

TEST(a_feeder_ends_waits_and_stops_as_it_does_without_drafts) {
  FeedRules with_end = rules();
  with_end.end_tokens = {9};
  Bench ended(with_end);
  ended.token(2, 4);
  ended.feeder.remember({1, 2, 3, 1, 2});
  ended.token(3, 5);
  const LaneFeeder::Step end = ended.token(9, 6);
  CHECK(end.rows.empty() && end.drops_drafts && ended.feeder.is_done());
  CHECK(ended.token(1, 7).rows.empty());

  FeedRules limited = rules();
  limited.limit = 6;
  Bench waits(limited);
  waits.token(2, 4);
  waits.feeder.remember({1, 2, 3, 1, 2});
  CHECK(drafts_in(waits.token(3, 5)).empty());
  CHECK(waits.token(1, 6).rows.empty());
  CHECK(waits.feeder.raise(6).rows.empty());
  const LaneFeeder::Step raised = waits.feeder.raise(20);
  CHECK(certain_in(raised) == Tokens({1}) && raised.rows[0].position == 6);
  CHECK(drafts_in(waits.token(2, 7)) == Tokens({3, 1, 2, 3, 1, 2, 3, 1}));

  waits.feeder.stop();
  CHECK(waits.token(3, 8).rows.empty() && waits.feeder.raise(1000).rows.empty());
}

TEST(a_feeder_that_guesses_right_all_the_time_still_sees_when_that_takes_longer) {
  DraftLength length;
  FeedRules told = rules();
  for (int32_t i = 0; i < 900; i++) told.guess.push_back(i);
  LaneFeeder feeder(told, &length);
  LaneFeeder::Time now{};
  length.pass(2000, 4000);
  // Without drafts a token takes 4 ms, with them 6: the stages share a processor that others use, too.
  feeder.on_token(1, 0, now, true);
  feeder.remember({1});
  int32_t drafts = 0, late = 0;
  bool under_way = false;
  for (int32_t i = 0; i < 900; i++) {
    now += std::chrono::milliseconds(under_way ? 6 : 4);
    const LaneFeeder::Step step = feeder.on_token(i, i + 1, now, true);
    under_way = step.confirms || !drafts_in(step).empty();
    drafts += static_cast<int32_t>(drafts_in(step).size());
    if (i >= 450) late += static_cast<int32_t>(drafts_in(step).size());
  }
  CHECK(drafts > 20);
  CHECK(late < 60);
}

TEST(a_feeder_knows_which_token_is_due) {
  Bench bench(rules());
  CHECK(bench.feeder.is_due(4) && bench.feeder.is_due(77));
  bench.token(2, 4);
  CHECK(bench.feeder.is_due(5) && !bench.feeder.is_due(4) && !bench.feeder.is_due(6));
  bench.feeder.stop();
  CHECK(bench.feeder.is_due(4));
}

TEST(a_feeder_drafts_what_it_is_told_at_its_place) {
  FeedRules told = rules();
  told.guess = {3, 40, 50};
  Bench bench(told);
  bench.token(2, 4);
  bench.feeder.remember({1, 2, 3, 1, 2});
  // Position 5 is the token that came, 6 and 7 are told, and then nothing like it was there before.
  CHECK(drafts_in(bench.token(3, 5)) == Tokens({40, 50}));
  const LaneFeeder::Step miss = bench.token(1, 6);
  CHECK(certain_in(miss) == Tokens({1}) && drafts_in(miss).front() == 50);
}
