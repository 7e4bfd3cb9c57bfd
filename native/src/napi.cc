#include "napi.h"

#include <cstring>

namespace omninode::napi {
namespace {

void need(napi_status status, const char* wanted) {
  if (status != napi_ok) throw Failure(Code::bad_argument, std::string(wanted) + " is wanted");
}

struct Work {
  napi_async_work handle = nullptr;
  napi_deferred deferred = nullptr;
  std::function<void()> run;
  std::function<napi_value(napi_env)> finish;
  std::vector<napi_ref> kept;
  std::unique_ptr<Failure> failure;
};

void execute(napi_env, void* data) {
  auto* work = static_cast<Work*>(data);
  try {
    work->run();
  } catch (const Failure& failure) {
    work->failure = std::make_unique<Failure>(failure);
  } catch (const std::exception& error) {
    work->failure = std::make_unique<Failure>(Code::decode_failed, error.what());
  }
}

void complete(napi_env env, napi_status, void* data) {
  std::unique_ptr<Work> work(static_cast<Work*>(data));
  for (napi_ref ref : work->kept) napi_delete_reference(env, ref);
  if (work->failure != nullptr) napi_reject_deferred(env, work->deferred, make_error(env, *work->failure));
  else napi_resolve_deferred(env, work->deferred, work->finish(env));
  napi_delete_async_work(env, work->handle);
}

}  // namespace

Args::Args(napi_env env, napi_callback_info info, size_t wanted) : values_(wanted) {
  size_t given = wanted;
  napi_get_cb_info(env, info, &given, values_.data(), nullptr, nullptr);
  if (given < wanted) throw Failure(Code::bad_argument, std::to_string(wanted) + " arguments are wanted, not " + std::to_string(given));
}

std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  need(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a string");
  std::string out(length, '\0');
  napi_get_value_string_utf8(env, value, out.data(), length + 1, &length);
  return out;
}

double number(napi_env env, napi_value value) {
  double out = 0;
  need(napi_get_value_double(env, value, &out), "a number");
  return out;
}

int32_t integer(napi_env env, napi_value value) {
  const double out = number(env, value);
  if (!(out >= INT32_MIN && out <= INT32_MAX)) throw Failure(Code::bad_argument, "a 32-bit integer is wanted");
  return static_cast<int32_t>(out);
}

bool boolean(napi_env env, napi_value value) {
  bool out = false;
  need(napi_get_value_bool(env, value, &out), "a boolean");
  return out;
}

napi_value get(napi_env env, napi_value object, const char* key) {
  napi_value out;
  need(napi_get_named_property(env, object, key, &out), key);
  return out;
}

Bytes bytes(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  need(napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr), "a typed array");
  if (type == napi_int32_array) length *= sizeof(int32_t);
  else if (type != napi_uint8_array) throw Failure(Code::bad_argument, "a Uint8Array or Int32Array is wanted");
  return {static_cast<const uint8_t*>(data), length};
}

napi_value make(napi_env env, const std::string& value) {
  napi_value out;
  napi_create_string_utf8(env, value.data(), value.size(), &out);
  return out;
}

napi_value make(napi_env env, double value) {
  napi_value out;
  napi_create_double(env, value, &out);
  return out;
}

napi_value make(napi_env env, bool value) {
  napi_value out;
  napi_get_boolean(env, value, &out);
  return out;
}

napi_value make_bytes(napi_env env, const void* data, size_t length) {
  napi_value buffer, out;
  void* memory = nullptr;
  napi_create_arraybuffer(env, length, &memory, &buffer);
  if (length > 0) std::memcpy(memory, data, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &out);
  return out;
}

napi_value make_int32s(napi_env env, const std::vector<int32_t>& values) {
  napi_value buffer, out;
  void* memory = nullptr;
  const size_t length = values.size() * sizeof(int32_t);
  napi_create_arraybuffer(env, length, &memory, &buffer);
  if (length > 0) std::memcpy(memory, values.data(), length);
  napi_create_typedarray(env, napi_int32_array, values.size(), buffer, 0, &out);
  return out;
}

napi_value make_object(napi_env env) {
  napi_value out;
  napi_create_object(env, &out);
  return out;
}

void set(napi_env env, napi_value object, const char* key, napi_value value) { napi_set_named_property(env, object, key, value); }

void define(napi_env env, napi_value exports, const std::vector<Function>& functions) {
  for (const auto& [name, callback] : functions) {
    napi_value fn;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &fn);
    set(env, exports, name, fn);
  }
}

napi_value make_error(napi_env env, const Failure& failure) {
  napi_value error;
  napi_create_error(env, nullptr, make(env, std::string(failure.what())), &error);
  set(env, error, "nativeCode", make(env, static_cast<double>(failure.code)));
  if (failure.code == Code::no_memory) set(env, error, "neededBytes", make(env, failure.needed_bytes));
  return error;
}

napi_value guarded(napi_env env, const std::function<napi_value()>& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    napi_throw(env, make_error(env, failure));
  } catch (const std::exception& error) {
    napi_throw(env, make_error(env, Failure(Code::bad_argument, error.what())));
  }
  return nullptr;
}

napi_value promise(napi_env env, std::function<void()> work, std::function<napi_value(napi_env)> finish, const std::vector<napi_value>& keep) {
  auto owned = std::make_unique<Work>();
  owned->run = std::move(work);
  owned->finish = std::move(finish);
  for (napi_value value : keep) {
    napi_ref ref;
    napi_create_reference(env, value, 1, &ref);
    owned->kept.push_back(ref);
  }
  napi_value out;
  napi_create_promise(env, &owned->deferred, &out);
  napi_create_async_work(env, nullptr, make(env, std::string("omninode")), execute, complete, owned.get(), &owned->handle);
  napi_queue_async_work(env, owned.release()->handle);
  return out;
}

}  // namespace omninode::napi
