#include <cmath>
#include <set>

#include "harness.h"
#include "sampler.h"

using namespace omninode;

static const std::vector<float> kLogits = {0.5f, 2.0f, 2.0f, -1.0f, 1.9f};
static const auto kVocab = static_cast<int32_t>(kLogits.size());

TEST(greedy_takes_the_lowest_of_equals) { CHECK(argmax(kLogits.data(), kVocab) == 1); }

TEST(a_position_has_one_random_number) {
  CHECK(seed_at(7, 100) == seed_at(7, 100));
  std::set<uint32_t> seeds;
  for (int32_t position = 0; position < 1000; position++) seeds.insert(seed_at(7, position));
  CHECK(seeds.size() == 1000);
  CHECK(seed_at(7, 1) != seed_at(8, 1));
}

TEST(sampling_repeats_whatever_came_between) {
  Sampling how;
  how.temperature = 1.0f;
  how.seed = 42;
  std::vector<int32_t> first, second;
  for (int32_t p = 0; p < 50; p++) first.push_back(sample(how, kLogits.data(), kVocab, p, {}).token);
  for (int32_t p = 49; p >= 0; p--) second.insert(second.begin(), sample(how, kLogits.data(), kVocab, p, {}).token);
  CHECK(first == second);
  CHECK(std::set<int32_t>(first.begin(), first.end()).size() > 1);
}

TEST(draws_follow_the_distribution) {
  Sampling how;
  how.temperature = 1.0f;
  how.seed = 1;
  std::vector<int> counts(kVocab);
  const int n = 20000;
  for (int32_t p = 0; p < n; p++) counts[sample(how, kLogits.data(), kVocab, p, {}).token]++;
  double sum = 0;
  for (float logit : kLogits) sum += std::exp(logit);
  for (int32_t i = 0; i < kVocab; i++) {
    const double expected = std::exp(kLogits[i]) / sum;
    // Five standard deviations: fails by chance once in a million runs, were the seed not fixed.
    CHECK(std::fabs(counts[i] / double(n) - expected) < 5 * std::sqrt(expected * (1 - expected) / n));
  }
}

TEST(top_k_of_one_is_greedy) {
  Sampling how;
  how.temperature = 2.0f;
  how.top_k = 1;
  for (int32_t p = 0; p < 100; p++) CHECK(sample(how, std::vector<float>{0, 1, 5}.data(), 3, p, {}).token == 2);
}

TEST(the_penalty_sees_recent_tokens) {
  Sampling how;
  how.repetition_penalty = 2.0f;
  CHECK(sample(how, kLogits.data(), kVocab, 0, {}).token == 1);
  CHECK(sample(how, kLogits.data(), kVocab, 0, {1, 2}).token == 4);
}

TEST(logprobs_sum_to_one) {
  Sampling how;
  how.top_logprobs = kVocab;
  const Sampled out = sample(how, kLogits.data(), kVocab, 0, {});
  double sum = 0;
  for (const TokenLogprob& entry : out.top) sum += std::exp(entry.logprob);
  CHECK(std::fabs(sum - 1) < 1e-5);
  CHECK(out.top[0].token == out.token && out.top[0].logprob == out.logprob);
  CHECK(std::isnan(sample(Sampling(), kLogits.data(), kVocab, 0, {}).logprob));
}
