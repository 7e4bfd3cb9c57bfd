// The little of N-API that the module needs: values in and out, errors with a number, work off the JS thread.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "errors.h"

namespace omninode::napi {

// Arguments of a call; each getter throws Failure(bad_argument) naming what it wanted.
class Args {
 public:
  Args(napi_env env, napi_callback_info info, size_t wanted);
  napi_value at(size_t i) const { return values_[i]; }

 private:
  std::vector<napi_value> values_;
};

std::string text(napi_env env, napi_value value);
double number(napi_env env, napi_value value);
int32_t integer(napi_env env, napi_value value);
bool boolean(napi_env env, napi_value value);
napi_value get(napi_env env, napi_value object, const char* key);

struct Bytes {
  const uint8_t* data;
  size_t length;
};
// A Uint8Array or Int32Array; its memory stays valid while a reference to it is held.
Bytes bytes(napi_env env, napi_value value);

napi_value make(napi_env env, const std::string& value);
napi_value make(napi_env env, double value);
napi_value make(napi_env env, bool value);
napi_value make_bytes(napi_env env, const void* data, size_t length);
napi_value make_int32s(napi_env env, const std::vector<int32_t>& values);
napi_value make_object(napi_env env);
void set(napi_env env, napi_value object, const char* key, napi_value value);

napi_value make_error(napi_env env, const Failure& failure);

// Adds functions to the module's exports.
struct Function {
  const char* name;
  napi_callback callback;
};
void define(napi_env env, napi_value exports, const std::vector<Function>& functions);

// Runs `body`; a Failure becomes a JS exception with `nativeCode`.
napi_value guarded(napi_env env, const std::function<napi_value()>& body);

// Runs `work` on libuv's pool and resolves with what `finish` makes on the JS thread. `keep` stays referenced meanwhile.
napi_value promise(napi_env env, std::function<void()> work, std::function<napi_value(napi_env)> finish, const std::vector<napi_value>& keep);

}  // namespace omninode::napi
