// Sealed records for the lane: AES-256-GCM (NIST SP 800-38D) out of the OpenSSL that is already in the process.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace omninode {

using LaneKey = std::array<uint8_t, 32>;

// One direction of one link. The nonce is (direction, counter): a key is never used for two links, so no nonce repeats,
// and a record that was dropped, repeated or reordered does not open.
class Aead {
 public:
  static constexpr size_t kTagBytes = 16;
  // False where neither the process nor the system offers OpenSSL 3: then there is no lane, and rows go over the mesh.
  static bool available();

  Aead(const LaneKey& key, uint32_t direction);
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // Encrypts `data` in place and writes the tag; `extra` is authenticated with it.
  void seal(uint8_t* data, size_t length, const uint8_t* extra, size_t extra_length, uint8_t* tag);
  // Decrypts in place; false: not what was sealed.
  bool open(uint8_t* data, size_t length, const uint8_t* extra, size_t extra_length, const uint8_t* tag);

 private:
  std::array<uint8_t, 12> next_nonce();

  void* context_;
  LaneKey key_;
  uint32_t direction_;
  uint64_t counter_ = 0;
};

}  // namespace omninode
