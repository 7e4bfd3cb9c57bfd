#include <algorithm>
#include <cmath>
#include <limits>

#include "harness.h"
#include "tap.h"

using namespace omninode;

constexpr int32_t kWidth = 64;

// Rows of noise with many ties, all different from each other.
static std::vector<float> noise(int32_t rows, uint32_t seed) {
  std::vector<float> out(static_cast<size_t>(rows) * kWidth);
  uint32_t state = seed * 2654435761u + 1;
  for (float& value : out) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int32_t>(state >> 20) - 2048) / 64.0f;
  }
  return out;
}

static void feed(Tap& tap, int32_t position, const std::vector<float>& values, int32_t step) {
  const int32_t rows = static_cast<int32_t>(values.size()) / kWidth;
  for (int32_t at = 0; at < rows; at += step) {
    Tap::Pass pass;
    pass.position = position + at;
    pass.rows = std::min(step, rows - at);
    pass.input = pass.output = values.data() + static_cast<size_t>(at) * kWidth;
    pass.output_rows = pass.rows;
    tap.add(pass);
  }
}

// By sorting everything: index and bits of the 128 largest, in order of indices.
static std::vector<std::pair<int32_t, int32_t>> sorted(const TappedRows& rows) {
  std::vector<std::pair<int32_t, int32_t>> out;
  for (size_t i = 0; i + 1 < rows.entries.size(); i += 2) out.emplace_back(rows.entries[i], rows.entries[i + 1]);
  std::sort(out.begin(), out.end());
  return out;
}

static std::vector<int32_t> expected(const std::vector<float>& values, int32_t from, int32_t count) {
  const float* window = values.data() + static_cast<size_t>(from) * kWidth;
  std::vector<int32_t> all(static_cast<size_t>(count) * kWidth);
  for (size_t i = 0; i < all.size(); i++) all[i] = static_cast<int32_t>(i);
  std::stable_sort(all.begin(), all.end(), [&](int32_t a, int32_t b) { return std::fabs(window[a]) > std::fabs(window[b]); });
  all.resize(std::min(all.size(), Tap::kTop));
  std::sort(all.begin(), all.end());
  return all;
}

static bool is_top_of(const TappedRows& rows, const std::vector<float>& values, int32_t from, int32_t count) {
  std::vector<int32_t> indices;
  for (const auto& entry : sorted(rows)) indices.push_back(entry.first);
  return rows.count == count && indices == expected(values, from, count);
}

static std::vector<TappedWindow> all(Tap& tap, int32_t end) { return tap.take(end, SIZE_MAX); }

TEST(windows_hold_the_largest_of_their_rows_whatever_the_passes) {
  const auto values = noise(100, 1);
  for (int32_t step : {1, 7, 32, 100}) {
    Tap tap(kWidth);
    feed(tap, 40, values, step);
    const auto windows = all(tap, 140);
    CHECK(windows.size() == 4);
    const int32_t firsts[] = {40, 64, 96, 128}, counts[] = {24, 32, 32, 12};
    for (size_t i = 0; i < windows.size() && i < 4; i++) {
      CHECK(windows[i].first == firsts[i] && windows[i].count == counts[i]);
      CHECK(is_top_of(windows[i].input, values, firsts[i] - 40, counts[i]));
      CHECK(windows[i].output.entries == windows[i].input.entries);
    }
  }
}

TEST(rows_that_are_taken_back_leave_nothing_behind) {
  const auto kept = noise(70, 2);
  for (int32_t position : {1, 31, 32, 33, 50, 63, 64, 65, 70}) {
    Tap tap(kWidth), plain(kWidth);
    feed(plain, 0, kept, 5);
    feed(tap, 0, {kept.begin(), kept.begin() + static_cast<ptrdiff_t>(position) * kWidth}, 5);
    feed(tap, position, noise(40, 3), 8);
    tap.cut(position);
    feed(tap, position, {kept.begin() + static_cast<ptrdiff_t>(position) * kWidth, kept.end()}, 3);
    const auto with = all(tap, 70), without = all(plain, 70);
    CHECK(with.size() == without.size());
    for (size_t i = 0; i < with.size() && i < without.size(); i++) {
      CHECK(with[i].first == without[i].first && with[i].count == without[i].count);
      CHECK(sorted(with[i].input) == sorted(without[i].input));
    }
  }
}

TEST(a_window_too_old_to_be_cut_is_left_out) {
  Tap tap(kWidth);
  feed(tap, 0, noise(300, 4), 50);
  tap.cut(40);
  const auto windows = all(tap, 300);
  CHECK(windows.size() == 1 && windows[0].first == 0 && windows[0].count == 32);
}

TEST(windows_are_taken_up_to_an_end_in_portions_and_once) {
  Tap tap(kWidth);
  const auto values = noise(100, 5);
  feed(tap, 0, values, 10);
  const auto first = tap.take(97, 2), rest = tap.take(97, 9);
  CHECK(first.size() == 2 && rest.size() == 2);
  CHECK(rest.back().first == 96 && rest.back().count == 1 && is_top_of(rest.back().input, values, 96, 1));
  CHECK(tap.take(97, 9).empty());
  feed(tap, 97, noise(3, 6), 1);
  CHECK(tap.take(0, 9).empty());
  CHECK(tap.take(100, 9).empty());
}

TEST(samples_and_outputs_are_those_of_the_last_rows) {
  Tap tap(kWidth);
  const auto values = noise(32, 7);
  auto pass = [&](int32_t position, int32_t rows, int32_t outputs, int32_t token) {
    Tap::Pass p;
    p.position = position;
    p.rows = rows;
    p.input = values.data() + static_cast<size_t>(position) * kWidth;
    p.output = p.input + static_cast<size_t>(rows - outputs) * kWidth;
    p.output_rows = outputs;
    tap.add(p);
    if (token >= 0) tap.sampled(position + rows - 1, token);
  };
  pass(0, 4, 1, 7);
  pass(4, 1, 1, 8);
  // A second prompt: what was sampled before it is not of the last rows.
  pass(5, 5, 0, -1);
  pass(10, 5, 1, 9);
  pass(15, 1, 1, 10);
  const auto windows = all(tap, 16);
  CHECK(windows.size() == 1 && windows[0].sampled == std::vector<int32_t>({9, 10}));
  CHECK(windows[0].output.first == 14 && is_top_of(windows[0].output, values, 14, 2));
}

TEST(what_is_no_number_is_not_committed_to) {
  for (float odd : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Tap tap(kWidth);
    auto values = noise(64, 8);
    values[40 * kWidth + 3] = -odd;
    feed(tap, 0, values, 8);
    const auto windows = all(tap, 64);
    CHECK(windows.size() == 1 && windows[0].first == 0);
    // Taken back, it does no harm.
    feed(tap, 0, values, 8);
    tap.cut(40);
    const auto without = all(tap, 40);
    CHECK(without.size() == 2 && is_top_of(without.back().input, values, 32, 8));
  }
}
