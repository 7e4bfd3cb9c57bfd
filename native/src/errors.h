// Numeric error codes of the addon; src-main/inference/worker maps them to ENGINE_* codes. The list is repeated in index.d.ts.
#pragma once
#include <stdexcept>
#include <string>

namespace omninode {

enum class Code : int {
  bad_argument = 1,
  load_failed = 2,
  context_failed = 3,
  sessions_full = 4,
  no_session = 5,
  bad_position = 6,
  context_full = 7,
  decode_failed = 8,
  disposed = 9,
  no_chat_template = 10,
  no_backend = 11,
  bad_token = 12,
  no_memory = 13,
  no_lane = 14,
  bad_grammar = 15,
};

class Failure : public std::runtime_error {
 public:
  Failure(Code code, const std::string& detail, double needed_bytes = 0) : std::runtime_error(detail), code(code), needed_bytes(needed_bytes) {}
  const Code code;
  // For no_memory alone.
  const double needed_bytes;
};

}  // namespace omninode
