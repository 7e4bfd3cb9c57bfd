// Native objects that JavaScript holds.
#pragma once
#include <memory>

#include "napi.h"

namespace omninode::napi {

// A handle that JavaScript holds. Work in flight keeps its own share, so a dispose never frees under it.
template <class T>
struct Holder {
  std::shared_ptr<T> value;
};

template <class T>
napi_value make_handle(napi_env env, std::shared_ptr<T> value) {
  napi_value out;
  napi_create_external(env, new Holder<T>{std::move(value)}, [](napi_env, void* data, void*) { delete static_cast<Holder<T>*>(data); }, nullptr, &out);
  return out;
}

template <class T>
Holder<T>& holder(napi_env env, napi_value value) {
  void* data = nullptr;
  if (napi_get_value_external(env, value, &data) != napi_ok) throw Failure(Code::bad_argument, "a handle is wanted");
  return *static_cast<Holder<T>*>(data);
}

template <class T>
std::shared_ptr<T> shared(napi_env env, napi_value value) {
  auto out = holder<T>(env, value).value;
  if (out == nullptr) throw Failure(Code::disposed, "it was disposed of");
  return out;
}

}  // namespace omninode::napi
