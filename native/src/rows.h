// Hidden states in transit: how a row lies in bytes. docs/protocols/stage.md has the layouts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace omninode {

// The numbers are those on the wire.
enum class Dtype : uint8_t { f32 = 1, f16 = 2, q8 = 3 };

// By its name in JavaScript; throws Failure(bad_argument).
Dtype dtype_of(const std::string& name);

// Of one row; rows lie one after the other.
size_t row_bytes(Dtype dtype, size_t values);
void encode_rows(Dtype dtype, const float* from, size_t rows, size_t values, uint8_t* to);
void decode_rows(Dtype dtype, const void* from, size_t rows, size_t values, float* to);

}  // namespace omninode
