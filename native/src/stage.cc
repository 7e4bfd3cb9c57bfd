#include "stage.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#ifdef __linux__
#include <sched.h>
#endif

#include "backend.h"
#include "errors.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "mapped.h"

namespace omninode {

// Graph and thread buffers beside weights, cache and logits.
constexpr uint64_t kScratchBytes = 64ull << 20;
// Of the tokens that fit a grammar, those that the draw is among: the tail behind them has next to no weight.
constexpr size_t kFittingTokens = 256;

static double unix_ms() { return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// The processors that this process may use; empty where threads cannot be placed.
static std::vector<int> own_processors() {
  std::vector<int> out;
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return out;
  for (int i = 0; i < CPU_SETSIZE && i < GGML_MAX_N_THREADS; i++) {
    if (CPU_ISSET(i, &set)) out.push_back(i);
  }
#endif
  return out;
}

// Looks into the graph while it runs.
struct Stage::Hooks {
  // The last block's output: copied, and on all stages but the last the pass ends there. Without it every stage would go
  // on to norm and head, which are dummies here or (tied embedding) a full vocabulary of waste.
  std::string capture;
  bool is_capturing = false;
  bool is_last = false;
  std::vector<float> rows;
  // Gemma 2 scales whatever enters, also hidden states that were scaled as embeddings in the first stage: the
  // scaled tensor is put back to what came in. Empty elsewhere.
  std::string restore;
  const float* input = nullptr;

  static bool on_node(ggml_tensor* t, bool ask, void* data) {
    auto* self = static_cast<Hooks*>(data);
    const bool is_capture = self->is_capturing && self->capture == t->name;
    const bool is_restore = !self->restore.empty() && self->restore == t->name;
    if (ask) return is_capture || is_restore;
    if (is_restore) ggml_backend_tensor_set(t, self->input, 0, ggml_nbytes(t));
    if (!is_capture) return true;
    const size_t before = self->rows.size();
    self->rows.resize(before + ggml_nelements(t));
    ggml_backend_tensor_get(t, self->rows.data() + before, 0, ggml_nbytes(t));
    return self->is_last;
  }
};

Stage::Stage(const StageOptions& options) : options_(options) {
  try {
    load_model();
    check_memory();
    make_context();
    attach_threads();
  } catch (...) {
    release();
    throw;
  }
  sessions_.resize(options_.max_sessions);
  token_batch_ = llama_batch_init(options_.batch_tokens, 0, 1);
  hidden_batch_ = llama_batch_init(options_.batch_tokens, n_embd_, 1);
}

Stage::~Stage() {
  llama_batch_free(token_batch_);
  llama_batch_free(hidden_batch_);
  release();
}

void Stage::release() {
  if (context_ != nullptr) llama_free(context_);
  if (model_ != nullptr) llama_model_free(model_);
  if (threads_ != nullptr) {
    auto* reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    auto free_threads = reinterpret_cast<void (*)(ggml_threadpool*)>(ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_free"));
    if (free_threads != nullptr) free_threads(threads_);
  }
  context_ = nullptr;
  model_ = nullptr;
  threads_ = nullptr;
}

void Stage::load_model() {
  take_log();
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options_.gpu_layers < 0 ? 1 << 16 : options_.gpu_layers;
  model_ = llama_model_load_from_file(options_.path.c_str(), params);
  if (model_ == nullptr) throw Failure(Code::load_failed, take_log());
  drop_mapped_pages(options_.path);
  n_embd_ = llama_model_n_embd(model_);
  n_vocab_ = llama_vocab_n_tokens(llama_model_get_vocab(model_));
}

// The KV cache is zeroed, and so taken, when the context is made: too late to ask. Weights are mapped, not yet read.
void Stage::check_memory() {
  const uint64_t rows = static_cast<uint64_t>(options_.context_tokens) * options_.max_sessions;
  if (rows > INT32_MAX) throw Failure(Code::bad_argument, "contexts of " + std::to_string(rows) + " tokens together are too large");
  const uint64_t values = static_cast<uint64_t>(head_length("key_length") + head_length("value_length")) * llama_model_n_head_kv(model_);
  kv_bytes_ = values * sizeof(ggml_fp16_t) * rows * llama_model_n_layer(model_);
  // Logits are reserved for every row that is an output: all rows on a stage that is not the last.
  const uint64_t logit_bytes = static_cast<uint64_t>(n_vocab_) * sizeof(float) * (options_.is_last ? 1 : options_.batch_tokens);
  const uint64_t needed = weight_bytes() + kv_bytes_ + logit_bytes + kScratchBytes;
  const bool is_on_host = options_.gpu_layers == 0 || backend() == "cpu";
  if (is_on_host && options_.free_bytes > 0 && needed > options_.free_bytes) {
    throw Failure(Code::no_memory, std::to_string(needed) + " bytes are needed", static_cast<double>(needed));
  }
}

void Stage::make_context() {
  llama_context_params params = llama_context_default_params();
  params.n_seq_max = options_.max_sessions;
  params.n_ctx = options_.context_tokens * options_.max_sessions;
  params.n_batch = options_.batch_tokens;
  params.n_ubatch = options_.batch_tokens;
  params.n_threads = options_.threads;
  params.n_threads_batch = options_.threads;
  params.kv_unified = false;
  // Both as in local/: equal settings give equal tokens. The full-size window cache is what a rollback needs.
  params.swa_full = true;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.no_perf = true;
  hooks_ = std::make_unique<Hooks>();
  hooks_->capture = "l_out-" + std::to_string(llama_model_n_layer(model_) - 1);
  hooks_->is_last = options_.is_last;
  if (!options_.is_first && architecture() == "gemma2") hooks_->restore = "inp_scaled";
  params.cb_eval = Hooks::on_node;
  params.cb_eval_user_data = hooks_.get();
  context_ = llama_init_from_model(model_, params);
  if (context_ == nullptr) throw Failure(Code::context_failed, take_log());
}

// ggml gives the first processors to its own threads and leaves the last to the caller.
void Stage::pin_caller() const {
#ifdef __linux__
  if (processors_.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processors_.back(), &set);
  sched_setaffinity(0, sizeof set, &set);
#endif
}

// poll = 0: an idle stage sleeps at once. With the default it would spin for milliseconds after each token,
// on the cores that the next stage of this machine needs now.
void Stage::attach_threads() {
  auto* reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
  auto make = reinterpret_cast<ggml_threadpool* (*)(ggml_threadpool_params*)>(ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_new"));
  if (make == nullptr) return;
  ggml_threadpool_params params = ggml_threadpool_params_default(options_.threads);
  params.poll = 0;
  if (options_.pin_threads) processors_ = own_processors();
  if (static_cast<int32_t>(processors_.size()) != options_.threads) processors_.clear();
  params.strict_cpu = !processors_.empty();
  for (int processor : processors_) params.cpumask[processor] = true;
  threads_ = make(&params);
  if (threads_ != nullptr) llama_attach_threadpool(context_, threads_, threads_);
}

// Values per head; most architectures leave it out when it is hidden size / heads.
int32_t Stage::head_length(const char* which) const {
  char text[32] = {0};
  const std::string key = architecture() + ".attention." + which;
  if (llama_model_meta_val_str(model_, key.c_str(), text, sizeof text) > 0) return std::atoi(text);
  return n_embd_ / llama_model_n_head(model_);
}

std::string Stage::architecture() const {
  char text[64] = {0};
  llama_model_meta_val_str(model_, "general.architecture", text, sizeof text);
  return text;
}

std::string Stage::backend() const {
  if (options_.gpu_layers == 0) return "cpu";
  for (const Device& device : devices()) {
    if (!device.is_gpu) continue;
    if (device.name.rfind("Metal", 0) == 0) return "metal";
    return device.name.rfind("CUDA", 0) == 0 ? "cuda" : "vulkan";
  }
  return "cpu";
}

int32_t Stage::open(const Sampling& sampling, std::optional<Dtype> record, std::optional<Shape> shape) {
  std::lock_guard<FairMutex> lock(mutex_);
  for (size_t id = 0; id < sessions_.size(); id++) {
    if (sessions_[id].is_open) continue;
    sessions_[id] = Session();
    sessions_[id].is_open = true;
    sessions_[id].sampling = sampling;
    if (record.has_value()) sessions_[id].tap = std::make_unique<Tap>(n_embd_);
    sessions_[id].recorded = record.value_or(Dtype::f32);
    if (shape.has_value()) sessions_[id].shaped = std::make_unique<ShapedText>(*shape);
    return static_cast<int32_t>(id);
  }
  throw Failure(Code::sessions_full, "all " + std::to_string(sessions_.size()) + " sessions are open");
}

Shape Stage::shape(const std::vector<int32_t>& grammar, std::string spelling) {
  auto shared = spelling_of(std::move(spelling));
  return {std::make_shared<const Grammar>(grammar, shared->writable()), shared};
}

std::shared_ptr<const Spelling> Stage::spelling_of(std::string bytes) {
  std::lock_guard<FairMutex> lock(mutex_);
  auto shared = spelling_.lock();
  if (shared != nullptr && shared->is_same(bytes)) return shared;
  shared = std::make_shared<const Spelling>(std::move(bytes), n_vocab_);
  spelling_ = shared;
  return shared;
}

void Stage::close(int32_t id) {
  std::lock_guard<FairMutex> lock(mutex_);
  session(id).is_open = false;
  sessions_[id].tap.reset();
  sessions_[id].shaped.reset();
  llama_memory_seq_rm(llama_get_memory(context_), id, -1, -1);
}

void Stage::rollback(int32_t id, int32_t position) {
  std::lock_guard<FairMutex> lock(mutex_);
  cut(id, position);
  // Who forgets rows by a call goes on with another prompt; drafts are forgotten by `rewinds`.
  if (sessions_[id].shaped != nullptr) sessions_[id].shaped->begin();
}

void Stage::cut(int32_t id, int32_t position) {
  Session& s = session(id);
  if (position < 0 || position > s.length) throw Failure(Code::bad_position, "cannot roll back from " + std::to_string(s.length) + " to " + std::to_string(position));
  if (!llama_memory_seq_rm(llama_get_memory(context_), id, position, -1)) throw Failure(Code::bad_position, "this model cannot forget a part of its context");
  s.length = position;
  while (!s.generated.empty() && s.generated.back().second >= position) {
    s.generated.pop_back();
    if (s.shaped != nullptr) s.shaped->pop();
  }
  if (s.tap != nullptr) s.tap->cut(position);
  if (options_.is_first) s.tokens.resize(position);
}

std::vector<int32_t> Stage::tokens(int32_t id) {
  std::lock_guard<FairMutex> lock(mutex_);
  return session(id).tokens;
}

std::vector<TappedWindow> Stage::take_windows(int32_t id, int32_t end, size_t most) {
  std::lock_guard<FairMutex> lock(mutex_);
  Session& s = session(id);
  return s.tap == nullptr ? std::vector<TappedWindow>() : s.tap->take(end, most);
}

Stage::Session& Stage::session(int32_t id) {
  if (id < 0 || id >= static_cast<int32_t>(sessions_.size()) || !sessions_[id].is_open) throw Failure(Code::no_session, "session " + std::to_string(id) + " is not open");
  return sessions_[id];
}

void Stage::check_input(const Session& s, int32_t position, const Input& input) const {
  if (position != s.length) throw Failure(Code::bad_position, "the session has " + std::to_string(s.length) + " rows, the batch begins at " + std::to_string(position));
  if (input.rows < 1 || input.rows > static_cast<int32_t>(options_.batch_tokens)) throw Failure(Code::bad_argument, "a batch has 1 to " + std::to_string(options_.batch_tokens) + " rows, not " + std::to_string(input.rows));
  if (static_cast<uint32_t>(position + input.rows) > options_.context_tokens) throw Failure(Code::context_full, "the context holds " + std::to_string(options_.context_tokens) + " tokens");
  if ((input.tokens != nullptr) != options_.is_first) throw Failure(Code::bad_argument, options_.is_first ? "the first stage takes tokens" : "this stage takes hidden states");
  for (int32_t i = 0; input.tokens != nullptr && i < input.rows; i++) {
    if (input.tokens[i] < 0 || input.tokens[i] >= n_vocab_) throw Failure(Code::bad_token, "token " + std::to_string(input.tokens[i]) + " is not one of " + std::to_string(n_vocab_));
  }
}

Output Stage::forward(int32_t id, int32_t position, const Input& input, Want want, Dtype dtype, const std::function<bool()>& wanted) {
  const auto asked = std::chrono::steady_clock::now();
  std::lock_guard<FairMutex> lock(mutex_);
  Output out;
  if (wanted && !wanted()) {
    out.skipped = true;
    return out;
  }
  Session& s = session(id);
  if (input.rewinds && position < s.length) cut(id, position);
  check_input(s, position, input);
  if (options_.is_last == (want == Want::hidden)) throw Failure(Code::bad_argument, options_.is_last ? "the last stage gives tokens" : "this stage gives hidden states");
  const auto begun = std::chrono::steady_clock::now();
  const double started_ms = s.tap == nullptr ? 0 : unix_ms();
  hooks_->is_capturing = want == Want::hidden || (want == Want::sample && s.tap != nullptr);
  decode(id, position, input, want);
  s.length += input.rows;
  if (input.tokens != nullptr) s.tokens.insert(s.tokens.end(), input.tokens, input.tokens + input.rows);
  out.wait_ms = std::chrono::duration<double, std::milli>(begun - asked).count();
  if (want == Want::hidden) out.hidden = take_hidden(input.rows, dtype);
  if (want == Want::sample) out.sampled = sample_last(s);
  if (want == Want::none && s.shaped != nullptr) s.shaped->begin();
  if (s.tap != nullptr) record(s, position, input, out, want == Want::hidden ? dtype : s.recorded, started_ms);
  out.compute_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  return out;
}

void Stage::decode(int32_t id, int32_t position, const Input& input, Want want) {
  llama_batch& batch = input.tokens != nullptr ? token_batch_ : hidden_batch_;
  batch.n_tokens = input.rows;
  for (int32_t i = 0; i < input.rows; i++) {
    batch.pos[i] = position + i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = id;
    // Rows that are not outputs are pruned inside the last block, before we could take them.
    batch.logits[i] = want == Want::hidden || (want == Want::sample && i == input.rows - 1);
  }
  if (input.tokens != nullptr) std::memcpy(batch.token, input.tokens, input.rows * sizeof(int32_t));
  else decode_rows(input.dtype, input.hidden, input.rows, n_embd_, batch.embd);
  hooks_->rows.clear();
  hooks_->input = batch.embd;
  take_log();
  const int32_t status = llama_decode(context_, batch);
  if (status == 0) return;
  llama_memory_seq_rm(llama_get_memory(context_), id, position, -1);
  throw Failure(status == 1 ? Code::context_full : Code::decode_failed, "llama.cpp says " + std::to_string(status) + " " + take_log());
}

std::vector<uint8_t> Stage::take_hidden(int32_t rows, Dtype dtype) const {
  const size_t values = static_cast<size_t>(rows) * n_embd_;
  if (hooks_->rows.size() != values) throw Failure(Code::decode_failed, "the last block gave " + std::to_string(hooks_->rows.size()) + " values instead of " + std::to_string(values));
  std::vector<uint8_t> bytes(rows * row_bytes(dtype, n_embd_));
  encode_rows(dtype, hooks_->rows.data(), rows, n_embd_, bytes.data());
  return bytes;
}

void Stage::record(Session& s, int32_t position, const Input& input, const Output& out, Dtype dtype, double started_ms) {
  const auto rows = static_cast<int32_t>(hooks_->rows.size() / n_embd_);
  const std::vector<uint8_t> sampled_after = options_.is_last ? take_hidden(rows, dtype) : std::vector<uint8_t>();
  travelled_.resize(hooks_->rows.size());
  decode_rows(dtype, options_.is_last ? sampled_after.data() : out.hidden.data(), rows, n_embd_, travelled_.data());
  Tap::Pass pass;
  pass.position = position;
  pass.rows = input.rows;
  pass.tokens = input.tokens;
  pass.input = hidden_batch_.embd;
  pass.output = travelled_.data();
  pass.output_rows = rows;
  pass.started_ms = started_ms;
  pass.ended_ms = unix_ms();
  s.tap->add(pass);
  if (options_.is_last && rows > 0) s.tap->sampled(position + input.rows - 1, out.sampled.token);
}

Sampled Stage::sample_last(Session& s) const {
  const float* logits = llama_get_logits_ith(context_, -1);
  if (logits == nullptr) throw Failure(Code::decode_failed, "llama.cpp gave no logits");
  std::vector<int32_t> recent;
  const size_t window = std::min<size_t>(s.generated.size(), static_cast<size_t>(std::max(0, s.sampling.penalty_window)));
  for (size_t i = s.generated.size() - window; i < s.generated.size(); i++) recent.push_back(s.generated[i].first);
  std::vector<int32_t> fitting;
  if (s.shaped != nullptr) fitting = s.shaped->fitting(logits, is_plain(s.sampling) ? 1 : kFittingTokens);
  Sampled chosen = sample(s.sampling, logits, n_vocab_, s.length, recent, s.shaped == nullptr ? nullptr : &fitting);
  s.generated.emplace_back(chosen.token, s.length);
  if (s.shaped != nullptr) s.shaped->append(chosen.token);
  return chosen;
}

}  // namespace omninode
