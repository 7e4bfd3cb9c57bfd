#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "llama.h"

namespace omninode {
namespace {

struct FreeChain {
  void operator()(llama_sampler* chain) const { llama_sampler_free(chain); }
};
using Chain = std::unique_ptr<llama_sampler, FreeChain>;

// Penalties come first, as in llama.cpp's own tools, so that the cut-offs see the penalised logits.
Chain make_chain(const Sampling& how, int32_t n_vocab, int32_t position) {
  Chain chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  auto add = [&](llama_sampler* part) { llama_sampler_chain_add(chain.get(), part); };
  if (how.repetition_penalty != 1.0f) add(llama_sampler_init_penalties(n_vocab, how.penalty_window, how.repetition_penalty, 0, 0));
  if (how.temperature <= 0) {
    add(llama_sampler_init_greedy());
    return chain;
  }
  if (how.top_k > 0) add(llama_sampler_init_top_k(how.top_k));
  if (how.top_p < 1) add(llama_sampler_init_top_p(how.top_p, 1));
  if (how.min_p > 0) add(llama_sampler_init_min_p(how.min_p, 1));
  add(llama_sampler_init_temp(how.temperature));
  add(llama_sampler_init_dist(seed_at(how.seed, position)));
  return chain;
}

std::vector<llama_token_data> candidates_of(const float* logits, int32_t n_vocab, const std::vector<int32_t>* among) {
  std::vector<llama_token_data> data;
  if (among != nullptr) {
    for (int32_t token : *among) data.push_back({token, logits[token], 0});
    return data;
  }
  data.resize(n_vocab);
  for (int32_t i = 0; i < n_vocab; i++) data[i] = {i, logits[i], 0};
  return data;
}

int32_t draw(const Sampling& how, std::vector<llama_token_data> data, int32_t n_vocab, int32_t position, const std::vector<int32_t>& recent) {
  Chain chain = make_chain(how, n_vocab, position);
  for (int32_t token : recent) llama_sampler_accept(chain.get(), token);
  llama_token_data_array candidates = {data.data(), data.size(), -1, false};
  llama_sampler_apply(chain.get(), &candidates);
  return candidates.data[candidates.selected].id;
}

void add_logprobs(const Sampling& how, const float* logits, int32_t n_vocab, Sampled& out) {
  const float max = *std::max_element(logits, logits + n_vocab);
  double sum = 0;
  for (int32_t i = 0; i < n_vocab; i++) sum += std::exp(static_cast<double>(logits[i] - max));
  const float log_sum = max + static_cast<float>(std::log(sum));
  std::vector<int32_t> ids(n_vocab);
  std::iota(ids.begin(), ids.end(), 0);
  const int32_t n = std::min(how.top_logprobs, n_vocab);
  auto likelier = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  std::partial_sort(ids.begin(), ids.begin() + n, ids.end(), likelier);
  for (int32_t i = 0; i < n; i++) out.top.push_back({ids[i], logits[ids[i]] - log_sum});
  out.logprob = logits[out.token] - log_sum;
}

}  // namespace

int32_t argmax(const float* logits, int32_t n_vocab) {
  return static_cast<int32_t>(std::max_element(logits, logits + n_vocab) - logits);
}

bool is_plain(const Sampling& how) { return how.temperature <= 0 && how.repetition_penalty == 1.0f; }

uint32_t seed_at(uint32_t seed, int32_t position) {
  uint64_t z = (static_cast<uint64_t>(seed) << 32 | static_cast<uint32_t>(position)) + 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  const auto mixed = static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
  // llama.cpp takes this one value as "choose a random seed".
  return mixed == LLAMA_DEFAULT_SEED ? mixed - 1 : mixed;
}

Sampled sample(const Sampling& how, const float* logits, int32_t n_vocab, int32_t position, const std::vector<int32_t>& recent, const std::vector<int32_t>* among) {
  const auto likeliest = [&] { return among == nullptr ? argmax(logits, n_vocab) : among->front(); };
  Sampled out{is_plain(how) ? likeliest() : draw(how, candidates_of(logits, n_vocab, among), n_vocab, position, recent), std::numeric_limits<float>::quiet_NaN(), {}};
  if (how.top_logprobs > 0) add_logprobs(how, logits, n_vocab, out);
  return out;
}

}  // namespace omninode
