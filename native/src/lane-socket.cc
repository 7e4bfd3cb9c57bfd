#include "lane-socket.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errors.h"

namespace omninode {
namespace {

constexpr int kBacklog = 32;

struct Address {
  sockaddr_storage bytes{};
  socklen_t length = 0;
};

// Numeric addresses only: a name would ask a resolver, and wait for it.
Address resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) throw Failure(Code::no_lane, "\"" + host + "\" is no address");
  Address out;
  out.length = found->ai_addrlen;
  std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return out;
}

[[noreturn]] void close_and_throw(int fd) {
  const std::string why = std::strerror(errno);
  ::close(fd);
  throw Failure(Code::no_lane, why);
}

int open_socket(const Address& address) {
  const int fd = socket(address.bytes.ss_family, SOCK_STREAM, 0);
  if (fd < 0) throw Failure(Code::no_lane, std::strerror(errno));
  prepare_socket(fd);
  return fd;
}

}  // namespace

void make_non_blocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

bool is_same_machine(int fd) {
  Address own, peer;
  own.length = peer.length = sizeof(sockaddr_storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own.bytes), &own.length) != 0) return false;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer.bytes), &peer.length) != 0) return false;
  char names[2][64] = {};
  const auto name_of = [](const Address& of, char* out) { return getnameinfo(reinterpret_cast<const sockaddr*>(&of.bytes), of.length, out, 64, nullptr, 0, NI_NUMERICHOST) == 0; };
  return name_of(own, names[0]) && name_of(peer, names[1]) && std::strcmp(names[0], names[1]) == 0;
}

void prepare_socket(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#endif
  make_non_blocking(fd);
}

int listen_on(const std::string& host) {
  const Address address = resolve(host, 0);
  const int fd = open_socket(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.length) != 0 || listen(fd, kBacklog) != 0) close_and_throw(fd);
  return fd;
}

int dial(const std::string& host, uint16_t port) {
  const Address address = resolve(host, port);
  const int fd = open_socket(address);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.length) != 0 && errno != EINPROGRESS) close_and_throw(fd);
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

}  // namespace omninode
