#include "tap.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace omninode {
namespace {

constexpr int32_t kInfinite = 0x7f800000;
// Values looked at together: mostly none of them is among the largest.
constexpr int32_t kBlock = 32;

int32_t bits_of(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

int32_t magnitude_of(float value) { return bits_of(value) & 0x7fffffff; }

// Of a whole block the number of steps is known, so that compilers use wide registers.
int32_t largest_of(const float* values, int32_t count) {
  int32_t most = 0;
  if (count == kBlock) {
    for (int32_t i = 0; i < kBlock; i++) most = std::max(most, magnitude_of(values[i]));
  } else {
    for (int32_t i = 0; i < count; i++) most = std::max(most, magnitude_of(values[i]));
  }
  return most;
}

// The upper half of an F32, rounded to nearest, ties to even.
int32_t bfloat16(int32_t magnitude, bool negative) {
  const uint32_t bits = static_cast<uint32_t>(magnitude) | (negative ? 0x80000000u : 0);
  return static_cast<int32_t>(((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) & 0xffff);
}

}  // namespace

bool Largest::larger(const Entry& a, const Entry& b) { return a.magnitude != b.magnitude ? a.magnitude > b.magnitude : a.index < b.index; }

void Largest::collect(int32_t row, const float* values) {
  fresh_.clear();
  const int32_t base = row * width_;
  for (int32_t begin = 0; begin < width_; begin += kBlock) {
    const int32_t end = std::min(begin + kBlock, width_);
    const int32_t most = largest_of(values + begin, end - begin);
    if (most <= floor_) continue;
    if (most >= kInfinite && first_bad_ < 0) first_bad_ = row;
    for (int32_t i = begin; i < end; i++) {
      const int32_t magnitude = magnitude_of(values[i]);
      if (magnitude > floor_) fresh_.push_back({magnitude, base + i, bits_of(values[i]) < 0});
    }
  }
}

void Largest::add(int32_t row, const float* values) {
  collect(row, values);
  if (fresh_.empty()) return;
  top_.insert(top_.end(), fresh_.begin(), fresh_.end());
  keep_top();
  const bool is_full = top_.size() == Tap::kTop;
  for (const Entry& entry : fresh_) {
    if (!is_full || !larger(top_.back(), entry)) log_.push_back(entry);
  }
}

// Leaves the smallest of those kept at the end.
void Largest::keep_top() {
  floor_ = -1;
  if (top_.size() < Tap::kTop) return;
  std::nth_element(top_.begin(), top_.begin() + (Tap::kTop - 1), top_.end(), larger);
  top_.resize(Tap::kTop);
  floor_ = top_.back().magnitude;
}

void Largest::cut(int32_t rows) {
  while (!log_.empty() && log_.back().index >= rows * width_) log_.pop_back();
  if (first_bad_ >= rows) first_bad_ = -1;
  top_ = log_;
  keep_top();
}

std::vector<int32_t> Largest::entries(int32_t from) const {
  std::vector<int32_t> out;
  out.reserve(2 * top_.size());
  for (const Entry& entry : top_) {
    out.push_back(entry.index - from * width_);
    out.push_back(bfloat16(entry.magnitude, entry.negative));
  }
  return out;
}

void Tap::add(const Pass& pass) {
  const int32_t without_output = pass.rows - pass.output_rows;
  for (int32_t i = 0; i < pass.rows; i++) {
    Window& window = window_at(pass.position + i, pass.started_ms);
    window.ended_ms = std::max(window.started_ms, pass.ended_ms);
    const int32_t row = static_cast<int32_t>(window.rows.size());
    window.rows.emplace_back();
    if (pass.tokens != nullptr) window.rows.back().token = pass.tokens[i];
    else window.input.add(row, pass.input + static_cast<size_t>(i) * width_);
    add_output(window, i < without_output ? nullptr : pass.output + static_cast<size_t>(i - without_output) * width_);
  }
}

Tap::Window& Tap::window_at(int32_t position, double now_ms) {
  if (recent_.empty() || recent_.back().end() != position || position % kRows == 0) {
    if (recent_.size() == kCuttable) finish_oldest();
    recent_.emplace_back(position, width_, now_ms);
  }
  return recent_.back();
}

// A commitment is to the window's last rows: what was before one without output does not count.
void Tap::add_output(Window& window, const float* values) {
  const int32_t row = static_cast<int32_t>(window.rows.size()) - 1;
  if (values == nullptr) {
    if (window.output_from >= 0) window.output = Largest(width_);
    window.output_from = -1;
    return;
  }
  if (window.output_from < 0) window.output_from = row;
  window.output.add(row, values);
}

void Tap::sampled(int32_t position, int32_t token) {
  for (auto window = recent_.rbegin(); window != recent_.rend(); window++) {
    if (position >= window->first && position < window->end()) window->rows[position - window->first].sampled = token;
  }
}

void Tap::cut(int32_t position) {
  while (!recent_.empty() && recent_.back().first >= position) recent_.pop_back();
  if (recent_.empty()) {
    while (!done_.empty() && done_.back().first + done_.back().count > position) done_.pop_back();
    return;
  }
  Window& window = recent_.back();
  if (window.end() <= position) return;
  const int32_t rows = position - window.first;
  window.rows.resize(rows);
  window.input.cut(rows);
  window.output.cut(rows);
  if (window.output_from >= rows) window.output_from = -1;
}

void Tap::finish_oldest() {
  const Window& window = recent_.front();
  const auto& rows = window.rows;
  TappedWindow out;
  out.first = window.first;
  out.count = static_cast<int32_t>(rows.size());
  out.started_ms = window.started_ms;
  out.ended_ms = window.ended_ms;
  auto unsampled = std::find_if(rows.rbegin(), rows.rend(), [](const Row& row) { return row.sampled < 0; });
  for (auto row = unsampled.base(); row != rows.end(); row++) out.sampled.push_back(row->sampled);
  if (rows.front().token >= 0) {
    for (const Row& row : rows) out.tokens.push_back(row.token);
  } else {
    out.input = {out.first, out.count, window.input.entries(0)};
  }
  if (window.output_from >= 0) out.output = {out.first + window.output_from, out.count - window.output_from, window.output.entries(window.output_from)};
  if (!window.input.broken() && !window.output.broken()) done_.push_back(std::move(out));
  recent_.pop_front();
}

std::vector<TappedWindow> Tap::take(int32_t end, size_t most) {
  cut(end);
  while (!recent_.empty()) finish_oldest();
  const auto last = done_.begin() + static_cast<ptrdiff_t>(std::min(most, done_.size()));
  std::vector<TappedWindow> out(std::make_move_iterator(done_.begin()), std::make_move_iterator(last));
  done_.erase(done_.begin(), last);
  return out;
}

}  // namespace omninode
