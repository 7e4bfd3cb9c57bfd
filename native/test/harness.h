// A test harness of one page: TEST bodies register themselves, CHECK reports and goes on.
#pragma once
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

struct TestCase {
  const char* name;
  std::function<void()> body;
};
std::vector<TestCase>& test_cases();
extern int failed_checks;
// The model that tests may load: the built-in one.
extern std::string model_path;

struct Register {
  Register(const char* name, std::function<void()> body) { test_cases().push_back({name, std::move(body)}); }
};

#define TEST(id)                             \
  static void test_##id();                   \
  static Register register_##id(#id, test_##id); \
  static void test_##id()

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      failed_checks++;                                                          \
      std::fprintf(stderr, "%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #condition); \
    }                                                                           \
  } while (0)
