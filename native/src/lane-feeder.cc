#include "lane-feeder.h"

#include <algorithm>
#include <utility>

namespace omninode {
namespace {

// Tokens after which it is looked whether guessing pays, however long it goes well.
constexpr int32_t kLongRound = 8;

}  // namespace

LaneFeeder::LaneFeeder(FeedRules rules, DraftLength* length) : rules_(std::move(rules)), length_(length) {
  std::sort(rules_.end_tokens.begin(), rules_.end_tokens.end());
}

LaneFeeder::Step LaneFeeder::on_token(int32_t token, int32_t position, Time at, bool whole) {
  Step step;
  if (done_) return step;
  if (due_ < 0) drafter_.tell(position + 1, std::move(rules_.guess));
  due_ = position + 1;
  rules_.left--;
  round_tokens_++;
  judge(token, position);
  const bool had_drafts = !drafter_.drafts().empty();
  step.confirms = remembers_ && drafter_.append(token);
  step.drops_drafts = had_drafts && !step.confirms;
  if (ends(token, position)) {
    stop();
    step.drops_drafts = true;
    return step;
  }
  if (!step.confirms) {
    end_round(at);
    if (position >= rules_.limit) {
      parked_ = {token, position};
      round_began_.reset();
      return step;
    }
    step.rows.push_back(row(token, position, false));
  } else if (round_tokens_ >= kLongRound) {
    end_round(at);
  }
  if (whole && remembers_ && length_ != nullptr) draft(step);
  return step;
}

LaneFeeder::Step LaneFeeder::raise(int32_t limit) {
  Step step;
  if (limit <= rules_.limit) return step;
  rules_.limit = limit;
  if (!parked_.has_value() || parked_->second >= limit) return step;
  step.rows.push_back(row(parked_->first, parked_->second, false));
  parked_.reset();
  return step;
}

void LaneFeeder::stop() {
  done_ = true;
  parked_.reset();
  drafter_.drop_drafts();
}

// A text of another length is that of another moment.
void LaneFeeder::remember(std::vector<int32_t> text) {
  if (static_cast<int32_t>(text.size()) != due_) return;
  drafter_.remember(std::move(text));
  remembers_ = true;
}

bool LaneFeeder::ends(int32_t token, int32_t position) const {
  return rules_.left <= 0 || position >= rules_.context_tokens || std::binary_search(rules_.end_tokens.begin(), rules_.end_tokens.end(), token);
}

// The last stage samples after every row that came true: no draft may lead to a token that nobody asked for.
bool LaneFeeder::may_feed(const Draft& draft) const {
  const auto under_way = static_cast<int32_t>(drafter_.drafts().size()) + 1;
  if (under_way + 1 > rules_.left || draft.position >= std::min(rules_.limit, rules_.context_tokens)) return false;
  return !std::binary_search(rules_.end_tokens.begin(), rules_.end_tokens.end(), draft.token);
}

// `left` counts from the token before `due_`; one at a later position leaves less.
FedRow LaneFeeder::row(int32_t token, int32_t position, bool is_draft) const {
  const int32_t next = position + 1, left = rules_.left - (next - due_);
  return {token, position, is_draft, left == 1 || next >= rules_.limit || next >= rules_.context_tokens};
}

void LaneFeeder::judge(int32_t token, int32_t position) {
  if (length_ == nullptr) return;
  if (!drafter_.drafts().empty()) length_->judge(drafter_.drafts().front().match, drafter_.drafts().front().token == token);
  else if (thought_.has_value() && thought_->position == position) length_->judge(thought_->match, thought_->token == token);
}

void LaneFeeder::draft(Step& step) {
  Draft next;
  thought_.reset();
  if (!drafter_.propose(next)) return;
  if (drafter_.drafts().empty()) thought_ = next;
  if (!length_->may_draft()) return;
  double chance = length_->chance(next.match);
  for (const Draft& before : drafter_.drafts()) chance *= length_->chance(before.match);
  while (length_->pays(chance, drafter_.drafts().size()) && may_feed(next)) {
    drafter_.take();
    step.rows.push_back(row(next.token, next.position, true));
    round_has_drafts_ = true;
    if (!drafter_.propose(next)) return;
    chance *= length_->chance(next.match);
  }
}

void LaneFeeder::end_round(Time at) {
  if (length_ != nullptr && round_began_.has_value()) {
    length_->round(std::chrono::duration<double, std::micro>(at - *round_began_).count(), round_tokens_, round_has_drafts_);
  }
  round_began_ = at;
  round_tokens_ = 0;
  round_has_drafts_ = !drafter_.drafts().empty();
}

}  // namespace omninode
