#include "lane-link.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

#include "errors.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

namespace omninode {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kIdBytes = 16;
// A peer that lets this much wait does not read: in a ring few records per session are under way.
constexpr size_t kMaxWaitingBytes = 4 << 20;

void put(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint32_t get(const uint8_t* at) { return at[0] | at[1] << 8 | at[2] << 16 | static_cast<uint32_t>(at[3]) << 24; }

void write_header(uint8_t* at, const LaneHeader& h) {
  at[0] = h.type;
  at[1] = h.dtype;
  at[2] = h.flags;
  at[3] = h.longest;
  const uint32_t words[] = {h.run, static_cast<uint32_t>(h.position), static_cast<uint32_t>(h.token), h.compute_us, h.serialise_us, h.wait_us};
  for (size_t i = 0; i < 6; i++) put(at + 4 + 4 * i, words[i]);
}

LaneHeader read_header(const uint8_t* at) {
  LaneHeader h;
  h.type = at[0];
  h.dtype = at[1];
  h.flags = at[2];
  h.longest = at[3];
  h.run = get(at + 4);
  h.position = static_cast<int32_t>(get(at + 8));
  h.token = static_cast<int32_t>(get(at + 12));
  h.compute_us = get(at + 16);
  h.serialise_us = get(at + 20);
  h.wait_us = get(at + 24);
  return h;
}

}  // namespace

LaneLink::LaneLink(int fd, bool dialler, size_t max_payload)
    : is_dialler(dialler), fd_(fd), max_payload_(max_payload), state_(dialler ? State::dialling : State::proving) {}

LaneLink::~LaneLink() { ::close(fd_); }

bool LaneLink::receive() {
  if (read_ > 0) {
    in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(read_));
    read_ = 0;
  }
  for (;;) {
    const size_t room = most_held() - in_.size();
    if (room == 0) return true;
    const size_t before = in_.size();
    in_.resize(before + room);
    const ssize_t n = recv(fd_, in_.data() + before, room, 0);
    in_.resize(before + static_cast<size_t>(n > 0 ? n : 0));
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (static_cast<size_t>(n) < room) return true;
  }
}

// Two records: whoever sends more waits in its own kernel.
size_t LaneLink::most_held() const { return 2 * record_bytes(max_payload_) + kIdBytes; }

bool LaneLink::flush() {
  while (!out_.empty()) {
    const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    out_.erase(out_.begin(), out_.begin() + n);
  }
  return true;
}

bool LaneLink::introduce(const LaneId& own_id, const LaneKey& own_key) {
  int failed = 0;
  socklen_t size = sizeof failed;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0) return false;
  state_ = State::proving;
  key_up(own_key);
  out_.insert(out_.end(), own_id.begin(), own_id.end());
  return send(LaneHeader(), nullptr, 0);
}

std::optional<LaneId> LaneLink::peer_id() const {
  if (in_.size() < read_ + kIdBytes) return std::nullopt;
  LaneId out;
  std::memcpy(out.data(), in_.data() + read_, kIdBytes);
  return out;
}

void LaneLink::accept_with(const LaneKey& own_key) {
  read_ += kIdBytes;
  key_up(own_key);
}

// Directions have their own nonces under the one key.
void LaneLink::key_up(const LaneKey& with) {
  seal_ = std::make_unique<Aead>(with, is_dialler ? 0 : 1);
  open_ = std::make_unique<Aead>(with, is_dialler ? 1 : 0);
}

LaneLink::Next LaneLink::next(LaneHeader& header, const uint8_t*& payload, size_t& length) {
  if (in_.size() < read_ + kLengthBytes) return Next::none;
  uint8_t* at = in_.data() + read_;
  const size_t size = get(at);
  if (open_ == nullptr || size < LaneHeader::kBytes + Aead::kTagBytes || size > LaneHeader::kBytes + max_payload_ + Aead::kTagBytes) return Next::broken;
  if (in_.size() < read_ + kLengthBytes + size) return Next::none;
  uint8_t* body = at + kLengthBytes;
  const size_t plain = size - Aead::kTagBytes;
  if (!open_->open(body, plain, at, kLengthBytes, body + plain)) return Next::broken;
  read_ += kLengthBytes + size;
  header = read_header(body);
  payload = body + LaneHeader::kBytes;
  length = plain - LaneHeader::kBytes;
  return Next::record;
}

bool LaneLink::send(const LaneHeader& header, const void* payload, size_t length) {
  if (out_.size() > kMaxWaitingBytes) return false;
  const size_t begin = out_.size();
  const size_t plain = LaneHeader::kBytes + length;
  out_.resize(begin + kLengthBytes + plain + Aead::kTagBytes);
  uint8_t* at = out_.data() + begin;
  put(at, static_cast<uint32_t>(plain + Aead::kTagBytes));
  uint8_t* body = at + kLengthBytes;
  write_header(body, header);
  if (length > 0) std::memcpy(body + LaneHeader::kBytes, payload, length);
  seal_->seal(body, plain, at, kLengthBytes, body + plain);
  return flush();
}

size_t LaneLink::record_bytes(size_t length) { return kLengthBytes + LaneHeader::kBytes + length + Aead::kTagBytes; }

bool LaneLink::prove(const LaneHeader& header) {
  if (header.type != LaneHeader::kProof) return false;
  if (!is_dialler && !send(LaneHeader(), nullptr, 0)) return false;
  state_ = State::up;
  return true;
}

}  // namespace omninode
