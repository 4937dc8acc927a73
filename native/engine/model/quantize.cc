// Converts a model's weights to another type, with llama.cpp's quantizer.

#include <exception>
#include <filesystem>
#include <fstream>
#include <new>
#include <random>
#include <regex>
#include <string>
#include <system_error>

#include "engine/common/assertion.h"
#include "engine/common/backend.h"
#include "engine/common/log.h"
#include "engine/model/gguf_file.h"
#include "engine/model/model.h"
#include "engine/model/model_file.h"

namespace autocog {

namespace {

namespace fs = std::filesystem;

enum class Importance { kUnused, kNeeded };

struct NamedType {
  const char* name;
  llama_ftype type;
  Importance importance = Importance::kUnused;
  bool copy = false;
};

// The type names of llama-quantize. A type needs an importance matrix if tensor_requires_imatrix of
// llama-quant.cpp is true for one of the tensor types that it mixes.
constexpr NamedType kTypes[] = {
    {"F32", LLAMA_FTYPE_ALL_F32},
    {"F16", LLAMA_FTYPE_MOSTLY_F16},
    {"BF16", LLAMA_FTYPE_MOSTLY_BF16},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
    {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},
    {"Q5_K", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q5_K_S", LLAMA_FTYPE_MOSTLY_Q5_K_S},
    {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
    {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},
    {"Q4_K", LLAMA_FTYPE_MOSTLY_Q4_K_M},
    {"Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M},
    {"Q3_K", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S},
    {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"Q3_K_L", LLAMA_FTYPE_MOSTLY_Q3_K_L},
    {"Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K},
    {"Q2_0", LLAMA_FTYPE_MOSTLY_Q2_0},
    {"Q1_0", LLAMA_FTYPE_MOSTLY_Q1_0},
    {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL},
    {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS},
    {"IQ3_M", LLAMA_FTYPE_MOSTLY_IQ3_M},
    {"IQ3_S", LLAMA_FTYPE_MOSTLY_IQ3_S},
    {"TQ1_0", LLAMA_FTYPE_MOSTLY_TQ1_0},
    {"TQ2_0", LLAMA_FTYPE_MOSTLY_TQ2_0},
    {"MXFP4_MOE", LLAMA_FTYPE_MOSTLY_MXFP4_MOE},
    {"COPY", LLAMA_FTYPE_ALL_F32, Importance::kUnused, true},
    {"Q2_K_S", LLAMA_FTYPE_MOSTLY_Q2_K_S, Importance::kNeeded},
    {"IQ3_XS", LLAMA_FTYPE_MOSTLY_IQ3_XS, Importance::kNeeded},
    {"IQ3_XXS", LLAMA_FTYPE_MOSTLY_IQ3_XXS, Importance::kNeeded},
    {"IQ2_M", LLAMA_FTYPE_MOSTLY_IQ2_M, Importance::kNeeded},
    {"IQ2_S", LLAMA_FTYPE_MOSTLY_IQ2_S, Importance::kNeeded},
    {"IQ2_XS", LLAMA_FTYPE_MOSTLY_IQ2_XS, Importance::kNeeded},
    {"IQ2_XXS", LLAMA_FTYPE_MOSTLY_IQ2_XXS, Importance::kNeeded},
    {"IQ1_M", LLAMA_FTYPE_MOSTLY_IQ1_M, Importance::kNeeded},
    {"IQ1_S", LLAMA_FTYPE_MOSTLY_IQ1_S, Importance::kNeeded},
};

Result<NamedType> FindType(const std::string& name) {
  std::string known;
  for (const NamedType& each : kTypes) {
    const bool needs_matrix = each.importance == Importance::kNeeded;
    if (name == each.name && needs_matrix) {
      return Status(Code::kNotSupported,
                    "Cannot quantize to " + name + ": it needs an importance matrix, which quantize does not take");
    }
    if (name == each.name) return each;
    if (!needs_matrix) known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  return Status(Code::kOutOfRange, "Expected a weight type (" + known + "), got " + name);
}

// A temporary file next to the target, under a unique name. Deleted unless it was renamed to the target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) {
    // Unique, since another call or process may write the same target.
    std::random_device random;
    do {
      path_ = target;
      path_ += ".part-" + std::to_string(random());
    } while (fs::exists(path_));
  }
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Resolves symbolic links, so that the file is replaced and not the link.
fs::path Resolve(const std::string& target) {
  std::error_code ignored;
  const fs::path resolved = fs::weakly_canonical(ToPath(target), ignored);
  return resolved.empty() ? ToPath(target) : resolved;
}

Status CheckTarget(const std::string& source, const fs::path& target) {
  std::error_code ignored;
  if (fs::equivalent(ToPath(source), target, ignored)) {
    return Status(Code::kInvalidArgument, "Expected a target other than the source, got " + ToUtf8(target));
  }
  const fs::file_status status = fs::status(target, ignored);
  if (!fs::exists(status)) return Status::Ok();
  if (!fs::is_regular_file(status)) {
    return Status(Code::kInvalidArgument, "Cannot write " + ToUtf8(target) + ": it is not a regular file");
  }
  // Renaming would replace even a read-only file.
  if (std::ofstream(target, std::ios::binary | std::ios::app)) return Status::Ok();
  return Status(Code::kInvalidArgument, "Cannot write " + ToUtf8(target));
}

// llama.cpp does not check whether its writes succeed: on a full disk the file is truncated.
Status CheckWritten(const fs::path& temporary, const std::string& target) {
  auto file = GgufFile::Open(ToUtf8(temporary));
  if (file.ok()) return Status::Ok();
  return Status(Code::kInternal, "Cannot write all of " + target + "; is the disk full?", file.status().message());
}

// llama.cpp reports them in its log alone: "warning: NAME - ncols N not divisible by 256 (required for type
// q4_K) -> falling back to q5_0".
std::vector<Fallback> ReadFallbacks(const std::string& log) {
  const std::regex line("warning: (\\S+) +- ncols .*required for type +(\\S+)\\).*-> falling back to +(\\S+)");
  std::vector<Fallback> fallbacks;
  for (std::sregex_iterator match(log.begin(), log.end(), line), end; match != end; ++match) {
    fallbacks.push_back({(*match)[1], (*match)[2], (*match)[3]});
  }
  return fallbacks;
}

Result<std::vector<Fallback>> Write(const std::string& source, const std::string& target, const NamedType& type,
                                    int threads) {
  const fs::path resolved = Resolve(target);
  if (Status status = CheckTarget(source, resolved); !status.ok()) return status;
  const TemporaryFile temporary(resolved);
  // If llama.cpp cannot open the file, it throws a stream exception.
  if (!std::ofstream(temporary.path(), std::ios::binary))
    return Status(Code::kInvalidArgument, "Cannot write " + target);
  const auto narrow = ToNarrow(temporary.path());
  if (!narrow) {
    return Status(Code::kNotSupported, "Cannot write " + target +
                                           ": llama.cpp's quantizer cannot write a path with these characters on "
                                           "Windows; use a folder whose name is in the system's code page");
  }
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type.type;
  params.nthread = threads;
  params.allow_requantize = true;
  params.only_copy = type.copy;
  LogCapture log;
  const std::string what = "Cannot quantize " + source + " to " + type.name;
  {
    AssertionGuard guard;
    if (llama_model_quantize(source.c_str(), narrow->c_str(), &params) != 0) {
      // A write that fails is an exception of the stream, which llama.cpp logs.
      const bool is_unwritten = log.text().find("iostream") != std::string::npos;
      return Status(is_unwritten ? Code::kInternal : Code::kModelLoad, what, log.text());
    }
  }
  if (Status status = CheckWritten(temporary.path(), target); !status.ok()) return status;
  std::error_code failure;
  fs::rename(temporary.path(), resolved, failure);
  if (failure) return Status(Code::kInvalidArgument, "Cannot write " + target, failure.message());
  return ReadFallbacks(log.text());
}

}  // namespace

Result<std::vector<Fallback>> Quantize(const std::string& source, const std::string& target, const std::string& type,
                                       int threads) {
  InstallBackend();
  auto found = FindType(type);
  if (!found.ok()) return found.status();
  // A file that ends early would be read as far as it goes.
  if (auto file = GgufFile::Open(source); !file.ok()) return file.status();
  const std::string what = "Cannot quantize " + source + " to " + type;
  try {
    return Write(source, target, found.value(), threads);
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, what + ": not enough memory");
  } catch (const std::exception& error) {
    return Status(Code::kModelLoad, what, error.what());
  }
}

}  // namespace autocog
