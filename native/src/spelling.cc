#include "spelling.h"

#include <algorithm>

#include "errors.h"

namespace omninode {

Spelling::Spelling(std::string bytes, int32_t n_vocab) : bytes_(std::move(bytes)) {
  size_t at = 0;
  auto reject = [] { throw Failure(Code::bad_grammar, "the spelling is not one of this vocabulary"); };
  for (int32_t token = 0; token < n_vocab; token++) {
    if (bytes_.size() - at < 2) reject();
    const auto length = static_cast<uint16_t>(static_cast<uint8_t>(bytes_[at]) | static_cast<uint8_t>(bytes_[at + 1]) << 8);
    at += 2;
    ends_.push_back(length == kEnd);
    lengths_.push_back(length == kEnd ? 0 : length);
    offsets_.push_back(static_cast<uint32_t>(at));
    if (bytes_.size() - at < lengths_.back()) reject();
    if (lengths_.back() == 1) writable_.set(static_cast<uint8_t>(bytes_[at]));
    at += lengths_.back();
  }
  const bool has_end = std::find(ends_.begin(), ends_.end(), true) != ends_.end();
  if (at != bytes_.size() || !has_end) reject();
}

// Most tokens are told by their first byte. Of the others the likeliest are tried, until there are enough.
std::vector<int32_t> Spelling::fitting(GrammarText& text, const float* logits, size_t most) const {
  std::vector<int32_t> heap;
  const ByteSet& next = text.next();
  for (size_t token = 0; token < lengths_.size(); token++) {
    const bool may_fit = ends_[token] ? text.may_end() : lengths_[token] > 0 && next[static_cast<uint8_t>(bytes_[offsets_[token]])];
    if (may_fit) heap.push_back(static_cast<int32_t>(token));
  }
  auto is_less_likely = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] < logits[b] : a > b; };
  std::make_heap(heap.begin(), heap.end(), is_less_likely);
  const size_t length = text.length();
  std::vector<int32_t> out;
  while (!heap.empty() && out.size() < most) {
    std::pop_heap(heap.begin(), heap.end(), is_less_likely);
    const int32_t token = heap.back();
    heap.pop_back();
    if (!ends_[token] && !text.append(this->text(token))) continue;
    text.truncate(length);
    out.push_back(token);
  }
  return out;
}

std::vector<int32_t> ShapedText::fitting(const float* logits, size_t most) {
  std::vector<int32_t> out = spelling_->fitting(text_, logits, most);
  if (out.empty()) throw Failure(Code::bad_grammar, "no token of the vocabulary fits the grammar here");
  return out;
}

void ShapedText::append(int32_t token) {
  before_.push_back(text_.length());
  if (!spelling_->is_end(token)) text_.append(spelling_->text(token));
}

void ShapedText::pop() {
  if (before_.empty()) return;
  text_.truncate(before_.back());
  before_.pop_back();
}

void ShapedText::begin() {
  text_.truncate(0);
  before_.clear();
}

}  // namespace omninode
