// The coordinator of llama.cpp's RPC backend: a model split evenly by layers over workers, decoded greedily.
//   client LIBRARIES RPC_LIBRARY MODEL CONTEXT THREADS HOST:PORT...
// Without workers, llama.cpp alone on this processor: with weights as they are in the file, as RPC workers hold them
// (`plain`), or in the layout that suits the processor, as llama.cpp does it by default (`repacked`).
//   client LIBRARIES RPC_LIBRARY MODEL CONTEXT THREADS plain|repacked
// A line `N TOKEN...` on standard input asks for N tokens after these; the answer is one line of JSON.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <vector>

#include "common.h"
#include "llama.h"

namespace {

std::vector<ggml_backend_dev_t> connect(ggml_backend_reg_t rpc, char** endpoints, int count) {
  auto* add_server = bench::proc_of<decltype(ggml_backend_rpc_add_server)>(rpc, "ggml_backend_rpc_add_server");
  std::vector<ggml_backend_dev_t> devices;
  for (int i = 0; i < count; i++) {
    ggml_backend_reg_t server = add_server(endpoints[i]);
    if (server == nullptr) bench::fail(std::string("no worker at ") + endpoints[i]);
    ggml_backend_register(server);
    devices.push_back(ggml_backend_reg_dev_get(server, 0));
  }
  devices.push_back(nullptr);
  return devices;
}

llama_model* load(const char* path, std::vector<ggml_backend_dev_t>& devices, bool is_repacked) {
  llama_model_params params = llama_model_default_params();
  const std::vector<float> even(llama_max_devices(), 1.0f);
  params.devices = devices.data();
  params.tensor_split = even.data();
  params.split_mode = LLAMA_SPLIT_MODE_LAYER;
  params.n_gpu_layers = 1 << 16;
  params.use_extra_bufts = is_repacked;
  llama_model* model = llama_model_load_from_file(path, params);
  if (model == nullptr) bench::fail(std::string("cannot load ") + path);
  return model;
}

// As the stages of native/src/stage.cc.
llama_context* context_of(llama_model* model, uint32_t tokens, int32_t threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = tokens;
  params.n_threads = params.n_threads_batch = threads;
  params.swa_full = true;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.no_perf = true;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) bench::fail("no context");
  return context;
}

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void answer(llama_context* context, size_t wanted, std::vector<llama_token> input) {
  llama_memory_clear(llama_get_memory(context), true);
  const int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
  std::ostringstream tokens, times;
  times.precision(9);
  for (size_t i = 0; i < wanted; i++) {
    if (llama_decode(context, llama_batch_get_one(input.data(), static_cast<int32_t>(input.size()))) != 0) bench::fail("a step failed");
    const float* logits = llama_get_logits_ith(context, -1);
    const llama_token best = static_cast<llama_token>(std::max_element(logits, logits + vocabulary) - logits);
    tokens << (i == 0 ? "" : ",") << best;
    times << (i == 0 ? "" : ",") << now_ms();
    input.assign(1, best);
  }
  std::cout << "{\"tokens\":[" << tokens.str() << "],\"timesMs\":[" << times.str() << "]}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) bench::fail("usage: client LIBRARIES RPC_LIBRARY MODEL CONTEXT THREADS HOST:PORT...");
  bench::end_with_parent();
  llama_log_set(bench::keep_errors, nullptr);
  ggml_backend_reg_t rpc = bench::load_backends(argv[1], argv[2]);
  const std::string first = argv[6];
  std::vector<ggml_backend_dev_t> devices{nullptr};
  if (first != "plain" && first != "repacked") devices = connect(rpc, argv + 6, argc - 6);
  llama_model* model = load(argv[3], devices, first != "plain");
  llama_context* context = context_of(model, static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10)), std::atoi(argv[5]));
  std::cout << "{\"ready\":true}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    size_t wanted = 0;
    words >> wanted;
    std::vector<llama_token> prompt;
    for (llama_token token; words >> token;) prompt.push_back(token);
    if (wanted == 0 || prompt.empty()) bench::fail("a line is a count and a prompt");
    answer(context, wanted, prompt);
  }
  std::_Exit(0);
}
