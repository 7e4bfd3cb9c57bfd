// How long it takes to encode and decode a row as the stages do: prints `dtype ns` per line. Arguments: values of a row, rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "rows.h"

using namespace omninode;

// The quickest counts: what takes longer waited for something else.
constexpr int kAttempts = 50;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const size_t values = std::strtoul(argv[1], nullptr, 10), rounds = std::strtoul(argv[2], nullptr, 10);
  std::vector<float> row(values), back(values);
  uint32_t state = 1;
  for (float& value : row) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
  for (const char* name : {"f32", "f16", "q8"}) {
    const Dtype dtype = dtype_of(name);
    std::vector<uint8_t> bytes(row_bytes(dtype, values));
    double best = 1e18;
    for (int attempt = 0; attempt < kAttempts; attempt++) {
      const auto begun = std::chrono::steady_clock::now();
      for (size_t i = 0; i < rounds; i++) {
        encode_rows(dtype, row.data(), 1, values, bytes.data());
        decode_rows(dtype, bytes.data(), 1, values, back.data());
        // The next round needs this one's result.
        row[i % values] = back[i % values];
      }
      best = std::min(best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begun).count());
    }
    std::printf("%s %.0f\n", name, best / static_cast<double>(rounds));
  }
}
