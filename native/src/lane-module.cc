#include "lane-module.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "handles.h"
#include "lane.h"

namespace omninode {
namespace {

using namespace napi;

// A lane and the way from its thread to the JavaScript function that hears of it.
struct OpenLane {
  std::unique_ptr<Lane> lane;
  napi_threadsafe_function to_js = nullptr;
};

const char* name_of(LaneEvent::Kind kind) {
  switch (kind) {
    case LaneEvent::Kind::up: return "up";
    case LaneEvent::Kind::token: return "token";
    case LaneEvent::Kind::hidden: return "hidden";
    default: return "lost";
  }
}

napi_value event_value(napi_env env, const LaneEvent& event) {
  const LaneHeader& h = event.header;
  napi_value out = make_object(env);
  set(env, out, "kind", make(env, std::string(name_of(event.kind))));
  set(env, out, "session", make(env, static_cast<double>(event.slot)));
  if (event.kind == LaneEvent::Kind::up) return out;
  if (event.kind == LaneEvent::Kind::lost) {
    const char* sides[] = {"own", "previous", "next"};
    set(env, out, "side", make(env, std::string(sides[static_cast<int>(event.side)])));
    set(env, out, "wasUp", make(env, event.was_up));
    set(env, out, "detail", make(env, event.detail));
    return out;
  }
  const std::pair<const char*, double> numbers[] = {
      {"run", h.run}, {"position", h.position}, {"computeUs", h.compute_us}, {"serialiseUs", h.serialise_us}, {"waitUs", h.wait_us}};
  for (const auto& [key, value] : numbers) set(env, out, key, make(env, value));
  if (event.kind == LaneEvent::Kind::hidden) {
    set(env, out, "data", make_bytes(env, event.hidden.data(), event.hidden.size()));
    return out;
  }
  set(env, out, "passedOn", make(env, event.passed_on));
  set(env, out, "atUs", make(env, event.at_us));
  set_sampled(env, out, event.sampled);
  return out;
}

// On the JS thread; env is null when Node is on its way out.
void tell(napi_env env, napi_value callback, void*, void* data) {
  std::unique_ptr<std::vector<LaneEvent>> events(static_cast<std::vector<LaneEvent>*>(data));
  if (env == nullptr) return;
  napi_value self;
  napi_get_undefined(env, &self);
  for (const LaneEvent& event : *events) {
    napi_value argument = event_value(env, event);
    napi_call_function(env, self, callback, 1, &argument, nullptr);
  }
}

napi_value open_lane(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    auto stage = shared<Stage>(env, args.at(0));
    const std::string host = text(env, args.at(1));
    auto open = std::make_shared<OpenLane>();
    napi_threadsafe_function to_js;
    if (napi_create_threadsafe_function(env, args.at(2), nullptr, make(env, std::string("omninode lane")), 0, 1, nullptr, nullptr, nullptr, tell, &to_js) != napi_ok) {
      throw Failure(Code::bad_argument, "a function is wanted");
    }
    // A lane alone keeps no process alive.
    napi_unref_threadsafe_function(env, to_js);
    open->to_js = to_js;
    try {
      open->lane = std::make_unique<Lane>(stage, host, [to_js](std::vector<LaneEvent>&& events) {
        auto* moved = new std::vector<LaneEvent>(std::move(events));
        if (napi_call_threadsafe_function(to_js, moved, napi_tsfn_nonblocking) != napi_ok) delete moved;
      });
    } catch (...) {
      napi_release_threadsafe_function(to_js, napi_tsfn_release);
      throw;
    }
    return make_handle<OpenLane>(env, open);
  });
}

napi_value close_lane(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 1);
    auto open = std::make_shared<std::shared_ptr<OpenLane>>(std::move(holder<OpenLane>(env, args.at(0)).value));
    // Its thread may be amid a pass.
    return promise(env, [=] {
      if (*open == nullptr) return;
      (*open)->lane.reset();
      napi_release_threadsafe_function((*open)->to_js, napi_tsfn_release);
    }, [](napi_env e) { return make(e, true); }, {});
  });
}

Lane& lane_of(napi_env env, napi_value value) { return *shared<OpenLane>(env, value)->lane; }

template <size_t N>
std::array<uint8_t, N> fixed(napi_env env, napi_value value) {
  const Bytes given = bytes(env, value);
  if (given.length != N) throw Failure(Code::bad_argument, std::to_string(N) + " bytes are wanted");
  std::array<uint8_t, N> out;
  std::memcpy(out.data(), given.data, N);
  return out;
}

uint32_t run_number(napi_env env, napi_value value) { return static_cast<uint32_t>(integer(env, value)); }

napi_value lane_port(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return make(env, static_cast<double>(lane_of(env, Args(env, info, 1).at(0)).port())); });
}

napi_value lane_busy(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return make(env, lane_of(env, Args(env, info, 1).at(0)).busy_us()); });
}

napi_value lane_expect(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    lane_of(env, args.at(0)).expect(integer(env, args.at(1)), fixed<16>(env, args.at(2)), fixed<32>(env, args.at(3)));
    return make(env, true);
  });
}

napi_value lane_connect(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 6);
    const int32_t port = integer(env, args.at(3));
    if (port < 1 || port > 65535) throw Failure(Code::bad_argument, "a port is wanted");
    lane_of(env, args.at(0)).connect(integer(env, args.at(1)), text(env, args.at(2)), static_cast<uint16_t>(port), fixed<16>(env, args.at(4)), fixed<32>(env, args.at(5)));
    return make(env, true);
  });
}

napi_value lane_begin(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 5);
    lane_of(env, args.at(0)).begin(integer(env, args.at(1)), run_number(env, args.at(2)), dtype_of(text(env, args.at(3))), dtype_of(text(env, args.at(4))));
    return make(env, true);
  });
}

std::vector<int32_t> int32s(napi_env env, napi_value value) {
  const Bytes given = bytes(env, value);
  const auto* first = reinterpret_cast<const int32_t*>(given.data);
  return {first, first + given.length / sizeof(int32_t)};
}

napi_value lane_feed(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    napi_value o = args.at(3);
    FeedRules rules;
    rules.left = integer(env, get(env, o, "left"));
    rules.limit = integer(env, get(env, o, "limit"));
    rules.end_tokens = int32s(env, get(env, o, "endTokens"));
    rules.guess = int32s(env, get(env, o, "guess"));
    lane_of(env, args.at(0)).feed_from(integer(env, args.at(1)), run_number(env, args.at(2)), std::move(rules));
    return make(env, true);
  });
}

napi_value lane_speculate(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    lane_of(env, args.at(0)).speculate(integer(env, args.at(1)), boolean(env, args.at(2)));
    return make(env, true);
  });
}

napi_value lane_token(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 5);
    lane_of(env, args.at(0)).token(integer(env, args.at(1)), run_number(env, args.at(2)), integer(env, args.at(3)), integer(env, args.at(4)));
    return make(env, true);
  });
}

napi_value lane_limit(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 4);
    lane_of(env, args.at(0)).limit(integer(env, args.at(1)), run_number(env, args.at(2)), integer(env, args.at(3)));
    return make(env, true);
  });
}

napi_value lane_stop(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 3);
    lane_of(env, args.at(0)).stop(integer(env, args.at(1)), run_number(env, args.at(2)));
    return make(env, true);
  });
}

napi_value lane_stats(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 2);
    const LaneStats s = lane_of(env, args.at(0)).stats(integer(env, args.at(1)));
    napi_value out = make_object(env);
    const std::pair<const char*, double> numbers[] = {
        {"frames", static_cast<double>(s.frames)}, {"computeUs", s.compute_us}, {"serialiseUs", s.serialise_us}, {"waitUs", s.wait_us},
        {"rings", static_cast<double>(s.rings)}, {"ringUs", s.ring_us}, {"ringInsideUs", s.ring_inside_us}, {"bytesOut", static_cast<double>(s.bytes_out)},
        {"drafted", static_cast<double>(s.drafted)}, {"accepted", static_cast<double>(s.accepted)}, {"dropped", static_cast<double>(s.dropped)}};
    for (const auto& [key, value] : numbers) set(env, out, key, make(env, value));
    return out;
  });
}

napi_value lane_steps(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 2);
    const std::vector<LaneStepTime> steps = lane_of(env, args.at(0)).steps(integer(env, args.at(1)));
    napi_value list;
    napi_create_array_with_length(env, steps.size(), &list);
    uint32_t i = 0;
    for (const LaneStepTime& step : steps) {
      napi_value one = make_object(env);
      const std::pair<const char*, double> numbers[] = {
          {"position", step.position}, {"atUs", step.at_us}, {"computeUs", step.compute_us}, {"serialiseUs", step.serialise_us}, {"waitUs", step.wait_us}};
      for (const auto& [key, value] : numbers) set(env, one, key, make(env, value));
      set(env, one, "isDraft", make(env, step.is_draft));
      napi_set_element(env, list, i++, one);
    }
    napi_value out = make_object(env);
    set(env, out, "nowUs", make(env, Lane::clock_us()));
    set(env, out, "steps", list);
    return out;
  });
}

napi_value lane_leave(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Args args(env, info, 2);
    lane_of(env, args.at(0)).close(integer(env, args.at(1)));
    return make(env, true);
  });
}

}  // namespace

void set_sampled(napi_env env, napi_value object, const Sampled& sampled) {
  set(env, object, "token", make(env, static_cast<double>(sampled.token)));
  set(env, object, "logprob", make(env, static_cast<double>(sampled.logprob)));
  napi_value top;
  napi_create_array(env, &top);
  uint32_t i = 0;
  for (const TokenLogprob& entry : sampled.top) {
    napi_value pair = make_object(env);
    set(env, pair, "token", make(env, static_cast<double>(entry.token)));
    set(env, pair, "logprob", make(env, static_cast<double>(entry.logprob)));
    napi_set_element(env, top, i++, pair);
  }
  set(env, object, "top", top);
}

void add_lane(napi_env env, napi_value exports) {
  define(env, exports, {{"openLane", open_lane}, {"lanePort", lane_port}, {"laneBusyUs", lane_busy}, {"laneExpect", lane_expect}, {"laneConnect", lane_connect},
                        {"laneBegin", lane_begin}, {"laneSpeculate", lane_speculate}, {"laneFeed", lane_feed}, {"laneToken", lane_token}, {"laneLimit", lane_limit},
                        {"laneStop", lane_stop}, {"laneStats", lane_stats}, {"laneSteps", lane_steps}, {"laneLeave", lane_leave}, {"closeLane", close_lane}});
}

}  // namespace omninode
