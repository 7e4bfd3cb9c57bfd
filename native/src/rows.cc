#include "rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "errors.h"
#include "ggml.h"

namespace omninode {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kScaleBytes = 2;
constexpr ggml_fp16_t kNan = 0x7e00;
// Added and taken away again, it leaves the nearest whole number, of two the even one, in the lowest bits: the same on every machine
// that computes as IEEE 754 says, and done for four values at once.
constexpr float kRound = 12582912.0f;
constexpr uint32_t kRoundBits = 0x4b400000;

void put_scale(uint8_t* at, ggml_fp16_t scale) {
  at[0] = static_cast<uint8_t>(scale);
  at[1] = static_cast<uint8_t>(scale >> 8);
}

ggml_fp16_t get_scale(const uint8_t* at) { return static_cast<ggml_fp16_t>(at[0] | at[1] << 8); }

// The scale is rounded before it divides, so that its rounding costs nothing. A block with a value that is not finite, or too large
// for the scale, becomes NaN as a whole: a fault stays one.
void encode_block(const float* from, size_t count, uint8_t* to) {
  float most = 0;
  bool is_finite = true;
  for (size_t i = 0; i < count; i++) {
    most = std::max(most, std::fabs(from[i]));
    is_finite &= std::isfinite(from[i]);
  }
  ggml_fp16_t scale = ggml_fp32_to_fp16(most / 127.0f);
  const float step = ggml_fp16_to_fp32(scale);
  is_finite &= std::isfinite(step);
  if (!is_finite) scale = kNan;
  put_scale(to, scale);
  uint8_t* values = to + kScaleBytes;
  if (!is_finite || step == 0) {
    std::memset(values, 0, count);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const float rounded = std::clamp(from[i] / step, -127.0f, 127.0f) + kRound;
    uint32_t bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    values[i] = static_cast<uint8_t>(bits - kRoundBits);
  }
}

// Exact: a scale has 11 bits, a value 7, a float 24.
void decode_block(const uint8_t* from, size_t count, float* to) {
  const float step = ggml_fp16_to_fp32(get_scale(from));
  const uint8_t* values = from + kScaleBytes;
  for (size_t i = 0; i < count; i++) to[i] = static_cast<float>(static_cast<int8_t>(values[i])) * step;
}

template <class Block>
void each_block(size_t rows, size_t values, Block&& block) {
  const size_t bytes = row_bytes(Dtype::q8, values);
  for (size_t row = 0; row < rows; row++) {
    for (size_t at = 0; at < values; at += kBlock) block(row * values + at, row * bytes + at / kBlock * (kBlock + kScaleBytes), std::min(kBlock, values - at));
  }
}

}  // namespace

Dtype dtype_of(const std::string& name) {
  if (name == "f32") return Dtype::f32;
  if (name == "f16") return Dtype::f16;
  if (name == "q8") return Dtype::q8;
  throw Failure(Code::bad_argument, "dtype is f32, f16 or q8, not " + name);
}

size_t row_bytes(Dtype dtype, size_t values) {
  if (dtype == Dtype::f32) return values * sizeof(float);
  return dtype == Dtype::f16 ? values * sizeof(ggml_fp16_t) : values + (values + kBlock - 1) / kBlock * kScaleBytes;
}

void encode_rows(Dtype dtype, const float* from, size_t rows, size_t values, uint8_t* to) {
  if (dtype == Dtype::f32) std::memcpy(to, from, rows * values * sizeof(float));
  else if (dtype == Dtype::f16) ggml_fp32_to_fp16_row(from, reinterpret_cast<ggml_fp16_t*>(to), static_cast<int64_t>(rows * values));
  else each_block(rows, values, [&](size_t value, size_t byte, size_t count) { encode_block(from + value, count, to + byte); });
}

void decode_rows(Dtype dtype, const void* from, size_t rows, size_t values, float* to) {
  if (dtype == Dtype::f32) std::memcpy(to, from, rows * values * sizeof(float));
  else if (dtype == Dtype::f16) ggml_fp16_to_fp32_row(static_cast<const ggml_fp16_t*>(from), to, static_cast<int64_t>(rows * values));
  else each_block(rows, values, [&](size_t value, size_t byte, size_t count) { decode_block(static_cast<const uint8_t*>(from) + byte, count, to + value); });
}

}  // namespace omninode
