#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "harness.h"
#include "rows.h"

using namespace omninode;

static std::vector<uint8_t> encoded(const std::vector<float>& row) {
  std::vector<uint8_t> bytes(row_bytes(Dtype::q8, row.size()));
  encode_rows(Dtype::q8, row.data(), 1, row.size(), bytes.data());
  return bytes;
}

static std::vector<float> there_and_back(Dtype dtype, const std::vector<float>& rows, size_t count) {
  const size_t values = rows.size() / count;
  std::vector<uint8_t> bytes(count * row_bytes(dtype, values));
  encode_rows(dtype, rows.data(), count, values, bytes.data());
  std::vector<float> out(rows.size());
  decode_rows(dtype, bytes.data(), count, values, out.data());
  return out;
}

TEST(rows_have_the_bytes_that_the_wire_says) {
  CHECK(row_bytes(Dtype::f32, 96) == 384 && row_bytes(Dtype::f16, 96) == 192 && row_bytes(Dtype::q8, 96) == 102);
  CHECK(row_bytes(Dtype::q8, 4) == 6 && row_bytes(Dtype::q8, 33) == 37);
}

TEST(q8_is_bit_for_bit_what_is_written_down) {
  // A scale of exactly 1; halves go to the even number.
  std::vector<float> row = {127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 3.49f, -3.51f, 0};
  const std::vector<uint8_t> wanted = {0x00, 0x3c, 127, 129, 0, 2, 2, 0, 254, 3, 252, 0};
  CHECK(encoded(row) == wanted);
  // The scale 100 / 127 is rounded to F16 (0x3a4d), and divides as rounded.
  CHECK((encoded({100, 50}) == std::vector<uint8_t>{0x4d, 0x3a, 127, 63}));
}

TEST(q8_is_within_half_a_step_and_stays_what_it_is) {
  std::vector<float> rows(3 * 80);
  uint32_t state = 1;
  for (size_t i = 0; i < rows.size(); i++) {
    state = state * 1664525 + 1013904223;
    rows[i] = (static_cast<float>(state >> 8) / (1 << 23) - 1) * std::pow(10.0f, static_cast<float>(i / 32) - 3);
  }
  const auto once = there_and_back(Dtype::q8, rows, 3);
  for (size_t row = 0; row < 3; row++) {
    for (size_t at = 0; at < 80; at += 32) {
      float most = 0;
      for (size_t i = at; i < std::min<size_t>(at + 32, 80); i++) most = std::max(most, std::fabs(rows[row * 80 + i]));
      for (size_t i = at; i < std::min<size_t>(at + 32, 80); i++) CHECK(std::fabs(once[row * 80 + i] - rows[row * 80 + i]) <= most / 127 * 0.5f * 1.01f);
    }
  }
  CHECK(there_and_back(Dtype::q8, rows, 3) == once);
  CHECK(there_and_back(Dtype::f32, rows, 3) == rows);
}

TEST(q8_does_not_hide_what_is_not_finite) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {inf, -inf, nan, 1e30f}) {
    std::vector<float> row(64, 1.0f);
    row[40] = bad;
    const auto back = there_and_back(Dtype::q8, row, 1);
    CHECK(std::fabs(back[0] - 1) < 0.01f && std::fabs(back[31] - 1) < 0.01f);
    for (size_t i = 32; i < 64; i++) CHECK(std::isnan(back[i]));
  }
}

TEST(q8_of_nothing_is_nothing) {
  CHECK(there_and_back(Dtype::q8, std::vector<float>(40, 0.0f), 1) == std::vector<float>(40, 0.0f));
  CHECK(there_and_back(Dtype::q8, std::vector<float>(40, 1e-12f), 1) == std::vector<float>(40, 0.0f));
  // Where the scale itself has few bits left, no value wraps round.
  for (float value = 1e-6f; value < 1e-3f; value *= 1.3f) {
    const auto back = there_and_back(Dtype::q8, {value, -value}, 1);
    CHECK(back[0] >= 0 && back[0] == -back[1] && std::fabs(back[0] - value) <= 4e-6f);
  }
}
