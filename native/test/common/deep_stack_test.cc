// Stacks of a chosen size, and how deep work goes on one.

#include "engine/common/deep_stack.h"

#include <stdexcept>
#include <string>

#include "engine/model/text_shape.h"
#include "test/common/check.h"

namespace {

// Uses more than 256 bytes of stack per level.
int Recurse(int depth) {
  volatile char frame[256] = {1};
  return depth == 0 ? frame[0] : Recurse(depth - 1) + frame[0];
}

}  // namespace

TEST_CASE("deep recursion runs on a stack of its own") {
  int result = 0;
  autocog::RunWithStack(size_t{256} << 20, [&] { result = Recurse(100000); });
  EXPECT(result == 100001);
}

TEST_CASE("what the work throws comes back") {
  std::string message;
  try {
    autocog::RunWithStack(size_t{1} << 20, [] { throw std::runtime_error("deep"); });
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  EXPECT(message == "deep");
}

TEST_CASE("the depth of work is measured") {
  const size_t shallow = autocog::MeasureStack(size_t{16} << 20, [] { Recurse(1); });
  const size_t deep = autocog::MeasureStack(size_t{16} << 20, [] { Recurse(10000); });
  EXPECT(shallow < (size_t{1} << 20));
  EXPECT(deep > 4 * shallow);
}

TEST_CASE("the longest stretch of a text bounds what one match may span") {
  EXPECT(autocog::LongestStretch("") == 1);
  EXPECT(autocog::LongestStretch("aaaa") == 5);
  EXPECT(autocog::LongestStretch("one, two") == 6);
  EXPECT(autocog::LongestStretch("one two") == 8);
  EXPECT(autocog::LongestStretch("====== ==") == 8);
  EXPECT(autocog::LongestStretch("\xe4\xb8\xad\xe4\xb8\xad") == 3);
  EXPECT(autocog::LongestStretch(std::string(1000, '\n')) == 1001);
}
