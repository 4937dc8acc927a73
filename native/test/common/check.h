// A minimal test harness with TAP output. Tests register themselves. Run the executable from the
// repository's root.

#ifndef AUTOCOG_TEST_COMMON_CHECK_H_
#define AUTOCOG_TEST_COMMON_CHECK_H_

#include <string>

namespace autocog::test {

using Body = void (*)();

// Registers a test during static initialization. The name is a sentence.
struct Test {
  Test(const char* name, Body body);
};

// Checks an expectation of the running test.
void Expect(bool holds, const std::string& what, const char* file, int line);

}  // namespace autocog::test

#define AUTOCOG_JOIN2(a, b) a##b
#define AUTOCOG_JOIN(a, b) AUTOCOG_JOIN2(a, b)
#define TEST_CASE(name)                                                                              \
  static void AUTOCOG_JOIN(Body, __LINE__)();                                                        \
  static const autocog::test::Test AUTOCOG_JOIN(test, __LINE__)(name, AUTOCOG_JOIN(Body, __LINE__)); \
  static void AUTOCOG_JOIN(Body, __LINE__)()

#define EXPECT(condition) autocog::test::Expect((condition), #condition, __FILE__, __LINE__)
// |a - b| <= tolerance; fails for NaN.
#define EXPECT_NEAR(a, b, tolerance)                                                                               \
  autocog::test::Expect(std::abs((a) - (b)) <= (tolerance),                                                        \
                        std::string(#a " ~ " #b ": ") + std::to_string(a) + " and " + std::to_string(b), __FILE__, \
                        __LINE__)

#endif  // AUTOCOG_TEST_COMMON_CHECK_H_
