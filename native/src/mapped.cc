#include "mapped.h"

#ifdef __linux__
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace omninode {

void drop_mapped_pages(const std::string& path) {
  // The kernel lists the file by its real path.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr) return;
  const std::string name = real.get();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() <= name.size() || line.compare(line.size() - name.size(), name.size(), name) != 0 || line[line.size() - name.size() - 1] != ' ') continue;
    uintptr_t begin = 0, end = 0;
    // Only what nobody writes to: dropping such a page loses nothing.
    char writable = 'w';
    if (std::sscanf(line.c_str(), "%zx-%zx r%c", &begin, &end, &writable) == 3 && writable == '-') madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace omninode
#else
namespace omninode {
void drop_mapped_pages(const std::string&) {}
}  // namespace omninode
#endif
