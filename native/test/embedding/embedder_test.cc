// Embedders on the default model: which arguments they reject, and that this has no side effects.

#include "engine/embedding/embedder.h"

#include <string>

#include "test/common/check.h"
#include "test/session/session_support.h"

using autocog::Code;
using autocog::ContextOptions;
using autocog::Embedder;
using autocog::Tokens;
using autocog::test::ExactOptions;
using autocog::test::LoadAs;
using autocog::test::Never;

namespace {

std::unique_ptr<Embedder> OpenEmbedder(const std::string& type, const std::string& pooling) {
  auto embedder = Embedder::Create(LoadAs(type), ExactOptions(), pooling);
  EXPECT(embedder.ok());
  return std::move(embedder.value());
}

Code CodeOf(Embedder* embedder, const std::vector<Tokens>& texts, double norm) {
  auto result = embedder->Embed(texts, norm, Never());
  return result.ok() ? Code::kOk : result.status().code();
}

}  // namespace

TEST_CASE("texts that cannot be embedded are rejected, without an effect on later ones") {
  for (const char* type : {"F32", "Q8_0"}) {
    auto embedder = OpenEmbedder(type, "mean");
    auto before = embedder->Embed({{1, 2, 3}}, 2, Never());
    EXPECT(before.ok());
    const int size = embedder->model().vocabulary().size();
    EXPECT(CodeOf(embedder.get(), {{}}, 2) == Code::kOutOfRange);
    EXPECT(CodeOf(embedder.get(), {{1}, {size}}, 2) == Code::kOutOfRange);
    EXPECT(CodeOf(embedder.get(), {{-1}}, 2) == Code::kOutOfRange);
    EXPECT(CodeOf(embedder.get(), {{1}}, 0.5) == Code::kOutOfRange);
    EXPECT(CodeOf(embedder.get(), {Tokens(100'000, 1)}, 2) == Code::kContextOverflow);
    EXPECT(CodeOf(embedder.get(), {}, 2) == Code::kOk);
    auto after = embedder->Embed({{1, 2, 3}}, 2, Never());
    EXPECT(after.ok());
    EXPECT(after.value().values == before.value().values);
  }
}

TEST_CASE("embedders with invalid options are rejected") {
  const auto code = [](ContextOptions options, const std::string& pooling) {
    auto embedder = Embedder::Create(LoadAs("F32"), options, pooling);
    return embedder.ok() ? Code::kOk : embedder.status().code();
  };
  ContextOptions options = ExactOptions();
  EXPECT(code(options, "") == Code::kOk);
  EXPECT(code(options, "sum") == Code::kOutOfRange);
  EXPECT(code(options, "rank") == Code::kNotSupported);
  options.max_sequences = 0;
  EXPECT(code(options, "") == Code::kOutOfRange);
  options.max_sequences = 257;
  EXPECT(code(options, "") == Code::kOutOfRange);
  options = ExactOptions();
  options.context_size = 2147483647;
  EXPECT(code(options, "") == Code::kOutOfMemory);
}
