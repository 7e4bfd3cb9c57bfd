// The lane: decode steps of a stage without JavaScript. One thread takes rows from the stage before, computes them and
// sends them to the stage after, over its own encrypted connections. JavaScript opens and closes it, brings the prompt,
// and hears of tokens; where a connection cannot be had, rows go over the mesh instead.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "draft-length.h"
#include "lane-feeder.h"
#include "lane-link.h"
#include "stage.h"

namespace omninode {

// Sums of one run, µs.
struct LaneStats {
  uint64_t frames = 0;
  double compute_us = 0, serialise_us = 0, wait_us = 0;
  uint64_t rings = 0;
  double ring_us = 0, ring_inside_us = 0;
  // Records sent on, with their framing.
  uint64_t bytes_out = 0;
  // On stage 0: rows that were drafts, and how many came true. On the last: rows not computed because they did not.
  uint64_t drafted = 0, accepted = 0, dropped = 0;
};

// What one row took; `at_us`: when its pass ended, by this process's steady clock.
struct LaneStepTime {
  int32_t position = 0;
  double at_us = 0;
  float compute_us = 0, serialise_us = 0, wait_us = 0;
  bool is_draft = false;
};

struct LaneEvent {
  // up: the connection to the next stage stands; lost: it, or the one before, is gone, or a row could not be computed.
  enum class Kind { up, lost, token, hidden } kind = Kind::lost;
  int32_t slot = 0;
  LaneHeader header;
  Sampled sampled{};
  // The row, when there is no connection to send it on.
  std::vector<uint8_t> hidden;
  // Of `token`: when it was sampled, by this process's steady clock.
  double at_us = 0;
  // The token is already on its way to stage 0.
  bool passed_on = false;
  // Of `lost`: rows may be missing. False: the connection never stood, and rows go over the mesh.
  bool was_up = false;
  // Of `lost`: which connection, or a pass of our own.
  enum class Side { own, previous, next } side = Side::own;
  std::string detail;
};

class Lane {
 public:
  // Called on the lane's thread. Tokens that follow each other quickly come together, so that whoever reads them does
  // not take the processor from the next pass for each.
  using OnEvents = std::function<void(std::vector<LaneEvent>&&)>;

  // Listens on a numeric address and a port that the system chooses; throws Failure(no_lane).
  Lane(std::shared_ptr<Stage> stage, const std::string& bind_host, OnEvents on_events);
  // Ends the thread; waits for a pass under way.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  uint16_t port() const { return port_; }
  // Takes the connection that names itself `id` and proves `key`, once, as the one before `slot`.
  void expect(int32_t slot, const LaneId& id, const LaneKey& key);
  // Dials the stage after `slot`; `up` or `lost` tells how it went.
  void connect(int32_t slot, const std::string& host, uint16_t port, const LaneId& id, const LaneKey& key);
  // Rows and tokens of other runs are dropped from now on.
  void begin(int32_t slot, uint32_t run, Dtype takes, Dtype sends);
  // Rows of this session may be drafts, on all of its stages. `always`: stage 0 drafts however little it brings. Nothing
  // where the model cannot take a draft back.
  void speculate(int32_t slot, bool always);
  // From here on the lane feeds stage 0's tokens.
  void feed_from(int32_t slot, uint32_t run, FeedRules rules);
  void token(int32_t slot, uint32_t run, int32_t token, int32_t position);
  void limit(int32_t slot, uint32_t run, int32_t limit);
  void stop(int32_t slot, uint32_t run);
  LaneStats stats(int32_t slot);
  // The newest rows of the present run, at most kMaxSteps, oldest first.
  std::vector<LaneStepTime> steps(int32_t slot);
  static constexpr size_t kMaxSteps = 4096;
  // Of one session, waiting to be computed: more than an honest ring ever has under way.
  static constexpr size_t kMaxRows = 64;
  // Of the clock that step times are of.
  static double clock_us();
  // Forgets the slot and its connections.
  void close(int32_t slot);
  // How long the present pass runs; 0 when idle.
  double busy_us() const;

 private:
  struct Slot {
    uint32_t run = 0;
    // Of all runs of all sessions that this slot ever had: what began under another one is not passed on.
    uint64_t epoch = 0;
    // Of the rows that come in and of those that go out.
    Dtype takes = Dtype::f32, sends = Dtype::f32;
    std::optional<LaneFeeder> feeder;
    LaneLink* out = nullptr;
    LaneStats stats;
    std::deque<LaneStepTime> steps;
    // The row that the time round is taken of.
    LaneTime ring_sent{};
    int32_t ring_position = 0;
    bool speculates = false;
    DraftLength draft_length;
    // Of stage 0: its own last pass.
    double own_us = 0;
    // Of the last stage: the token sampled last and its position; a row of another is a draft that did not come true.
    std::optional<std::pair<int32_t, int32_t>> sampled;
  };
  struct Expected {
    int32_t slot;
    LaneKey key;
    LaneTime deadline;
  };
  // What one pass is for: a row, or on stage 0 the token in its header.
  struct Task {
    int32_t slot;
    uint64_t epoch;
    LaneHeader in;
    LaneTime heard;
    std::vector<uint8_t> row;
    Dtype dtype = Dtype::f32;
    bool rewinds = false;
    LaneTime queued{};

    bool is_draft() const { return in.type == LaneHeader::kDraft; }
  };

  Slot& slot(int32_t id);
  void wake();
  void loop();
  bool wait();
  void accept_all();
  void add(int fd, bool is_dialler, const std::function<void(LaneLink&)>& prepare);
  void service(LaneLink& link);
  bool take_records(LaneLink& link, LaneTime heard);
  bool handle(LaneLink& link, const LaneHeader& header, const uint8_t* payload, size_t length, LaneTime heard);
  void came_up(LaneLink& link);
  bool on_hidden(LaneLink& link, const LaneHeader& header, const uint8_t* payload, size_t length, LaneTime heard);
  bool on_token(LaneLink& link, const LaneHeader& header, LaneTime heard);
  bool hear(int32_t id, const LaneHeader& header, LaneTime at, bool by_lane);
  void feed(int32_t id, const LaneFeeder::Step& step, LaneTime at, bool rewinds);
  void drop_tasks(int32_t id, int32_t from, bool drafts_only);
  void confirm(int32_t id, int32_t position);
  void compute_next();
  bool take_task(Task& out);
  bool is_wanted(Slot& s, const Task& task);
  void compute(const Task& task);
  void remember_text(const Task& task);
  bool run_pass(const Task& task, const Input& input, Output& out);
  // Returns the bytes of the record that was sent.
  size_t pass_on(const Task& task, const LaneHeader& header, Output& out, std::optional<LaneEvent>& event);
  void count(const Task& task, const LaneStepTime& step, size_t bytes);
  void expire();
  int32_t forget(LaneLink& link);
  void lose(LaneLink& link, const std::string& why);
  void sweep();
  bool is_current(const Task& task);
  void tell(LaneEvent&& event);
  void tell_held(LaneTime now);
  void note_token();
  LaneTime tell_by() const;

  const std::shared_ptr<Stage> stage_;
  const OnEvents on_events_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  uint16_t port_ = 0;
  // Guards everything below; never held while computing or sending.
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  uint64_t epochs_ = 0;
  // Made by anyone, used and freed by the thread alone.
  std::vector<std::unique_ptr<LaneLink>> links_;
  std::map<LaneId, Expected> expected_;
  // Waiting to be computed, in order of arrival.
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::atomic<int64_t> busy_since_us_{0};
  // Of the thread alone: tokens not told yet, and when some were last.
  std::vector<LaneEvent> held_;
  LaneTime told_{};
  LaneTime last_token_{};
  std::chrono::steady_clock::duration token_gap_{};
  std::thread thread_;
};

}  // namespace omninode
