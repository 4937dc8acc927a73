// See cpu_check.h. cmake/cpu.cmake defines AUTOCOG_CPU_FEATURES, the names of the instruction sets with which the
// CPU backend is compiled, separated by spaces. Asks the CPU itself: compilers know different sets by name.

#include "engine/common/cpu_check.h"

#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#ifndef AUTOCOG_CPU_FEATURES
#define AUTOCOG_CPU_FEATURES ""
#endif

namespace autocog {

namespace {

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

enum Register { kEax, kEbx, kEcx, kEdx };

// Where CPUID reports a feature, and which registers the operating system must save for it (bits of XCR0).
struct Feature {
  const char* name;
  unsigned leaf;
  unsigned subleaf;
  Register reg;
  unsigned bit;
  uint32_t state;
};

constexpr uint32_t kAvxState = 0x6;
constexpr uint32_t kAvx512State = 0xe6;
constexpr uint32_t kAmxState = 0x60000;

constexpr Feature kFeatures[] = {
    {"SSE3", 1, 0, kEcx, 0, 0},
    {"SSSE3", 1, 0, kEcx, 9, 0},
    {"SSE4_2", 1, 0, kEcx, 20, 0},
    {"AVX", 1, 0, kEcx, 28, kAvxState},
    {"FMA", 1, 0, kEcx, 12, kAvxState},
    {"F16C", 1, 0, kEcx, 29, kAvxState},
    {"AVX2", 7, 0, kEbx, 5, kAvxState},
    {"BMI2", 7, 0, kEbx, 8, 0},
    {"AVX512F", 7, 0, kEbx, 16, kAvx512State},
    {"AVX512DQ", 7, 0, kEbx, 17, kAvx512State},
    {"AVX512CD", 7, 0, kEbx, 28, kAvx512State},
    {"AVX512BW", 7, 0, kEbx, 30, kAvx512State},
    {"AVX512VL", 7, 0, kEbx, 31, kAvx512State},
    {"AVX512VBMI", 7, 0, kEcx, 1, kAvx512State},
    {"AVX512VNNI", 7, 0, kEcx, 11, kAvx512State},
    {"AMX_TILE", 7, 0, kEdx, 24, kAmxState},
    {"AMX_INT8", 7, 0, kEdx, 25, kAmxState},
    {"AVXVNNI", 7, 1, kEax, 4, kAvxState},
    {"AVX512BF16", 7, 1, kEax, 5, kAvx512State},
};

// The registers that the operating system saves; XGETBV without the compiler's flag for it.
uint32_t SavedState() {
  unsigned registers[4] = {};
  if (__get_cpuid(1, &registers[0], &registers[1], &registers[2], &registers[3]) == 0) return 0;
  if ((registers[kEcx] >> 27 & 1) == 0) return 0;
  uint32_t low;
  uint32_t high;
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool HasFeature(const std::string& name) {
  for (const Feature& feature : kFeatures) {
    if (name != feature.name) continue;
    unsigned registers[4] = {};
    if (__get_cpuid_count(feature.leaf, feature.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) ==
        0) {
      return false;
    }
    return (registers[feature.reg] >> feature.bit & 1) != 0 && (SavedState() & feature.state) == feature.state;
  }
  return true;
}

#elif defined(__aarch64__) && defined(__linux__)

// Bits of AT_HWCAP and AT_HWCAP2, as the kernel defines them.
bool HasFeature(const std::string& name) {
  const unsigned long first = getauxval(AT_HWCAP);
  const unsigned long second = getauxval(AT_HWCAP2);
  if (name == "ARM_FEATURE_DOTPROD") return (first >> 20 & 1) != 0;
  if (name == "ARM_FEATURE_FP16_VECTOR_ARITHMETIC") return (first >> 10 & 1) != 0;
  if (name == "ARM_FEATURE_SVE") return (first >> 22 & 1) != 0;
  if (name == "ARM_FEATURE_SVE2") return (second >> 1 & 1) != 0;
  if (name == "ARM_FEATURE_MATMUL_INT8") return (second >> 13 & 1) != 0;
  return true;
}

#else

bool HasFeature(const std::string&) { return true; }

#endif

}  // namespace

Status CheckCpu() {
  std::istringstream names(AUTOCOG_CPU_FEATURES);
  std::string missing;
  for (std::string name; names >> name;) {
    if (!HasFeature(name)) missing += " " + name;
  }
  if (missing.empty()) return Status::Ok();
  return Status(Code::kNotSupported,
                "this build of autocog-lm is for another CPU: it uses instructions that this CPU lacks:" + missing);
}

}  // namespace autocog
