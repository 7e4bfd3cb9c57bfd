#include "backend.h"
#include <exception>

#include "harness.h"

int failed_checks = 0;
std::string model_path;

std::vector<TestCase>& test_cases() {
  static std::vector<TestCase> cases;
  return cases;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  omninode::load_backends(argv[1]);
  model_path = argv[2];
  int failed = 0;
  for (const TestCase& test : test_cases()) {
    const int before = failed_checks;
    try {
      test.body();
    } catch (const std::exception& error) {
      failed_checks++;
      std::fprintf(stderr, "%s threw: %s\n", test.name, error.what());
    }
    failed += failed_checks > before;
  }
  std::printf("native: %zu passed, %d failed\n", test_cases().size() - failed, failed);
  return failed == 0 ? 0 : 1;
}
