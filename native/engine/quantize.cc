// Rewriting a model's weights in another type, by llama.cpp's own quantiser.

#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/backend.h"
#include "engine/log.h"
#include "engine/model.h"

namespace autocog {

namespace {

struct NamedType {
  const char* name;
  llama_ftype type;
};

// The names that llama.cpp's quantize tool uses.
constexpr NamedType kTypes[] = {
    {"F32", LLAMA_FTYPE_ALL_F32},          {"F16", LLAMA_FTYPE_MOSTLY_F16},       {"BF16", LLAMA_FTYPE_MOSTLY_BF16},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},     {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},     {"Q5_K_S", LLAMA_FTYPE_MOSTLY_Q5_K_S}, {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},     {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},     {"Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M}, {"Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S}, {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"Q3_K_L", LLAMA_FTYPE_MOSTLY_Q3_K_L}, {"Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K},
};

}  // namespace

Status Quantize(const std::string& source, const std::string& target, const std::string& type, int threads) {
  InstallBackend();
  if (Status status = CheckModelFile(source); !status.ok()) return status;
  const NamedType* found = nullptr;
  std::string known;
  for (const NamedType& each : kTypes) {
    known += (known.empty() ? "" : ", ") + std::string(each.name);
    if (type == each.name) found = &each;
  }
  if (found == nullptr) return Status(Code::kOutOfRange, "Expected a weight type (" + known + "), got " + type);
  // Reading and writing one file would truncate it first.
  std::error_code ignored;
  if (std::filesystem::equivalent(source, target, ignored)) {
    return Status(Code::kInvalidArgument, "Expected a target other than the source, got " + target);
  }
  // llama.cpp ends with an uncaught stream error on a target that it cannot open.
  if (!std::ofstream(target, std::ios::binary | std::ios::app)) {
    return Status(Code::kInvalidArgument, "Cannot write " + target);
  }
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = found->type;
  params.nthread = threads;
  params.allow_requantize = true;
  LogCapture log;
  try {
    if (llama_model_quantize(source.c_str(), target.c_str(), &params) == 0) return Status::Ok();
    return Status(Code::kInternal, "Cannot quantize " + source + " to " + type, log.text());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, "Cannot quantize " + source + " to " + type, error.what());
  }
}

}  // namespace autocog
