// The lane's share in speculation: which rows wait, which are not wanted any more, which is computed next.
#include <algorithm>
#include <utility>

#include "errors.h"
#include "lane.h"

namespace omninode {

// The feeder's decision; with the lock held. False: the token is not the one that is due.
bool Lane::hear(int32_t id, const LaneHeader& header, LaneTime at, bool by_lane) {
  Slot& s = slots_[id];
  if (!s.feeder.has_value()) return true;
  const bool is_due = s.feeder->is_due(header.position);
  if (!is_due && by_lane) return false;
  // A token record on the lane came round a ring of lanes: a row that once left them goes over the mesh to the end.
  const LaneFeeder::Step step = s.feeder->on_token(header.token, header.position, at, by_lane && s.speculates);
  if (step.confirms) confirm(id, header.position);
  s.stats.accepted += step.confirms;
  feed(id, step, at, s.speculates && is_due);
  return true;
}

void Lane::feed(int32_t id, const LaneFeeder::Step& step, LaneTime at, bool rewinds) {
  if (step.drops_drafts) drop_tasks(id, 0, true);
  for (const FedRow& row : step.rows) {
    Task task{id, slots_[id].epoch, {}, at, {}};
    task.in.type = row.is_draft ? LaneHeader::kDraft : LaneHeader::kHidden;
    task.in.flags = row.is_last ? LaneHeader::kFlush : 0;
    task.in.run = slots_[id].run;
    task.in.token = row.token;
    task.in.position = row.position;
    task.rewinds = rewinds;
    task.queued = at;
    tasks_.push_back(std::move(task));
  }
}

// Rows of a session that are not computed yet and need not be; with the lock held.
void Lane::drop_tasks(int32_t id, int32_t from, bool drafts_only) {
  const auto is_over = [&](const Task& task) { return task.slot == id && task.in.position >= from && (task.is_draft() || !drafts_only); };
  tasks_.erase(std::remove_if(tasks_.begin(), tasks_.end(), is_over), tasks_.end());
}

// A draft that came true before its turn came is a row like any other.
void Lane::confirm(int32_t id, int32_t position) {
  for (Task& task : tasks_) {
    if (task.slot != id || task.in.position != position || !task.is_draft()) continue;
    task.in.type = LaneHeader::kHidden;
    slots_[id].stats.drafted++;
  }
}

// One pass, so that what comes meanwhile is heard before the next.
void Lane::compute_next() {
  Task task;
  if (take_task(task)) compute(task);
}

// Certain rows first, so that nobody's answer waits for another's drafts; of one session they are never behind a draft.
bool Lane::take_task(Task& out) {
  std::lock_guard<std::mutex> lock(mutex_);
  while (!tasks_.empty()) {
    auto next = std::find_if(tasks_.begin(), tasks_.end(), [](const Task& task) { return !task.is_draft(); });
    if (next == tasks_.end()) next = tasks_.begin();
    out = std::move(*next);
    tasks_.erase(next);
    if (is_wanted(slots_[out.slot], out)) return true;
  }
  return false;
}

// The last stage knows what it sampled: the row of another token is no part of the answer.
bool Lane::is_wanted(Slot& s, const Task& task) {
  if (s.epoch != task.epoch) return false;
  if (!stage_->is_last() || !task.is_draft()) return true;
  const bool is_true = s.sampled == std::pair(task.in.token, task.in.position);
  s.stats.dropped += !is_true;
  return is_true;
}

// The prompt came through `forward`: the stage has its tokens. Asked after a pass, when it is free, and never with the lock held.
void Lane::remember_text(const Task& task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const Slot& s = slots_[task.slot];
    if (s.epoch != task.epoch || !s.feeder.has_value() || !s.feeder->wants_text()) return;
  }
  std::vector<int32_t> text;
  try {
    text = stage_->tokens(task.slot);
  } catch (const Failure&) {
    // It was closed a moment ago.
    return;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  Slot& s = slots_[task.slot];
  if (s.epoch == task.epoch && s.feeder.has_value() && s.feeder->wants_text()) s.feeder->remember(std::move(text));
}

}  // namespace omninode
