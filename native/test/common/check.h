// The smallest harness that can print TAP: tests register themselves, expectations count.
// Run from the repository's root.

#ifndef AUTOCOG_TEST_COMMON_CHECK_H_
#define AUTOCOG_TEST_COMMON_CHECK_H_

#include <string>

namespace autocog::test {

using Body = void (*)();

// Registers a test at start-up; the name is a sentence.
struct Test {
  Test(const char* name, Body body);
};

// Reports one expectation of the running test.
void Expect(bool holds, const std::string& what, const char* file, int line);

}  // namespace autocog::test

#define AUTOCOG_JOIN2(a, b) a##b
#define AUTOCOG_JOIN(a, b) AUTOCOG_JOIN2(a, b)
#define TEST_CASE(name)                                                                              \
  static void AUTOCOG_JOIN(Body, __LINE__)();                                                        \
  static const autocog::test::Test AUTOCOG_JOIN(test, __LINE__)(name, AUTOCOG_JOIN(Body, __LINE__)); \
  static void AUTOCOG_JOIN(Body, __LINE__)()

#define EXPECT(condition) autocog::test::Expect((condition), #condition, __FILE__, __LINE__)
// |a - b| <= tolerance; a NaN fails.
#define EXPECT_NEAR(a, b, tolerance)                                                                               \
  autocog::test::Expect(std::abs((a) - (b)) <= (tolerance),                                                        \
                        std::string(#a " ~ " #b ": ") + std::to_string(a) + " and " + std::to_string(b), __FILE__, \
                        __LINE__)

#endif  // AUTOCOG_TEST_COMMON_CHECK_H_
