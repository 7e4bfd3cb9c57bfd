// How many drafts to have under way: learned from how often they come true and what they cost. No clock of its own.
#pragma once
#include <array>
#include <cstdint>

#include "drafter.h"

namespace omninode {

// Rows are computed one by one, so that drafts save no computing: they fill the time in which a stage would wait for the
// ring. With R the time of a token without drafts and c that of the slowest pass of the ring,
//   - R / c rows fit into a time round, the certain one among them: more would only queue before the slowest stage;
//   - a draft comes true when it and all before it do, and then saves R - c: its token follows after one more pass. If it
//     does not, its rows were computed in vain on all stages but the last, which is given a price, kRowPrice passes.
// So a draft is fed while it fits and its chance times (R - c) is more than that price. On one machine after another R is
// the sum of the passes and a draft must be likely; over a long way R is many passes and a faint chance pays.
//
// That takes the stages for machines of their own. Where the next one has our address, they share processors, and there are drafts only
// if half of a time round is spent on the way. Where that cannot be seen, or the network is slow, a draft takes
// from the row that matters; what it did take is measured: the time of each round, from one certain row to the next,
// against R times its tokens. When most rounds with drafts lose, there are none for a while, which doubles each time.
class DraftLength {
 public:
  static constexpr int32_t kMost = 16, kAlways = 8;

  // `always`: kAlways drafts, whatever they bring.
  explicit DraftLength(bool always = false) : always_(always) {}
  // Whether there are to be drafts after the token that just came; to be asked once for each for which there is one.
  bool may_draft();
  // The chance of a draft of that match (as in Draft) when those before it come true.
  double chance(int32_t match) const { return chance_[static_cast<size_t>(match)]; }
  // Whether a draft of that chance, those before it counted in, is worth its rows after so many that are under way.
  bool pays(double chance, size_t under_way) const;
  // A draft of that match came true, or not; also one that was only thought of.
  void judge(int32_t match, bool is_hit);
  // From one certain row to the next, or a part of that: how long, how many tokens, and whether drafts were under way.
  void round(double us, int32_t tokens, bool has_drafts);
  // The slowest pass of a time round, and all of its passes and queues together.
  void pass(double us, double busy_us);
  // The next stage is on this machine: then drafts wait until half of a time round is the way.
  void share_processors() { shares_ = true; }

 private:
  bool always_;
  std::array<double, Drafter::kTold + 1> chance_ = filled();
  double plain_us_ = 0;
  double pass_us_ = 0, busy_us_ = 0;
  bool shares_ = false;
  // What rounds with drafts saved, and what their tokens take without; old ones count less.
  double saved_us_ = 0, worth_us_ = 0;
  // How many of them lost, and how many there were, as well.
  double lost_ = 0, played_ = 0;
  int32_t since_plain_ = 0, trials_ = 0, rests_ = 0, pause_ = 16;

  static std::array<double, Drafter::kTold + 1> filled() {
    std::array<double, Drafter::kTold + 1> out;
    out.fill(0.5);
    return out;
  }
};

}  // namespace omninode
