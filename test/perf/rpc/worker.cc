// One worker of llama.cpp's RPC backend: serves this machine's processor, and says `ready` when it can be reached.
//   worker LIBRARIES RPC_LIBRARY ADDRESS PORT THREADS
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "common.h"

namespace {

// The backend does not tell when it listens.
void say_ready(const char* address, int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) bench::fail(std::string("not an address: ") + address);
  for (bool is_up = false; !is_up;) {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    is_up = connect(probe, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    close(probe);
    if (!is_up) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::puts("ready");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) bench::fail("usage: worker LIBRARIES RPC_LIBRARY ADDRESS PORT THREADS");
  bench::end_with_parent();
  ggml_backend_reg_t rpc = bench::load_backends(argv[1], argv[2]);
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) bench::fail("no backend fits this processor");
  auto* serve = bench::proc_of<decltype(ggml_backend_rpc_start_server)>(rpc, "ggml_backend_rpc_start_server");
  std::thread(say_ready, argv[3], std::atoi(argv[4])).detach();
  const std::string endpoint = std::string(argv[3]) + ":" + argv[4];
  serve(endpoint.c_str(), nullptr, std::strtoul(argv[5], nullptr, 10), 1, &cpu);
  return 1;  // It serves until it is ended.
}
