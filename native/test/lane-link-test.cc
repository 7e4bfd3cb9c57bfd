#include <algorithm>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aead.h"
#include "harness.h"
#include "lane-link.h"

using namespace omninode;

static LaneKey key_of(uint8_t fill) {
  LaneKey key;
  key.fill(fill);
  return key;
}

// AES-256-GCM with the all-zero key and nonce over 16 zero bytes: test case 14 of McGrew and Viega, "The Galois/Counter Mode
// of Operation", appendix B.
TEST(aead_matches_the_published_vector) {
  Aead seal(key_of(0), 0);
  uint8_t data[16] = {0}, tag[16];
  seal.seal(data, sizeof data, nullptr, 0, tag);
  const uint8_t cipher[16] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18};
  const uint8_t wanted[16] = {0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
  CHECK(std::equal(cipher, cipher + 16, data));
  CHECK(std::equal(wanted, wanted + 16, tag));
}

TEST(aead_opens_what_was_sealed_once_and_in_order_only) {
  Aead seal(key_of(1), 0), open(key_of(1), 0);
  uint8_t first[3] = {1, 2, 3}, second[3] = {4, 5, 6}, tag1[16], tag2[16];
  const uint8_t extra[2] = {7, 8}, other[2] = {7, 9};
  seal.seal(first, 3, extra, 2, tag1);
  seal.seal(second, 3, extra, 2, tag2);
  uint8_t copy[3];
  std::copy(first, first + 3, copy);
  CHECK(open.open(first, 3, extra, 2, tag1));
  CHECK(first[0] == 1 && first[2] == 3);
  CHECK(!open.open(copy, 3, extra, 2, tag1));
  Aead again(key_of(1), 0);
  CHECK(!again.open(second, 3, extra, 2, tag2));
  Aead wrong(key_of(2), 0), back(key_of(1), 1), changed(key_of(1), 0);
  std::copy(copy, copy + 3, first);
  CHECK(!wrong.open(first, 3, extra, 2, tag1));
  std::copy(copy, copy + 3, first);
  CHECK(!back.open(first, 3, extra, 2, tag1));
  std::copy(copy, copy + 3, first);
  CHECK(!changed.open(first, 3, other, 2, tag1));
}

namespace {
struct Pair {
  LaneLink* dialler;
  LaneLink* acceptor;
  Pair() {
    int fds[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    for (int fd : fds) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    dialler = new LaneLink(fds[0], true, 64);
    acceptor = new LaneLink(fds[1], false, 64);
  }
  ~Pair() {
    delete dialler;
    delete acceptor;
  }
};

struct Got {
  LaneLink::Next next;
  LaneHeader header;
  std::vector<uint8_t> payload;
};
Got take(LaneLink& link) {
  Got got;
  const uint8_t* payload = nullptr;
  size_t length = 0;
  got.next = link.next(got.header, payload, length);
  if (got.next == LaneLink::Next::record) got.payload.assign(payload, payload + length);
  return got;
}
}  // namespace

static void shake_hands(Pair& pair) {
  LaneId id;
  id.fill(9);
  CHECK(pair.dialler->introduce(id, key_of(3)));
  CHECK(pair.acceptor->receive());
  CHECK(pair.acceptor->peer_id() == id);
  pair.acceptor->accept_with(key_of(3));
  const Got proof = take(*pair.acceptor);
  CHECK(proof.next == LaneLink::Next::record && pair.acceptor->prove(proof.header));
  CHECK(pair.dialler->receive());
  const Got answer = take(*pair.dialler);
  CHECK(answer.next == LaneLink::Next::record && pair.dialler->prove(answer.header));
  CHECK(pair.dialler->state() == LaneLink::State::up && pair.acceptor->state() == LaneLink::State::up);
}

TEST(a_lane_link_carries_records_whole) {
  Pair pair;
  shake_hands(pair);
  LaneHeader header;
  header.type = LaneHeader::kHidden;
  header.run = 4;
  header.position = 123456;
  header.wait_us = 7;
  const std::vector<uint8_t> row = {1, 2, 3, 4, 5};
  CHECK(pair.dialler->send(header, row.data(), row.size()));
  CHECK(pair.dialler->send(header, nullptr, 0));
  CHECK(pair.acceptor->receive());
  const Got first = take(*pair.acceptor), second = take(*pair.acceptor), none = take(*pair.acceptor);
  CHECK(first.next == LaneLink::Next::record && first.payload == row);
  CHECK(first.header.run == 4 && first.header.position == 123456 && first.header.wait_us == 7);
  CHECK(second.next == LaneLink::Next::record && second.payload.empty());
  CHECK(none.next == LaneLink::Next::none);
}

TEST(a_lane_link_breaks_on_garbage_and_on_too_long_records) {
  for (const uint8_t length : {uint8_t(1), uint8_t(60), uint8_t(255)}) {
    Pair pair;
    shake_hands(pair);
    std::vector<uint8_t> garbage(4 + 255, 0xaa);
    garbage[0] = length;
    garbage[1] = garbage[2] = garbage[3] = 0;
    CHECK(write(pair.dialler->fd(), garbage.data(), garbage.size()) == static_cast<ssize_t>(garbage.size()));
    pair.acceptor->receive();
    CHECK(take(*pair.acceptor).next == LaneLink::Next::broken);
  }
}

TEST(a_lane_link_refuses_another_key) {
  Pair pair;
  LaneId id;
  id.fill(9);
  CHECK(pair.dialler->introduce(id, key_of(3)));
  CHECK(pair.acceptor->receive());
  pair.acceptor->accept_with(key_of(4));
  CHECK(take(*pair.acceptor).next == LaneLink::Next::broken);
}

TEST(a_lane_link_says_when_it_is_over) {
  Pair pair;
  shake_hands(pair);
  shutdown(pair.dialler->fd(), SHUT_RDWR);
  CHECK(!pair.acceptor->receive());
  CHECK(!pair.acceptor->send(LaneHeader(), nullptr, 0));
}
