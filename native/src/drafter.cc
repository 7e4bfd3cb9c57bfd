#include "drafter.h"

#include <algorithm>
#include <utility>

namespace omninode {

void Drafter::remember(std::vector<int32_t> text) {
  text_ = std::move(text);
  drafts_.clear();
}

void Drafter::tell(int32_t position, std::vector<int32_t> tokens) {
  told_from_ = position;
  told_ = std::move(tokens);
}

bool Drafter::append(int32_t token) {
  const bool is_hit = !drafts_.empty() && drafts_.front().token == token;
  text_.push_back(token);
  if (is_hit) drafts_.pop_front();
  else drafts_.clear();
  return is_hit;
}

bool Drafter::propose(Draft& out) {
  const int32_t position = length() + static_cast<int32_t>(drafts_.size());
  const int64_t told = static_cast<int64_t>(position) - told_from_;
  if (told >= 0 && told < static_cast<int64_t>(told_.size())) {
    out = proposed_ = {told_[static_cast<size_t>(told)], position, kTold};
    return true;
  }
  // In the middle of a guess its source is kept: what came true so far made it more likely.
  if (drafts_.empty() || drafts_.back().match == kTold) look_up();
  if (match_ == 0) return false;
  out = proposed_ = {at(from_), position, match_};
  return true;
}

void Drafter::take() {
  drafts_.push_back(proposed_);
  if (proposed_.match == kTold) return;
  from_++;
  match_ = std::min(match_ + 1, kLongestMatch);
}

void Drafter::look_up() {
  const size_t size = text_.size() + drafts_.size();
  match_ = 0;
  const size_t oldest = size > kLookBack ? size - kLookBack : 0;
  for (size_t end = size; end-- > oldest + 1 && match_ < kLongestMatch;) {
    // text[..end) against text[..size): how many of their last tokens agree.
    int32_t same = 0;
    while (same < kLongestMatch && end >= oldest + static_cast<size_t>(same) + 1 && at(end - 1 - same) == at(size - 1 - same)) same++;
    if (same < kShortestMatch || same <= match_) continue;
    match_ = same;
    from_ = end;
  }
}

}  // namespace omninode
