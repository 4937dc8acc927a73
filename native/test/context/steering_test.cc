// The names that identify adapters and control vectors. Their effect on results is tested through the
// public API.

#include <cmath>
#include <limits>
#include <vector>

#include "engine/model/gguf_file.h"
#include "test/common/check.h"
#include "test/session/session_support.h"

namespace autocog::test {

TEST_CASE("equal control vectors have equal names, and none has an empty name") {
  auto session = Open("F32");
  const ModelInfo& info = session->context().model().info();
  const size_t width = static_cast<size_t>(info.embedding_size);
  std::vector<float> vector(width, 0.5f);
  const auto name = [&](const std::vector<float>& data) { return session->SetControlVector(data).value(); };
  EXPECT(session->steering().empty());
  const std::string first = name(vector);
  EXPECT(!first.empty() && first == session->steering());
  EXPECT(name(std::vector<float>(width, 0.25f)) != first);
  EXPECT(name(vector) == first);
  // Omitted rows are zero.
  vector.resize(2 * width);
  EXPECT(name(vector) == first);
  EXPECT(name(std::vector<float>(width, 0.0f)).empty());
  EXPECT(name({}).empty());
}

TEST_CASE("a control vector of the wrong size or with non-finite values is rejected") {
  auto session = Open("F32");
  const ModelInfo& info = session->context().model().info();
  const size_t width = static_cast<size_t>(info.embedding_size);
  const size_t layers = static_cast<size_t>(info.layers);
  const auto code = [&](const std::vector<float>& data) { return session->SetControlVector(data).status().code(); };
  EXPECT(code(std::vector<float>(width - 1)) == Code::kOutOfRange);
  EXPECT(code(std::vector<float>(width * layers)) == Code::kOutOfRange);
  EXPECT(code(std::vector<float>(width, std::numeric_limits<float>::infinity())) == Code::kOutOfRange);
  EXPECT(session->SetControlVector(std::vector<float>(width * (layers - 1), 1.0f)).ok());
}

TEST_CASE("a digest depends on every bit") {
  const std::vector<uint8_t> bytes(21, 7);
  const uint64_t whole = AddToDigest(kEmptyDigest, bytes.data(), bytes.size());
  bool differs = AddToDigest(kEmptyDigest, bytes.data(), bytes.size() - 1) != whole;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::vector<uint8_t> other = bytes;
    other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ (1u << (bit % 8)));
    differs = differs && AddToDigest(kEmptyDigest, other.data(), other.size()) != whole;
  }
  EXPECT(differs);
}

}  // namespace autocog::test
