// One encrypted TCP connection of the lane: whole records in, whole records out, nothing that blocks.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aead.h"

namespace omninode {

using LaneId = std::array<uint8_t, 16>;
using LaneTime = std::chrono::steady_clock::time_point;

// What a record says before its payload; little-endian on the wire, see docs/protocols/lane.md.
struct LaneHeader {
  static constexpr size_t kBytes = 28;
  enum Type : uint8_t { kProof = 0, kHidden = 1, kToken = 2, kGoodbye = 3, kDraft = 4 };
  uint8_t type = kProof;
  uint8_t dtype = 0;
  // kFlush: no row follows for now, because the answer ends after the next token or its reader has no room.
  static constexpr uint8_t kFlush = 1;
  uint8_t flags = 0;
  // In a session that takes drafts: the longest pass after stage 0, as 8 log2 of its µs; else 0.
  uint8_t longest = 0;
  uint32_t run = 0;
  int32_t position = 0;
  // On a token record; in a session that takes drafts also what a row was computed from.
  int32_t token = 0;
  uint32_t compute_us = 0;
  uint32_t serialise_us = 0;
  uint32_t wait_us = 0;
};

class LaneLink {
 public:
  enum class State { dialling, proving, up };

  // Takes over `fd`, which must be non-blocking. `is_dialler` says the first word.
  LaneLink(int fd, bool is_dialler, size_t max_payload);
  ~LaneLink();
  LaneLink(const LaneLink&) = delete;
  LaneLink& operator=(const LaneLink&) = delete;

  int fd() const { return fd_; }
  State state() const { return state_; }
  bool wants_write() const { return state_ == State::dialling || !out_.empty(); }
  // The bytes that are here, two records at most; false: the connection is over.
  bool receive();
  // There may be more than was received.
  bool is_full() const { return in_.size() >= most_held(); }
  // Sends what is waiting; false: the connection is over.
  bool flush();

  // The dialler names itself and proves the key, once connected.
  bool introduce(const LaneId& id, const LaneKey& key);
  // The acceptor: the name the other side gave, as soon as it is here.
  std::optional<LaneId> peer_id() const;
  void accept_with(const LaneKey& key);

  enum class Next { none, record, broken };
  // Takes one whole record out of what was received. `payload` is valid until the next call.
  Next next(LaneHeader& header, const uint8_t*& payload, size_t& length);
  // Queues and sends one record; false: the connection is over, or the peer does not read.
  bool send(const LaneHeader& header, const void* payload, size_t length);
  // What a record with such a payload takes on the wire.
  static size_t record_bytes(size_t length);
  // Checks the record that proves the key; the acceptor answers with its own. True when the link is up after it.
  bool prove(const LaneHeader& header);

  // On whose behalf; else one of these.
  static constexpr int32_t kNotKnown = -1, kOver = -2, kLeaving = -3;
  std::atomic<int32_t> slot{kNotKnown};
  bool is_dialler;
  LaneTime deadline{};
  LaneId id{};
  LaneKey key{};

 private:
  void key_up(const LaneKey& key);
  size_t most_held() const;

  int fd_;
  size_t max_payload_;
  State state_;
  std::vector<uint8_t> in_;
  size_t read_ = 0;
  std::vector<uint8_t> out_;
  std::unique_ptr<Aead> seal_;
  std::unique_ptr<Aead> open_;
};

}  // namespace omninode
