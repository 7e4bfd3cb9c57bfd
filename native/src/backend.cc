#include "backend.h"

#include <mutex>

#include "errors.h"
#include "ggml-backend.h"
#include "llama.h"

namespace omninode {
namespace {

constexpr size_t kMaxLog = 2000;
std::mutex log_mutex;
std::string log_text;

void keep_errors(ggml_log_level level, const char* text, void*) {
  if (level < GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_CONT) return;
  std::lock_guard<std::mutex> lock(log_mutex);
  log_text += text;
  if (log_text.size() > kMaxLog) log_text.erase(0, log_text.size() - kMaxLog);
}

}  // namespace

void load_backends(const std::string& folder) {
  static std::once_flag once;
  std::call_once(once, [&] {
    llama_log_set(keep_errors, nullptr);
    ggml_backend_load_all_from_path(folder.c_str());
    llama_backend_init();
  });
  if (ggml_backend_dev_count() == 0) throw Failure(Code::no_backend, "no backend in " + folder + " fits this processor");
}

std::vector<Device> devices() {
  std::vector<Device> found;
  for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
    ggml_backend_dev_t dev = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(dev);
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(dev, &free, &total);
    const bool is_gpu = type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
    found.push_back({ggml_backend_dev_name(dev), ggml_backend_dev_description(dev), is_gpu, free, total});
  }
  return found;
}

std::string take_log() {
  std::lock_guard<std::mutex> lock(log_mutex);
  std::string text;
  text.swap(log_text);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace omninode
