#include <thread>
#include <vector>

#include "fair-mutex.h"
#include "harness.h"

using namespace omninode;

TEST(a_fair_mutex_is_taken_in_the_order_in_which_it_was_asked_for) {
  FairMutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  mutex.lock();
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&, i] {
      std::lock_guard<FairMutex> lock(mutex);
      order.push_back(i);
    });
    // Asked one after the other.
    while (mutex.holders() < static_cast<uint64_t>(i) + 2) std::this_thread::yield();
  }
  mutex.unlock();
  for (std::thread& thread : threads) thread.join();
  CHECK(order == std::vector<int>({0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(who_gives_a_fair_mutex_back_does_not_take_it_from_who_waits) {
  FairMutex mutex;
  bool was_taken = false;
  mutex.lock();
  std::thread other([&] {
    std::lock_guard<FairMutex> lock(mutex);
    was_taken = true;
  });
  while (mutex.holders() < 2) std::this_thread::yield();
  mutex.unlock();
  mutex.lock();
  CHECK(was_taken);
  mutex.unlock();
  other.join();
}
