// A network with a delay, for kernels without netem: one TUN device in each of several namespaces, and every IPv4 packet
// that goes out of one comes in at the one with its destination address, later or never.
//   delay-line MICROSECONDS NAMESPACE=ADDRESS...
// Says `ready` when the devices (wan0) are there. They go when it ends, which it does when its standard input is closed.
// A line `MICROSECONDS JITTER_MICROSECONDS LOST_PER_MILLE` there changes what becomes of later packets, and is answered `set`.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMaxPacket = 2048;
// More than the largest window of TCP; beyond that packets are lost, as on any link.
constexpr size_t kMaxQueued = 1 << 16;
constexpr int kReadsAtOnce = 64;

struct Host {
  uint32_t address;
  int tun;
};
struct Packet {
  int to;
  std::vector<char> bytes;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

int open_tun(const std::string& space) {
  const int ns = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (ns < 0 || setns(ns, CLONE_NEWNET) != 0) fail(space.c_str());
  close(ns);
  const int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, "wan0", IFNAMSIZ - 1);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  return tun;
}

Host host_of(const std::string& argument) {
  const size_t split = argument.find('=');
  in_addr address{};
  if (split == std::string::npos || inet_pton(AF_INET, argument.c_str() + split + 1, &address) != 1) {
    std::fputs("usage: delay-line MICROSECONDS NAMESPACE=ADDRESS...\n", stderr);
    std::_Exit(2);
  }
  return {address.s_addr, open_tun(argument.substr(0, split))};
}

class Line {
 public:
  Line(std::vector<Host> hosts, std::chrono::microseconds delay) : hosts_(std::move(hosts)), delay_(delay) {}

  // Packets overtake each other when the jitter is longer than the time between them.
  void change(const std::string& line) {
    unsigned long delay = 0, jitter = 0, lost = 0;
    if (std::sscanf(line.c_str(), "%lu %lu %lu", &delay, &jitter, &lost) != 3 || lost > 1000) {
      std::fputs("a line is: MICROSECONDS JITTER_MICROSECONDS LOST_PER_MILLE\n", stderr);
      std::_Exit(2);
    }
    delay_ = std::chrono::microseconds(delay);
    jitter_us_ = jitter;
    lost_per_mille_ = lost;
    std::puts("set");
    std::fflush(stdout);
  }

  void take(const Host& from) {
    std::array<char, kMaxPacket> buffer;
    for (int i = 0; i < kReadsAtOnce; i++) {
      const ssize_t size = read(from.tun, buffer.data(), buffer.size());
      if (size <= 0) return;
      const int to = tun_of(buffer.data(), static_cast<size_t>(size));
      if (to < 0 || queue_.size() >= kMaxQueued || below(1000) < lost_per_mille_) continue;
      const auto due = Clock::now() + delay_ + std::chrono::microseconds(below(jitter_us_));
      queue_.insert({due, {to, {buffer.data(), buffer.data() + size}}});
    }
  }

  void deliver() {
    while (!queue_.empty() && queue_.begin()->first <= Clock::now()) {
      const Packet& packet = queue_.begin()->second;
      // A device that is not up loses the packet.
      if (write(packet.to, packet.bytes.data(), packet.bytes.size()) < 0 && errno == EBADF) fail("write");
      queue_.erase(queue_.begin());
    }
  }

  // Until the next packet is due; null: none waits.
  const timespec* wait() {
    if (queue_.empty()) return nullptr;
    const auto left = std::max(Clock::duration::zero(), queue_.begin()->first - Clock::now());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    timeout_ = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    return &timeout_;
  }

  const std::vector<Host>& hosts() const { return hosts_; }

 private:
  int tun_of(const char* packet, size_t size) const {
    if (size < 20 || (packet[0] >> 4) != 4) return -1;
    uint32_t destination;
    std::memcpy(&destination, packet + 16, sizeof destination);
    for (const Host& host : hosts_) {
      if (host.address == destination) return host.tun;
    }
    return -1;
  }

  unsigned long below(unsigned long end) { return end == 0 ? 0 : random_() % end; }

  std::vector<Host> hosts_;
  std::chrono::microseconds delay_;
  unsigned long jitter_us_ = 0;
  unsigned long lost_per_mille_ = 0;
  // The same losses in every run, as far as the packets are the same.
  std::mt19937 random_;
  // Packets due at one time stay in order.
  std::multimap<Clock::time_point, Packet> queue_;
  timespec timeout_{};
};

// False when nobody is there to say more.
bool read_lines(Line& line) {
  static std::string pending;
  std::array<char, 256> buffer;
  const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
  if (size <= 0) return false;
  pending.append(buffer.data(), static_cast<size_t>(size));
  for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) line.change(pending.substr(0, end));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Host> hosts;
  for (int i = 2; i < argc; i++) hosts.push_back(host_of(argv[i]));
  Line line(std::move(hosts), std::chrono::microseconds(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0));
  // Packets leave when they are due, whoever computes then.
  sched_param priority{};
  priority.sched_priority = 1;
  sched_setscheduler(0, SCHED_FIFO, &priority);
  std::vector<pollfd> fds{{STDIN_FILENO, POLLIN, 0}};
  for (const Host& host : line.hosts()) fds.push_back({host.tun, POLLIN, 0});
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    if (ppoll(fds.data(), fds.size(), line.wait(), nullptr) < 0 && errno != EINTR) fail("ppoll");
    if (fds[0].revents != 0 && !read_lines(line)) return 0;
    for (size_t i = 1; i < fds.size(); i++) {
      if (fds[i].revents != 0) line.take(line.hosts()[i - 1]);
    }
    line.deliver();
  }
}
