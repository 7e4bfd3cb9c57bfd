// The lane's functions of the module; native/index.d.ts is the contract.
#pragma once
#include "napi.h"

namespace omninode {

void add_lane(napi_env env, napi_value exports);
// A sampled token as JavaScript sees it: token, logprob, top.
void set_sampled(napi_env env, napi_value object, const struct Sampled& sampled);

}  // namespace omninode
