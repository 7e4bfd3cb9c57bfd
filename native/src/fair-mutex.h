// A mutex that is taken in the order in which it was asked for.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace omninode {

// The lane's thread and those of `forward` share a stage: with std::mutex whoever has just had it may take it again at once, and a
// long prompt, pass after pass, would hold up others' next tokens for more than one of them.
class FairMutex {
 public:
  void lock() {
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t ticket = asked_++;
    turn_.wait(lock, [&] { return ticket == served_; });
  }

  void unlock() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      served_++;
    }
    turn_.notify_all();
  }

  // How many wait or have it.
  uint64_t holders() {
    std::lock_guard<std::mutex> lock(mutex_);
    return asked_ - served_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  uint64_t asked_ = 0;
  uint64_t served_ = 0;
};

}  // namespace omninode
