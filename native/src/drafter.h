// Guesses how a text goes on, from the text itself: prompt-lookup (n-gram) drafting. No model, no clock, no lock.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace omninode {

// A guess that is under way: the token thought to be at `position`.
struct Draft {
  int32_t token = 0;
  int32_t position = 0;
  // How many tokens before it were found before in the same order, 0..kLongestMatch; kTold: somebody said so.
  int32_t match = 0;
};

// The longest end of the text that occurred before is looked up, the latest occurrence first, and what followed it there is
// guessed to follow again; a guess may run into itself, as in LZ77, so that a loop is found after one turn.
class Drafter {
 public:
  static constexpr int32_t kShortestMatch = 2, kLongestMatch = 8, kTold = 9;
  // Tokens that a lookup goes back: some 50 µs at most.
  static constexpr size_t kLookBack = 1 << 16;

  // The text from position 0 on.
  void remember(std::vector<int32_t> text);
  // What the text may be from `position` on, right or wrong: taken before anything is looked up.
  void tell(int32_t position, std::vector<int32_t> tokens);
  // The text's next token. Drafts under way that it contradicts are forgotten; true: it is the first of them.
  bool append(int32_t token);
  // One more draft after those under way, from `propose`; nothing when there is none, or it is not taken.
  bool propose(Draft& out);
  void take();
  void drop_drafts() { drafts_.clear(); }

  const std::deque<Draft>& drafts() const { return drafts_; }
  int32_t length() const { return static_cast<int32_t>(text_.size()); }

 private:
  int32_t at(size_t i) const { return i < text_.size() ? text_[i] : drafts_[i - text_.size()].token; }
  void look_up();

  std::vector<int32_t> text_;
  std::deque<Draft> drafts_;
  // Where the next draft is copied from, and how many tokens before it are as at the end; 0: nowhere.
  size_t from_ = 0;
  int32_t match_ = 0;
  Draft proposed_;
  std::vector<int32_t> told_;
  int32_t told_from_ = 0;
};

}  // namespace omninode
