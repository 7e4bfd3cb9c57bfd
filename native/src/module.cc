// What JavaScript sees; native/index.d.ts is the contract. Calls on one stage must not overlap: the worker queues them.
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

#include "backend.h"
#include "handles.h"
#include "lane-module.h"
#include "napi.h"
#include "stage.h"
#include "vocab.h"

namespace omninode {
namespace {

using namespace napi;

template <class T>
napi_value load(napi_env env, std::function<std::shared_ptr<T>()> make_it) {
  auto slot = std::make_shared<std::shared_ptr<T>>();
  return promise(env, [=] { *slot = make_it(); }, [=](napi_env e) { return make_handle<T>(e, std::move(*slot)); }, {});
}

template <class T>
napi_value dispose(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    auto slot = std::make_shared<std::shared_ptr<T>>(std::move(holder<T>(env, args.at(0)).value));
    // Freeing gigabytes takes time, too.
    return promise(env, [=] { slot->reset(); }, [](napi_env e) { return make(e, true); }, {});
  });
}

napi_value init(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    load_backends(text(env, args.at(0)));
    napi_value list;
    napi_create_array(env, &list);
    uint32_t i = 0;
    for (const Device& device : devices()) {
      napi_value entry = make_object(env);
      set(env, entry, "name", make(env, device.name));
      set(env, entry, "description", make(env, device.description));
      set(env, entry, "isGpu", make(env, device.is_gpu));
      set(env, entry, "memoryFreeBytes", make(env, static_cast<double>(device.memory_free)));
      set(env, entry, "memoryTotalBytes", make(env, static_cast<double>(device.memory_total)));
      napi_set_element(env, list, i++, entry);
    }
    return list;
  });
}

napi_value load_stage(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    napi_value o = args.at(0);
    StageOptions options;
    options.path = text(env, get(env, o, "path"));
    options.is_first = boolean(env, get(env, o, "isFirst"));
    options.is_last = boolean(env, get(env, o, "isLast"));
    options.context_tokens = integer(env, get(env, o, "contextTokens"));
    options.max_sessions = integer(env, get(env, o, "maxSessions"));
    options.batch_tokens = integer(env, get(env, o, "batchTokens"));
    options.threads = integer(env, get(env, o, "threads"));
    options.pin_threads = boolean(env, get(env, o, "pinThreads"));
    options.gpu_layers = integer(env, get(env, o, "gpuLayers"));
    options.free_bytes = static_cast<uint64_t>(std::max(0.0, number(env, get(env, o, "freeBytes"))));
    return load<Stage>(env, [options] { return std::make_shared<Stage>(options); });
  });
}

napi_value stage_info(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    auto stage = shared<Stage>(env, args.at(0));
    napi_value out = make_object(env);
    set(env, out, "architecture", make(env, stage->architecture()));
    set(env, out, "hiddenSize", make(env, static_cast<double>(stage->hidden_size())));
    set(env, out, "vocabSize", make(env, static_cast<double>(stage->vocab_size())));
    set(env, out, "contextTokens", make(env, static_cast<double>(stage->context_tokens())));
    set(env, out, "weightBytes", make(env, static_cast<double>(stage->weight_bytes())));
    set(env, out, "kvBytes", make(env, static_cast<double>(stage->kv_bytes())));
    set(env, out, "backend", make(env, stage->backend()));
    return out;
  });
}

struct WantedShape {
  std::vector<int32_t> grammar;
  std::string spelling;
};

// Null for null: an answer of any shape.
std::shared_ptr<const WantedShape> shape_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) != napi_ok || type == napi_null) return nullptr;
  const Bytes grammar = bytes(env, get(env, value, "grammar")), spelling = bytes(env, get(env, value, "spelling"));
  auto shape = std::make_shared<WantedShape>();
  shape->grammar.resize(grammar.length / sizeof(int32_t));
  std::memcpy(shape->grammar.data(), grammar.data, shape->grammar.size() * sizeof(int32_t));
  shape->spelling.assign(reinterpret_cast<const char*>(spelling.data), spelling.length);
  return shape;
}

napi_value open_session(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    napi_value o = args.at(1);
    Sampling how;
    how.temperature = static_cast<float>(number(env, get(env, o, "temperature")));
    how.top_k = integer(env, get(env, o, "topK"));
    how.top_p = static_cast<float>(number(env, get(env, o, "topP")));
    how.min_p = static_cast<float>(number(env, get(env, o, "minP")));
    how.repetition_penalty = static_cast<float>(number(env, get(env, o, "repetitionPenalty")));
    how.penalty_window = integer(env, get(env, o, "penaltyWindow"));
    how.seed = static_cast<uint32_t>(static_cast<uint64_t>(number(env, get(env, o, "seed"))));
    how.top_logprobs = integer(env, get(env, o, "topLogprobs"));
    auto stage = shared<Stage>(env, args.at(0));
    auto id = std::make_shared<int32_t>();
    const std::string recorded = text(env, args.at(2));
    const auto record = recorded == "none" ? std::nullopt : std::optional<Dtype>(dtype_of(recorded));
    const auto wanted = shape_of(env, args.at(3));
    return promise(env, [=] {
      *id = stage->open(how, record, wanted == nullptr ? std::nullopt : std::optional<Shape>(stage->shape(wanted->grammar, wanted->spelling)));
    }, [=](napi_env e) { return make(e, static_cast<double>(*id)); }, {});
  });
}

napi_value close_session(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 2);
    auto stage = shared<Stage>(env, args.at(0));
    const int32_t id = integer(env, args.at(1));
    return promise(env, [=] { stage->close(id); }, [](napi_env e) { return make(e, true); }, {});
  });
}

napi_value rollback(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    auto stage = shared<Stage>(env, args.at(0));
    const int32_t id = integer(env, args.at(1)), position = integer(env, args.at(2));
    return promise(env, [=] { stage->rollback(id, position); }, [](napi_env e) { return make(e, true); }, {});
  });
}

void set_rows(napi_env env, napi_value window, const char* key, const TappedRows& rows) {
  if (rows.count == 0) return;
  napi_value out = make_object(env);
  set(env, out, "first", make(env, static_cast<double>(rows.first)));
  set(env, out, "count", make(env, static_cast<double>(rows.count)));
  set(env, out, "entries", make_int32s(env, rows.entries));
  set(env, window, key, out);
}

napi_value window_value(napi_env env, const TappedWindow& window, const Stage& stage) {
  napi_value out = make_object(env);
  set(env, out, "first", make(env, static_cast<double>(window.first)));
  set(env, out, "count", make(env, static_cast<double>(window.count)));
  set(env, out, "startedMs", make(env, window.started_ms));
  set(env, out, "endedMs", make(env, window.ended_ms));
  if (stage.is_first()) set(env, out, "tokens", make_int32s(env, window.tokens));
  if (stage.is_last()) set(env, out, "sampled", make_int32s(env, window.sampled));
  set_rows(env, out, "input", window.input);
  set_rows(env, out, "output", window.output);
  return out;
}

napi_value take_windows(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    auto stage = shared<Stage>(env, args.at(0));
    const int32_t id = integer(env, args.at(1)), end = integer(env, args.at(2)), most = integer(env, args.at(3));
    auto windows = std::make_shared<std::vector<TappedWindow>>();
    return promise(env, [=] { *windows = stage->take_windows(id, end, static_cast<size_t>(std::max(0, most))); }, [=](napi_env e) {
      napi_value list;
      napi_create_array_with_length(e, windows->size(), &list);
      uint32_t i = 0;
      for (const TappedWindow& window : *windows) napi_set_element(e, list, i++, window_value(e, window, *stage));
      return list;
    }, {});
  });
}

napi_value output_value(napi_env env, const Output& out, Want want) {
  napi_value result = make_object(env);
  set(env, result, "computeMs", make(env, out.compute_ms));
  if (want == Want::hidden) set(env, result, "hidden", make_bytes(env, out.hidden.data(), out.hidden.size()));
  if (want != Want::sample) return result;
  set_sampled(env, result, out.sampled);
  return result;
}

Input read_input(napi_env env, napi_value o, int32_t hidden_size) {
  Input input;
  const std::string kind = text(env, get(env, o, "input"));
  const Bytes data = bytes(env, get(env, o, "data"));
  input.rows = integer(env, get(env, o, "rows"));
  const size_t rows = input.rows < 0 ? 0 : static_cast<size_t>(input.rows);
  if (kind == "tokens") {
    input.tokens = reinterpret_cast<const int32_t*>(data.data);
    if (data.length != rows * sizeof(int32_t)) throw Failure(Code::bad_argument, "the tokens are not `rows` many");
    return input;
  }
  input.dtype = dtype_of(kind);
  input.hidden = data.data;
  const size_t wanted = rows * row_bytes(input.dtype, hidden_size);
  if (data.length != wanted) throw Failure(Code::bad_argument, "hidden states are " + std::to_string(data.length) + " bytes instead of " + std::to_string(wanted));
  return input;
}

napi_value forward(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 2);
    auto stage = shared<Stage>(env, args.at(0));
    napi_value o = args.at(1);
    const Input input = read_input(env, o, stage->hidden_size());
    const int32_t session = integer(env, get(env, o, "session"));
    const int32_t position = integer(env, get(env, o, "position"));
    const std::string wanted = text(env, get(env, o, "want"));
    const Want want = wanted == "sample" ? Want::sample : wanted == "none" ? Want::none : Want::hidden;
    const Dtype dtype = want == Want::hidden ? dtype_of(wanted) : Dtype::f32;
    auto out = std::make_shared<Output>();
    return promise(env, [=] { *out = stage->forward(session, position, input, want, dtype); },
                   [=](napi_env e) { return output_value(e, *out, want); }, {get(env, o, "data")});
  });
}

napi_value load_vocab(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    const std::string path = text(env, args.at(0));
    return load<Vocab>(env, [path] { return std::make_shared<Vocab>(path); });
  });
}

napi_value vocab_info(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    auto vocab = shared<Vocab>(env, args.at(0));
    napi_value out = make_object(env);
    set(env, out, "vocabSize", make(env, static_cast<double>(vocab->size())));
    set(env, out, "endTokens", make_int32s(env, vocab->end_tokens()));
    return out;
  });
}

napi_value tokenize(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    return make_int32s(env, shared<Vocab>(env, args.at(0))->tokenize(text(env, args.at(1)), boolean(env, args.at(2)), boolean(env, args.at(3))));
  });
}

napi_value token_bytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    const std::string out = shared<Vocab>(env, args.at(0))->token_bytes(integer(env, args.at(1)), boolean(env, args.at(2)));
    return make_bytes(env, out.data(), out.size());
  });
}

napi_value vocab_spelling(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    auto vocab = shared<Vocab>(env, args.at(0));
    auto out = std::make_shared<std::string>();
    return promise(env, [=] { *out = vocab->spelling(); }, [=](napi_env e) { return make_bytes(e, out->data(), out->size()); }, {});
  });
}

napi_value apply_chat_template(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    uint32_t n = 0;
    if (napi_get_array_length(env, args.at(1), &n) != napi_ok) throw Failure(Code::bad_argument, "an array of messages is wanted");
    std::vector<std::pair<std::string, std::string>> messages;
    for (uint32_t i = 0; i < n; i++) {
      napi_value message;
      napi_get_element(env, args.at(1), i, &message);
      messages.emplace_back(text(env, get(env, message, "role")), text(env, get(env, message, "content")));
    }
    return make(env, shared<Vocab>(env, args.at(0))->apply_template(messages, boolean(env, args.at(2))));
  });
}

napi_value module_init(napi_env env, napi_value exports) {
  define(env, exports, {
      {"init", init}, {"loadStage", load_stage}, {"stageInfo", stage_info}, {"openSession", open_session},
      {"closeSession", close_session}, {"rollback", rollback}, {"takeWindows", take_windows}, {"forward", forward}, {"disposeStage", dispose<Stage>},
      {"loadVocab", load_vocab}, {"vocabInfo", vocab_info}, {"tokenize", tokenize}, {"tokenBytes", token_bytes}, {"vocabSpelling", vocab_spelling},
      {"applyChatTemplate", apply_chat_template}, {"disposeVocab", dispose<Vocab>},
  });
  add_lane(env, exports);
  return exports;
}

}  // namespace
}  // namespace omninode

NAPI_MODULE(omninode, omninode::module_init)
