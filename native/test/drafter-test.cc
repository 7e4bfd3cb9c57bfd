#include "draft-length.h"
#include "drafter.h"
#include "harness.h"
#include "stage.h"

using namespace omninode;

// The drafts that come after `text`, at most `most`.
static std::vector<int32_t> drafts_of(Drafter& drafter, int most) {
  std::vector<int32_t> out;
  Draft next;
  for (int i = 0; i < most && drafter.propose(next); i++) {
    out.push_back(next.token);
    drafter.take();
  }
  return out;
}

static std::vector<int32_t> drafts_after(std::vector<int32_t> text, int most) {
  Drafter drafter;
  drafter.remember(std::move(text));
  return drafts_of(drafter, most);
}

using Tokens = std::vector<int32_t>;

TEST(a_drafter_copies_what_followed_the_longest_end_that_occurred_before) {
  CHECK(drafts_after({1, 2, 3, 4, 9, 1, 2}, 2) == Tokens({3, 4}));
  // 7 8 9 came later than 5 7 8, but agrees with fewer tokens.
  CHECK(drafts_after({5, 7, 8, 1, 0, 7, 8, 2, 5, 7, 8}, 1) == Tokens({1}));
  // Of equals the latest.
  CHECK(drafts_after({7, 8, 1, 7, 8, 2, 7, 8}, 1) == Tokens({2}));
}

TEST(a_drafter_has_nothing_to_say_about_new_text) {
  CHECK(drafts_after({}, 4).empty());
  CHECK(drafts_after({1}, 4).empty());
  CHECK(drafts_after({1, 2, 3, 4, 5}, 4).empty());
  // One token alone is no sign.
  CHECK(drafts_after({1, 2, 3, 1}, 4).empty());
}

TEST(a_draft_runs_into_itself_so_that_a_loop_goes_on) {
  CHECK(drafts_after({5, 6, 7, 5, 6}, 7) == Tokens({7, 5, 6, 7, 5, 6, 7}));
  CHECK(drafts_after({4, 4, 4}, 5) == Tokens({4, 4, 4, 4, 4}));
}

TEST(a_drafter_keeps_what_comes_true_and_forgets_the_rest) {
  Drafter drafter;
  drafter.remember({1, 2, 3, 4, 5, 6, 9, 1, 2});
  CHECK(drafts_of(drafter, 3) == Tokens({3, 4, 5}));
  CHECK(drafter.append(3));
  CHECK(drafter.drafts().size() == 2 && drafter.drafts().front().position == 10);
  CHECK(drafts_of(drafter, 1) == Tokens({6}));
  CHECK(!drafter.append(8));
  CHECK(drafter.drafts().empty() && drafter.length() == 11);
  CHECK(drafts_of(drafter, 3).empty());
}

TEST(a_draft_knows_how_long_a_match_it_follows) {
  Drafter drafter;
  drafter.remember({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2});
  drafts_of(drafter, 10);
  CHECK(drafter.drafts().front().match == 2 && drafter.drafts()[1].match == 3 && drafter.drafts().back().match == Drafter::kLongestMatch);
}

TEST(what_a_drafter_is_told_comes_first_and_at_its_position) {
  Drafter drafter;
  drafter.tell(5, {50, 60});
  drafter.remember({1, 2, 9, 1, 2});
  CHECK(drafts_of(drafter, 3) == Tokens({50, 60}));
  drafter.append(9);
  // The text is at position 6, of which it was told; after that it looks things up.
  CHECK(drafts_of(drafter, 3) == Tokens({60}));
  drafter.append(1);
  drafter.append(2);
  CHECK(drafts_of(drafter, 2) == Tokens({9, 1}));
}

TEST(a_drafter_looks_back_so_far_and_no_farther) {
  Tokens text = {1, 2, 3};
  for (int32_t i = 0; i < static_cast<int32_t>(Drafter::kLookBack); i++) text.push_back(10 + i);
  text.insert(text.end(), {1, 2});
  CHECK(drafts_after(text, 1).empty());
  text.erase(text.begin() + 3, text.begin() + 100);
  CHECK(drafts_after(text, 1) == Tokens({3}));
}

// A ring as DraftLength sees it: a time round of `ring_us`, of which the slowest pass takes `pass_us`, and drafts that come
// true with `chance`. `shared`: the stages share a processor, so that every row takes its pass of the time.
struct Ring {
  double ring_us, pass_us, chance;
  bool shared = false;
};

// How many drafts of a match it has under way now.
static size_t drafts_now(DraftLength& length, int32_t match) {
  size_t n = 0;
  if (!length.may_draft()) return 0;
  for (double chance = length.chance(match); length.pays(chance, n); chance *= length.chance(match)) n++;
  return n;
}

// Plays `rounds`; returns the mean time of a token over that without drafts in the last half.
static double play(DraftLength& length, const Ring& ring, int rounds) {
  double us = 0;
  int tokens = 0;
  for (int i = 0; i < rounds; i++) {
    length.pass(ring.pass_us, 2 * ring.pass_us);
    int hits = 0, rows = 0;
    double spent = ring.ring_us;
    for (;; hits++) {
      const auto k = static_cast<int>(drafts_now(length, 3));
      rows = std::max(rows, hits + k);
      // A deterministic coin of that chance.
      const bool is_hit = seed_at(7, i * 64 + hits) / 4294967296.0 < ring.chance;
      length.judge(3, is_hit);
      if (k == 0 || !is_hit || hits == 30) break;
      spent += std::max(ring.pass_us, ring.ring_us / (k + 1));
    }
    if (ring.shared) spent = ring.ring_us * (hits + 1) + (rows - hits) * ring.pass_us;
    length.round(spent, hits + 1, rows > 0);
    if (i < rounds / 2) continue;
    us += spent;
    tokens += hits + 1;
  }
  return us / tokens / ring.ring_us;
}

TEST(drafts_are_as_many_as_fit_into_a_time_round) {
  DraftLength length;
  CHECK(drafts_now(length, 3) == 0);
  play(length, {40000, 4000, 1}, 30);
  CHECK(drafts_now(length, 3) == 9);
  DraftLength two;
  play(two, {8000, 4000, 1}, 30);
  CHECK(drafts_now(two, 3) == 1);
  DraftLength slow;
  play(slow, {4000, 4000, 1}, 30);
  CHECK(drafts_now(slow, 3) == 0);
  DraftLength far;
  play(far, {400000, 1000, 1}, 30);
  CHECK(drafts_now(far, 3) == DraftLength::kMost);
}

TEST(drafts_are_fewer_the_less_likely_they_are) {
  DraftLength length;
  play(length, {44000, 2000, 0.3}, 60);
  const size_t few = drafts_now(length, 3);
  CHECK(few >= 1 && few <= 5);
  DraftLength near;
  play(near, {4000, 2000, 0.3}, 60);
  CHECK(drafts_now(near, 3) == 0);
}

TEST(drafts_pay_on_a_long_way_and_the_more_the_better_they_are) {
  DraftLength good, fair;
  const double with_good = play(good, {44000, 2000, 0.9}, 200), with_fair = play(fair, {44000, 2000, 0.4}, 200);
  CHECK(with_good < 0.35);
  CHECK(with_fair > with_good && with_fair < 0.8);
  DraftLength bad;
  CHECK(play(bad, {44000, 2000, 0.0}, 200) < 1.001);
  CHECK(drafts_now(bad, 3) == 0);
}

TEST(drafts_end_where_the_stages_share_a_processor) {
  DraftLength length;
  CHECK(play(length, {40000, 20000, 0.5, true}, 400) < 1.02);
  DraftLength likely;
  CHECK(play(likely, {40000, 20000, 0.8, true}, 400) < 1.02);
  // A row in vain takes half a token's time there.
  DraftLength always(true);
  CHECK(drafts_now(always, 3) == DraftLength::kAlways);
  CHECK(play(always, {40000, 20000, 0.5, true}, 400) > 1.5);
}

TEST(drafts_wait_for_a_long_way_where_the_next_stage_has_our_processors) {
  DraftLength near, far;
  near.share_processors();
  far.share_processors();
  play(near, {9000, 4000, 0.9}, 40);
  CHECK(drafts_now(near, 3) == 0);
  play(far, {40000, 4000, 0.9}, 40);
  CHECK(drafts_now(far, 3) > 2);
}

TEST(drafts_outlive_a_noisy_machine) {
  DraftLength length;
  play(length, {40000, 2000, 0.0}, 40);
  // Wrong drafts that cost nothing, but for a stall now and then and times that scatter.
  for (int i = 0; i < 200; i++) {
    const double noise = seed_at(11, i) / 4294967296.0;
    const double us = 40000 * (0.97 + 0.06 * noise) + (i % 9 == 0 ? 40000 : 0);
    length.round(us, 1, i % 20 != 0);
  }
  for (int i = 0; i < 40; i++) length.judge(3, true);
  int drafting = 0;
  for (int i = 0; i < 8; i++) drafting += drafts_now(length, 3) > 0;
  CHECK(drafting >= 7);
}

TEST(drafts_come_back_when_the_machine_is_free_again) {
  DraftLength length;
  play(length, {40000, 4000, 0.7, true}, 100);
  CHECK(play(length, {40000, 4000, 0.7}, 600) < 0.7);
}

TEST(one_class_of_drafts_may_fail_without_the_others) {
  DraftLength length;
  play(length, {40000, 2000, 0.9}, 40);
  for (int i = 0; i < 100; i++) length.judge(2, false);
  CHECK(drafts_now(length, 2) == 0);
  CHECK(drafts_now(length, 3) > 4);
}
