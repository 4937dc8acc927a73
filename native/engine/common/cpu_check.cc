// See cpu_check.h. CMake defines AUTOCOG_PORTABLE for builds that run on other machines; on x86-64
// these require x86-64-v3 (see cmake/llama.cmake).

#include "engine/common/cpu_check.h"

#include <string>

namespace autocog {

Status CheckCpu() {
#if defined(AUTOCOG_PORTABLE) && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
  __builtin_cpu_init();
  std::string missing;
  if (!__builtin_cpu_supports("avx2")) missing += " AVX2";
  if (!__builtin_cpu_supports("fma")) missing += " FMA";
  if (!__builtin_cpu_supports("bmi2")) missing += " BMI2";
  if (!missing.empty()) {
    return Status(Code::kNotSupported,
                  "The prebuilt addon of autocog-lm requires a CPU with AVX2, FMA and BMI2; this CPU lacks" + missing);
  }
#endif
  return Status::Ok();
}

}  // namespace autocog
