#pragma once

#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "ggml-backend.h"
#include "ggml-rpc.h"

namespace bench {

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::_Exit(1);
}

// Also where it waits for a peer that is no longer there.
inline void end_with_parent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

inline void keep_errors(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

// The processor's backend from the shipped libraries, and the RPC backend built beside this program.
inline ggml_backend_reg_t load_backends(const char* libraries, const char* rpc_library) {
  ggml_log_set(keep_errors, nullptr);
  ggml_backend_load_all_from_path(libraries);
  ggml_backend_reg_t rpc = ggml_backend_load(rpc_library);
  if (rpc == nullptr) fail(std::string("cannot load ") + rpc_library);
  return rpc;
}

template <typename F>
F* proc_of(ggml_backend_reg_t reg, const char* name) {
  auto* proc = reinterpret_cast<F*>(ggml_backend_reg_get_proc_address(reg, name));
  if (proc == nullptr) fail(std::string("the RPC backend has no ") + name);
  return proc;
}

}  // namespace bench
