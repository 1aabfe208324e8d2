#include "advise/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace unfrag::advise {

void for_each_index(size_t count, const std::function<void(size_t)>& work, const std::function<void(size_t)>& done) {
  std::atomic<size_t> next = 0;
  std::atomic<size_t> finished = 0;
  std::exception_ptr failure;
  std::mutex failing;
  const auto run = [&](bool reports) {
    for (size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(failing);
        failure = std::current_exception();
        next = count;
      }
      ++finished;
      if (reports && done) done(finished);
    }
  };
  const size_t threads = std::min<size_t>(count, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::thread> others;
  others.reserve(threads);
  for (size_t i = 1; i < threads; ++i) others.emplace_back(run, false);
  run(true);
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace unfrag::advise
