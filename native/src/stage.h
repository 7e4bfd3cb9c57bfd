// One contiguous range of layers, loaded and ready: weights, KV cache for several sessions, one forward pass at a time.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fair-mutex.h"
#include "llama.h"
#include "rows.h"
#include "sampler.h"
#include "spelling.h"
#include "tap.h"

struct ggml_threadpool;

namespace omninode {

struct StageOptions {
  std::string path;
  bool is_first = true;
  bool is_last = true;
  uint32_t context_tokens = 512;
  uint32_t max_sessions = 1;
  uint32_t batch_tokens = 256;
  int32_t threads = 1;
  // One processor per thread, the same for every stage of this machine, when there are as many threads as processors:
  // stages that take turns then find each processor free or not, instead of two threads of one pass on the same.
  bool pin_threads = false;
  int32_t gpu_layers = 0;
  // What this machine can still hold; 0 = do not ask.
  uint64_t free_bytes = 0;
};

struct Input {
  const int32_t* tokens = nullptr;
  // rows x hidden size, when there are no tokens.
  const void* hidden = nullptr;
  Dtype dtype = Dtype::f32;
  int32_t rows = 0;
  // Rows at or after the position are forgotten first: they were drafts that did not come true.
  bool rewinds = false;
};

enum class Want { hidden, sample, none };

struct Output {
  std::vector<uint8_t> hidden;
  Sampled sampled{};
  double compute_ms = 0;
  // Until other work on this stage had ended.
  double wait_ms = 0;
  // Nobody wanted it any more when its turn came.
  bool skipped = false;
};

// Calls may come from any thread; they run one after the other.
class Stage {
 public:
  explicit Stage(const StageOptions& options);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // With `record`, the session's windows are kept for receipts; it is the dtype of hidden states in transit.
  // With `shape`, the last stage samples only what fits; a text begins with the first token that is sampled after a rollback, or after rows after which none was.
  int32_t open(const Sampling& sampling, std::optional<Dtype> record = std::nullopt, std::optional<Shape> shape = std::nullopt);
  // The shape of a grammar's program; sessions of one vocabulary share its spelling. Throws Failure(bad_grammar).
  Shape shape(const std::vector<int32_t>& grammar, std::string spelling);
  void close(int32_t session);
  void rollback(int32_t session, int32_t position);
  // The oldest recorded windows, of rows before `end` alone; those that do not fit stay. None where nothing is recorded.
  std::vector<TappedWindow> take_windows(int32_t session, int32_t end, size_t most);
  // `wanted` is asked when the stage is free: what a rollback overtook must not run after it.
  Output forward(int32_t session, int32_t position, const Input& input, Want want, Dtype dtype, const std::function<bool()>& wanted = nullptr);

  std::string architecture() const;
  int32_t hidden_size() const { return n_embd_; }
  int32_t vocab_size() const { return n_vocab_; }
  uint32_t context_tokens() const { return options_.context_tokens; }
  // Of the first stage: what the session's rows were computed from.
  std::vector<int32_t> tokens(int32_t session);
  // A model that cannot forget a part of its context cannot take a draft back.
  bool can_forget() const { return !llama_model_is_recurrent(model_) && !llama_model_is_hybrid(model_); }
  uint64_t weight_bytes() const { return llama_model_size(model_); }
  uint64_t kv_bytes() const { return kv_bytes_; }
  bool is_first() const { return options_.is_first; }
  bool is_last() const { return options_.is_last; }
  // Puts the calling thread where the pass expects its first thread; nothing without pin_threads.
  void pin_caller() const;
  uint32_t max_sessions() const { return options_.max_sessions; }
  std::string backend() const;

 private:
  struct Session {
    bool is_open = false;
    int32_t length = 0;
    Sampling sampling;
    // Generated token and the position it was sampled for; a rollback cuts it.
    std::vector<std::pair<int32_t, int32_t>> generated;
    std::unique_ptr<Tap> tap;
    std::unique_ptr<ShapedText> shaped;
    Dtype recorded = Dtype::f32;
    // Of the first stage, one per row.
    std::vector<int32_t> tokens;
  };
  struct Hooks;

  void load_model();
  void check_memory();
  void make_context();
  void attach_threads();
  void release();
  int32_t head_length(const char* which) const;
  Session& session(int32_t id);
  std::shared_ptr<const Spelling> spelling_of(std::string bytes);
  void cut(int32_t id, int32_t position);
  void check_input(const Session& s, int32_t position, const Input& input) const;
  void decode(int32_t id, int32_t position, const Input& input, Want want);
  std::vector<uint8_t> take_hidden(int32_t rows, Dtype dtype) const;
  Sampled sample_last(Session& s) const;
  // Of `out.hidden`, or of the rows that the last stage sampled after.
  void record(Session& s, int32_t position, const Input& input, const Output& out, Dtype dtype, double started_ms);

  StageOptions options_;
  FairMutex mutex_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  ggml_threadpool* threads_ = nullptr;
  std::vector<int> processors_;
  std::unique_ptr<Hooks> hooks_;
  std::vector<Session> sessions_;
  llama_batch token_batch_{};
  llama_batch hidden_batch_{};
  std::vector<float> travelled_;
  std::weak_ptr<const Spelling> spelling_;
  int32_t n_embd_ = 0;
  int32_t n_vocab_ = 0;
  uint64_t kv_bytes_ = 0;
};

}  // namespace omninode
