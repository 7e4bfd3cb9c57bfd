// Stage 0's share of the ring: which tokens are fed again, and which are guessed ahead. No socket, no lock, no clock of its own.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "draft-length.h"
#include "drafter.h"

namespace omninode {

// The same rules as src-main/pipeline/stage-runner/token-feeder.ts.
struct FeedRules {
  std::vector<int32_t> end_tokens;
  // Tokens that may still be produced.
  int32_t left = 0;
  // Tokens at positions >= limit wait until it is raised.
  int32_t limit = 0;
  int32_t context_tokens = 0;
  // What the answer may be after the first token: drafted before anything is looked up.
  std::vector<int32_t> guess;
};

struct FedRow {
  int32_t token = 0;
  int32_t position = 0;
  bool is_draft = false;
  // No row follows for now: the answer's length, the context or the reader's room ends with its token.
  bool is_last = false;
};

// Besides the token that is due it feeds drafts: guesses of the tokens after it, whose rows follow at once. The last stage
// computes a draft's row only when its token is the one sampled for that position. Sampling depends on (seed, position)
// alone, so that this is the rejection rule of speculative sampling for a draft that is a single token (Leviathan et al.,
// "Fast Inference from Transformers via Speculative Decoding", 2023), and the tokens are those without drafts, bit for bit.
class LaneFeeder {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Without `length`, which must outlive it, nothing is drafted.
  LaneFeeder(FeedRules rules, DraftLength* length);

  // To be computed, in order. `drops_drafts`: drafts fed before that are not computed yet are not wanted any more.
  // `confirms`: the token was drafted, its row is on its way or waits to be computed.
  struct Step {
    std::vector<FedRow> rows;
    bool drops_drafts = false;
    bool confirms = false;
  };
  // The last stage sampled `token` for `position`. `whole`: the token came round a ring that takes drafts.
  Step on_token(int32_t token, int32_t position, Time at, bool whole);
  Step raise(int32_t limit);
  void stop();
  bool is_done() const { return done_; }
  // Whether a token for `position` is the next one.
  bool is_due(int32_t position) const { return done_ || due_ < 0 || position == due_; }
  // The text up to the token fed last is wanted.
  bool wants_text() const { return length_ != nullptr && !remembers_ && !done_ && due_ >= 0; }
  void remember(std::vector<int32_t> text);

 private:
  bool ends(int32_t token, int32_t position) const;
  bool may_feed(const Draft& draft) const;
  FedRow row(int32_t token, int32_t position, bool is_draft) const;
  void judge(int32_t token, int32_t position);
  void draft(Step& step);
  void end_round(Time at);

  FeedRules rules_;
  DraftLength* length_;
  Drafter drafter_;
  // The position of the token that comes next; -1: not known yet.
  int32_t due_ = -1;
  bool done_ = false;
  bool remembers_ = false;
  std::optional<std::pair<int32_t, int32_t>> parked_;
  // The draft that was next in line, fed or not, to see whether it would have come true.
  std::optional<Draft> thought_;
  // Since the last row that was no draft, or the last look at the time; no time: nothing is measured.
  std::optional<Time> round_began_;
  int32_t round_tokens_ = 0;
  bool round_has_drafts_ = false;
};

}  // namespace omninode
