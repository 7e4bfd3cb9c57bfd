#include "draft-length.h"

#include <algorithm>

namespace omninode {
namespace {

constexpr double kGain = 0.2;
// Of a pass, for a draft that is computed in vain: somebody else may want the processors.
constexpr double kRowPrice = 0.5;
// Half a row may be too many.
constexpr double kRounding = 0.5;
// Drafts are given up when they lose this share of a token's time, and do so in most rounds: one hiccup is no sign.
constexpr double kMostLoss = 0.03, kMostRounds = 0.6;
// A hiccup of the machine is no news of the ring.
constexpr double kOutlier = 3;
constexpr double kForget = 0.9;
constexpr double kMostlyWay = 2;
constexpr int32_t kTrialRounds = 3;
// After so many rounds with drafts one has none, to see what that takes now.
constexpr int32_t kPlainEvery = 32;
constexpr int32_t kLeastPause = 16, kMostPause = 1024;

double blend(double known, double seen) { return known == 0 ? seen : known + kGain * (std::min(seen, kOutlier * known) - known); }

}  // namespace

bool DraftLength::may_draft() {
  if (always_) return true;
  if (plain_us_ <= 0 || pass_us_ <= 0) return false;
  if (shares_ && plain_us_ < kMostlyWay * busy_us_) return false;
  if (rests_ > 0) return --rests_ == 0;
  return since_plain_ < kPlainEvery;
}

bool DraftLength::pays(double chance, size_t under_way) const {
  if (always_) return under_way < kAlways;
  const double rows = static_cast<double>(under_way) + 2;
  return under_way < kMost && rows <= plain_us_ / pass_us_ + kRounding && chance * (plain_us_ - pass_us_) > kRowPrice * pass_us_;
}

void DraftLength::judge(int32_t match, bool is_hit) {
  double& chance = chance_[static_cast<size_t>(match)];
  chance += kGain / 2 * ((is_hit ? 1 : 0) - chance);
}

void DraftLength::round(double us, int32_t tokens, bool has_drafts) {
  if (!has_drafts) {
    // A time round without drafts has one token.
    plain_us_ = blend(plain_us_, us);
    since_plain_ = 0;
    return;
  }
  since_plain_++;
  const double worth = plain_us_ * tokens;
  if (worth <= 0) return;
  const double saved = worth - std::min(us, kOutlier * worth);
  saved_us_ = kForget * saved_us_ + saved;
  worth_us_ = kForget * worth_us_ + worth;
  lost_ = kForget * lost_ + (saved < -kMostLoss * worth ? 1 : 0);
  played_ = kForget * played_ + 1;
  trials_++;
  if (trials_ < kTrialRounds) return;
  if (saved_us_ < -kMostLoss * worth_us_ && lost_ > kMostRounds * played_) {
    rests_ = pause_;
    pause_ = std::min(2 * pause_, kMostPause);
    saved_us_ = worth_us_ = lost_ = played_ = 0;
    trials_ = 0;
  } else if (trials_ >= kPlainEvery) {
    pause_ = kLeastPause;
  }
}

void DraftLength::pass(double us, double busy_us) {
  pass_us_ = blend(pass_us_, us);
  busy_us_ = blend(busy_us_, busy_us);
}

}  // namespace omninode
