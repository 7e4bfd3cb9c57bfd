#include "lane.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "errors.h"
#include "lane-socket.h"

namespace omninode {
namespace {

using std::chrono::steady_clock;

constexpr auto kProveWithin = std::chrono::seconds(2);
constexpr auto kExpectFor = std::chrono::seconds(15);
// Connections that have not proved a key; more are turned away.
constexpr size_t kMaxUnproven = 32;
// Tokens are told at most this often: a reader sees no difference, and each telling costs both cores of a small machine.
constexpr auto kTellEvery = std::chrono::milliseconds(50);
// Unless none followed for a while, in gaps between the last two: then the answer is probably over.
constexpr double kPauseGaps = 1.5;
constexpr auto kPauseLeast = std::chrono::milliseconds(2);

double us_between(LaneTime a, LaneTime b) { return std::chrono::duration<double, std::micro>(b - a).count(); }

double us_of(LaneTime at) { return std::chrono::duration<double, std::micro>(at.time_since_epoch()).count(); }

int64_t now_us() { return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch()).count(); }

// A byte for a time, 9 % apart.
uint8_t log_of_us(double us) { return us <= 1 ? 0 : static_cast<uint8_t>(std::min(255.0, std::round(8 * std::log2(us)))); }

double us_of_log(uint8_t log) { return std::exp2(log / 8.0); }

uint32_t clamp_us(double us) { return us <= 0 ? 0 : us >= 4e9 ? 4000000000u : static_cast<uint32_t>(us); }

}  // namespace

Lane::Lane(std::shared_ptr<Stage> stage, const std::string& bind_host, OnEvents on_events)
    : stage_(std::move(stage)), on_events_(std::move(on_events)), slots_(stage_->max_sessions()) {
  if (!Aead::available()) throw Failure(Code::no_lane, "OpenSSL was not found in this process");
  listener_ = listen_on(bind_host);
  port_ = port_of(listener_);
  if (pipe(wake_) != 0) {
    ::close(listener_);
    throw Failure(Code::no_lane, std::strerror(errno));
  }
  for (int fd : wake_) make_non_blocking(fd);
  thread_ = std::thread([this] { loop(); });
}

Lane::~Lane() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  links_.clear();
  for (int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
}

Lane::Slot& Lane::slot(int32_t id) {
  if (id < 0 || id >= static_cast<int32_t>(slots_.size())) throw Failure(Code::no_session, "session " + std::to_string(id) + " is not open");
  return slots_[id];
}

void Lane::wake() {
  const char byte = 1;
  // A full pipe wakes as well.
  if (write(wake_[1], &byte, 1) < 0) return;
}

void Lane::expect(int32_t id, const LaneId& link_id, const LaneKey& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  slot(id);
  const auto now = steady_clock::now();
  for (auto it = expected_.begin(); it != expected_.end();) it = it->second.slot == id || it->second.deadline < now ? expected_.erase(it) : std::next(it);
  expected_[link_id] = {id, key, now + kExpectFor};
}

void Lane::connect(int32_t id, const std::string& host, uint16_t port, const LaneId& link_id, const LaneKey& key) {
  add(dial(host, port), true, [&](LaneLink& link) {
    slot(id);
    link.slot = id;
    link.id = link_id;
    link.key = key;
  });
  wake();
}

void Lane::add(int fd, bool is_dialler, const std::function<void(LaneLink&)>& prepare) {
  auto link = std::make_unique<LaneLink>(fd, is_dialler, static_cast<size_t>(stage_->hidden_size()) * sizeof(float));
  link->deadline = steady_clock::now() + kProveWithin;
  std::lock_guard<std::mutex> lock(mutex_);
  prepare(*link);
  links_.push_back(std::move(link));
}

void Lane::begin(int32_t id, uint32_t run, Dtype takes, Dtype sends) {
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slot(id);
  drop_tasks(id, 0, false);
  s.run = run;
  s.epoch = ++epochs_;
  s.takes = takes;
  s.sends = sends;
  s.feeder.reset();
  s.stats = LaneStats();
  s.steps.clear();
  s.ring_sent = {};
  s.sampled.reset();
}

void Lane::speculate(int32_t id, bool always) {
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slot(id);
  s.speculates = stage_->can_forget();
  s.draft_length = DraftLength(always);
}

void Lane::feed_from(int32_t id, uint32_t run, FeedRules rules) {
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slot(id);
  if (s.run != run) return;
  rules.context_tokens = static_cast<int32_t>(stage_->context_tokens());
  const auto is_alien = [&](int32_t token) { return token < 0 || token >= stage_->vocab_size(); };
  rules.guess.erase(std::find_if(rules.guess.begin(), rules.guess.end(), is_alien), rules.guess.end());
  s.feeder.emplace(std::move(rules), s.speculates ? &s.draft_length : nullptr);
}

void Lane::token(int32_t id, uint32_t run, int32_t token, int32_t position) {
  LaneHeader header;
  header.type = LaneHeader::kToken;
  header.run = run;
  header.token = token;
  header.position = position;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (slot(id).run != run) return;
    hear(id, header, steady_clock::now(), false);
  }
  wake();
}

void Lane::limit(int32_t id, uint32_t run, int32_t limit) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Slot& s = slot(id);
    if (s.run != run || !s.feeder.has_value()) return;
    feed(id, s.feeder->raise(limit), steady_clock::now(), s.speculates);
  }
  wake();
}

void Lane::stop(int32_t id, uint32_t run) {
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slot(id);
  if (s.run != run || !s.feeder.has_value()) return;
  s.feeder->stop();
  drop_tasks(id, 0, true);
}

LaneStats Lane::stats(int32_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return slot(id).stats;
}

std::vector<LaneStepTime> Lane::steps(int32_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Slot& s = slot(id);
  return {s.steps.begin(), s.steps.end()};
}

double Lane::clock_us() { return us_of(steady_clock::now()); }

void Lane::close(int32_t id) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    slot(id) = Slot();
    slot(id).epoch = ++epochs_;
    drop_tasks(id, 0, false);
    for (auto& link : links_) {
      if (link->slot == id) link->slot = LaneLink::kLeaving;
    }
    for (auto it = expected_.begin(); it != expected_.end();) it = it->second.slot == id ? expected_.erase(it) : std::next(it);
  }
  wake();
}

double Lane::busy_us() const {
  const int64_t since = busy_since_us_.load();
  return since == 0 ? 0 : static_cast<double>(now_us() - since);
}

void Lane::tell(LaneEvent&& event) {
  const bool is_token = event.kind == LaneEvent::Kind::token;
  const bool may_wait = is_token && (event.header.flags & LaneHeader::kFlush) == 0;
  if (is_token) note_token();
  held_.push_back(std::move(event));
  tell_held(may_wait ? steady_clock::now() : LaneTime::max());
}

void Lane::note_token() {
  const LaneTime now = steady_clock::now();
  token_gap_ = std::min<steady_clock::duration>(now - last_token_, kTellEvery);
  last_token_ = now;
}

// When what is held is to be told, whatever comes.
LaneTime Lane::tell_by() const {
  const auto pause = std::max<steady_clock::duration>(std::chrono::duration_cast<steady_clock::duration>(kPauseGaps * token_gap_), kPauseLeast);
  return std::min(told_ + kTellEvery, last_token_ + pause);
}

void Lane::tell_held(LaneTime now) {
  if (held_.empty() || (now != LaneTime::max() && now < tell_by())) return;
  told_ = steady_clock::now();
  on_events_(std::exchange(held_, {}));
}

bool Lane::is_current(const Task& task) {
  std::lock_guard<std::mutex> lock(mutex_);
  return slots_[task.slot].epoch == task.epoch;
}

void Lane::loop() {
  stage_->pin_caller();
  while (wait()) {
    compute_next();
    tell_held(steady_clock::now());
    expire();
    sweep();
  }
}

// Sleeps until something is to be done and serves the sockets; false: the end.
bool Lane::wait() {
  std::vector<pollfd> fds = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
  std::vector<LaneLink*> of;
  LaneTime until = LaneTime::max();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return false;
    for (auto& link : links_) {
      fds.push_back({link->fd(), static_cast<short>(POLLIN | (link->wants_write() ? POLLOUT : 0)), 0});
      of.push_back(link.get());
      if (link->state() != LaneLink::State::up) until = std::min(until, link->deadline);
    }
    if (!held_.empty()) until = std::min(until, tell_by());
    if (!tasks_.empty()) until = LaneTime::min();
  }
  const auto left = until == LaneTime::max() ? -1 : until == LaneTime::min() ? 0 : std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count() + 1);
  if (poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
  char drained[64];
  while (fds[0].revents != 0 && read(wake_[0], drained, sizeof drained) > 0) {}
  if (fds[1].revents != 0) accept_all();
  for (size_t i = 0; i < of.size(); i++) {
    if (fds[i + 2].revents != 0) service(*of[i]);
  }
  return true;
}

void Lane::accept_all() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    size_t unproven = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (auto& link : links_) unproven += link->state() != LaneLink::State::up;
    }
    if (unproven >= kMaxUnproven) {
      ::close(fd);
      continue;
    }
    prepare_socket(fd);
    add(fd, false, [](LaneLink&) {});
  }
}

void Lane::service(LaneLink& link) {
  if (link.slot <= LaneLink::kOver) return;
  const LaneTime heard = steady_clock::now();
  try {
    if (link.state() == LaneLink::State::dialling && !link.introduce(link.id, link.key)) return lose(link, "the connection was refused");
    // All of it: behind rows of wrong drafts may be the one that makes them needless.
    for (size_t reads = 0, full = true; full && reads < kMaxRows; reads++) {
      const bool open = link.receive();
      full = link.is_full();
      if (!link.flush()) return lose(link, "the connection broke");
      if (!take_records(link, heard)) return lose(link, "the peer sent what is no record");
      if (!open) return lose(link, "the peer ended the connection");
    }
  } catch (const Failure& failure) {
    lose(link, failure.what());
  }
}

bool Lane::take_records(LaneLink& link, LaneTime heard) {
  if (!link.is_dialler && link.slot == LaneLink::kNotKnown) {
    const auto id = link.peer_id();
    if (!id.has_value()) return true;
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = expected_.find(*id);
    if (found == expected_.end()) return false;
    link.slot = found->second.slot;
    link.accept_with(found->second.key);
    expected_.erase(found);
  }
  LaneHeader header;
  const uint8_t* payload = nullptr;
  size_t length = 0;
  for (;;) {
    switch (link.next(header, payload, length)) {
      case LaneLink::Next::none: return true;
      case LaneLink::Next::broken: return false;
      case LaneLink::Next::record:
        if (!handle(link, header, payload, length, heard)) return false;
    }
  }
}

bool Lane::handle(LaneLink& link, const LaneHeader& header, const uint8_t* payload, size_t length, LaneTime heard) {
  if (link.state() != LaneLink::State::up) {
    if (!link.prove(header)) return false;
    came_up(link);
    return true;
  }
  if (header.type == LaneHeader::kGoodbye) {
    forget(link);
    return true;
  }
  // The way back of a connection carries nothing else.
  if (link.is_dialler) return false;
  if (header.type == LaneHeader::kHidden || header.type == LaneHeader::kDraft) return on_hidden(link, header, payload, length, heard);
  return header.type == LaneHeader::kToken && length == 0 && on_token(link, header, heard);
}

void Lane::came_up(LaneLink& link) {
  if (!link.is_dialler) return;
  LaneEvent event;
  event.kind = LaneEvent::Kind::up;
  event.slot = link.slot;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    // It may have been closed a moment ago.
    if (link.slot < 0) return;
    slots_[event.slot].out = &link;
    if (is_same_machine(link.fd())) slots_[event.slot].draft_length.share_processors();
  }
  tell(std::move(event));
}

// Rows wait until the connections were looked after: one that is behind a wrong draft makes it needless.
bool Lane::on_hidden(LaneLink& link, const LaneHeader& header, const uint8_t* payload, size_t length, LaneTime heard) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stage_->is_first() || link.slot < 0) return false;
  const int32_t id = link.slot;
  const Slot& s = slots_[id];
  if (s.run != header.run) return true;
  if (header.type == LaneHeader::kDraft && !s.speculates) return false;
  if (header.dtype != static_cast<uint8_t>(s.takes) || length != row_bytes(s.takes, stage_->hidden_size())) return false;
  if (s.speculates) drop_tasks(id, header.position, false);
  if (static_cast<size_t>(std::count_if(tasks_.begin(), tasks_.end(), [&](const Task& task) { return task.slot == id; })) >= kMaxRows) return false;
  Task task{id, s.epoch, header, heard, {payload, payload + length}};
  task.dtype = s.takes;
  // The last stage computes what is true alone.
  task.rewinds = s.speculates && !stage_->is_last();
  task.queued = steady_clock::now();
  tasks_.push_back(std::move(task));
  return true;
}

bool Lane::on_token(LaneLink& link, const LaneHeader& header, LaneTime heard) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!stage_->is_first() || link.slot < 0 || header.token < 0 || header.token >= stage_->vocab_size()) return false;
  const int32_t id = link.slot;
  Slot& s = slots_[id];
  if (s.run != header.run) return true;
  if (s.ring_sent != LaneTime{} && header.position == s.ring_position + 1) {
    s.stats.rings++;
    s.stats.ring_us += us_between(s.ring_sent, heard);
    s.stats.ring_inside_us += static_cast<double>(header.compute_us) + header.serialise_us + header.wait_us;
    s.ring_sent = {};
    if (s.speculates) s.draft_length.pass(std::max(s.own_us, us_of_log(header.longest)), s.own_us + header.compute_us + header.serialise_us + header.wait_us);
  }
  return hear(id, header, heard, true);
}

void Lane::compute(const Task& task) {
  Input input;
  input.rows = 1;
  input.rewinds = task.rewinds;
  input.dtype = task.dtype;
  if (stage_->is_first()) input.tokens = &task.in.token;
  else input.hidden = task.row.data();
  const LaneTime begun = steady_clock::now();
  Output out;
  if (!run_pass(task, input, out)) return;
  const LaneTime done = steady_clock::now();
  const double compute_us = 1000 * out.compute_ms, wait_us = 1000 * out.wait_ms + us_between(task.queued, begun);
  const double serialise_us = std::max(0.0, us_between(task.heard, done) - compute_us - wait_us);
  LaneHeader header = task.in;
  if (!stage_->is_first()) {
    header.compute_us += clamp_us(compute_us);
    header.serialise_us += clamp_us(serialise_us);
    header.wait_us += clamp_us(wait_us);
    header.longest = std::max(header.longest, log_of_us(compute_us));
  }
  std::optional<LaneEvent> event;
  const size_t bytes = pass_on(task, header, out, event);
  // The system call that sends is part of the way: the next stage may be at work before it returns.
  count(task, {task.in.position, us_of(done), static_cast<float>(compute_us), static_cast<float>(serialise_us), static_cast<float>(wait_us), task.is_draft()}, bytes);
  if (stage_->is_first()) remember_text(task);
  if (!event.has_value()) return;
  // Whoever hears of a row may ask for its figures.
  event->at_us = us_of(done);
  tell(std::move(*event));
}

void Lane::count(const Task& task, const LaneStepTime& step, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slots_[task.slot];
  if (s.epoch != task.epoch) return;
  // A row that is computed anew takes the place of the drafts that did not come true.
  while (!s.steps.empty() && s.steps.back().position >= step.position) s.steps.pop_back();
  if (s.steps.size() == kMaxSteps) s.steps.pop_front();
  s.steps.push_back(step);
  s.stats.frames++;
  s.stats.drafted += stage_->is_first() && step.is_draft;
  s.own_us = step.compute_us;
  s.stats.compute_us += step.compute_us;
  s.stats.wait_us += step.wait_us;
  s.stats.serialise_us += step.serialise_us;
  s.stats.bytes_out += bytes;
}

// False: there is nothing to pass on, because the run is over or the pass failed.
bool Lane::run_pass(const Task& task, const Input& input, Output& out) {
  Dtype dtype;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    dtype = slots_[task.slot].sends;
  }
  LaneEvent failed;
  busy_since_us_ = now_us();
  try {
    out = stage_->forward(task.slot, task.in.position, input, stage_->is_last() ? Want::sample : Want::hidden, dtype, [&] { return is_current(task); });
    busy_since_us_ = 0;
    return !out.skipped;
  } catch (const std::exception& error) {
    failed.detail = error.what();
  }
  busy_since_us_ = 0;
  if (!is_current(task)) return false;
  failed.slot = task.slot;
  failed.was_up = true;
  tell(std::move(failed));
  return false;
}

// The next stage first: it waits for the row, the reader does not. What JavaScript is to hear is left in `event`.
size_t Lane::pass_on(const Task& task, const LaneHeader& computed, Output& out, std::optional<LaneEvent>& event) {
  LaneHeader header = computed;
  LaneLink* link = nullptr;
  if (stage_->is_last()) {
    header.type = LaneHeader::kToken;
    header.position++;
    header.token = out.sampled.token;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Slot& s = slots_[task.slot];
    if (s.epoch != task.epoch) return 0;
    link = s.out;
    header.dtype = stage_->is_last() ? 0 : static_cast<uint8_t>(s.sends);
    if (stage_->is_last()) s.sampled = {header.token, header.position};
    if (!s.speculates) header.longest = 0;
    if (!s.speculates && !stage_->is_last()) header.token = 0;
    if (stage_->is_first() && !task.is_draft()) {
      s.ring_sent = steady_clock::now();
      s.ring_position = header.position;
    }
  }
  const bool sent = link != nullptr && link->send(header, out.hidden.data(), out.hidden.size());
  if (link != nullptr && !sent) {
    lose(*link, "the next stage does not take rows");
    return 0;
  }
  const size_t bytes = sent ? LaneLink::record_bytes(out.hidden.size()) : 0;
  if (!stage_->is_last() && sent) return bytes;
  event.emplace();
  event->kind = stage_->is_last() ? LaneEvent::Kind::token : LaneEvent::Kind::hidden;
  event->slot = task.slot;
  event->header = header;
  event->sampled = std::move(out.sampled);
  event->hidden = std::move(out.hidden);
  event->passed_on = sent;
  return bytes;
}

void Lane::expire() {
  std::vector<LaneLink*> late;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& link : links_) {
      if (link->state() != LaneLink::State::up && link->slot > LaneLink::kOver && link->deadline < steady_clock::now()) late.push_back(link.get());
    }
  }
  for (LaneLink* link : late) lose(*link, "the peer did not prove itself in time");
}

// Marks a connection as over, without a word; returns whose session it carried.
int32_t Lane::forget(LaneLink& link) {
  std::lock_guard<std::mutex> lock(mutex_);
  const int32_t id = link.slot;
  link.slot = LaneLink::kOver;
  if (id >= 0 && slots_[id].out == &link) slots_[id].out = nullptr;
  return id;
}

void Lane::lose(LaneLink& link, const std::string& why) {
  LaneEvent event;
  event.slot = forget(link);
  if (event.slot < 0) return;
  event.was_up = link.state() == LaneLink::State::up;
  event.side = link.is_dialler ? LaneEvent::Side::next : LaneEvent::Side::previous;
  event.detail = why;
  tell(std::move(event));
}

// A session that was closed says so to its neighbours: only a connection that ends without a word is a loss.
void Lane::sweep() {
  std::lock_guard<std::mutex> lock(mutex_);
  LaneHeader goodbye;
  goodbye.type = LaneHeader::kGoodbye;
  for (auto& link : links_) {
    if (link->slot == LaneLink::kLeaving && link->state() == LaneLink::State::up) link->send(goodbye, nullptr, 0);
  }
  links_.erase(std::remove_if(links_.begin(), links_.end(), [](const auto& link) { return link->slot <= LaneLink::kOver; }), links_.end());
}

}  // namespace omninode
