// Process-wide state of llama.cpp: which compute backends are loaded, and what it last complained about.
#pragma once
#include <string>
#include <vector>

namespace omninode {

struct Device {
  std::string name;
  std::string description;
  bool is_gpu;
  size_t memory_free;
  size_t memory_total;
};

// Loads the backend libraries from `folder` once; throws Failure(no_backend) when none fits this processor.
void load_backends(const std::string& folder);
std::vector<Device> devices();

// The last error lines that llama.cpp logged on any thread; reading clears them. They explain a failed load.
std::string take_log();

}  // namespace omninode
