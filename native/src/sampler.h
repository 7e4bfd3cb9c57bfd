// Chooses a token from logits. Stateless in time: the random number of a position depends on (seed, position) alone.
#pragma once
#include <cstdint>
#include <vector>

namespace omninode {

struct Sampling {
  float temperature = 0;
  int32_t top_k = 0;
  float top_p = 1;
  float min_p = 0;
  float repetition_penalty = 1;
  int32_t penalty_window = 64;
  uint32_t seed = 0;
  int32_t top_logprobs = 0;
};

struct TokenLogprob {
  int32_t token;
  float logprob;
};

struct Sampled {
  int32_t token;
  // NaN unless Sampling::top_logprobs > 0: the softmax over a large vocabulary is not free.
  float logprob;
  std::vector<TokenLogprob> top;
};

// The likeliest token; the lowest id among equals, so that every machine agrees.
int32_t argmax(const float* logits, int32_t n_vocab);

// The likeliest token that may be taken is taken.
bool is_plain(const Sampling& how);

// The seed of the random number for one absolute position (splitmix64 over both).
uint32_t seed_at(uint32_t seed, int32_t position);

// `recent`: generated tokens, oldest first, as far as the penalty looks back. `among`: the tokens that may be taken, likeliest first; null: all.
Sampled sample(const Sampling& how, const float* logits, int32_t n_vocab, int32_t position, const std::vector<int32_t>& recent, const std::vector<int32_t>* among = nullptr);

}  // namespace omninode
