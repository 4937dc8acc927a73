# Which instructions the CPU backend uses: those of this machine, a portable set, or one library per generation of CPUs.
# Sets AUTOCOG_CPU_FEATURES, which native/engine/common/cpu_check.cc compares with the CPU when the addon is loaded.

if(AUTOCOG_VARIANTS)
  # The engine itself then runs on every x86-64, and ggml's libraries check the CPU before they are chosen.
  set(AUTOCOG_NATIVE OFF CACHE BOOL "" FORCE)
  set(AUTOCOG_CPU_FEATURES "")
elseif(AUTOCOG_NATIVE AND NOT MSVC)
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null
    OUTPUT_VARIABLE AUTOCOG_CPU_MACROS ERROR_QUIET)
  # The macros that compilers define for instruction sets, as cpu_check.cc knows them.
  foreach(feature SSE3 SSSE3 SSE4_2 AVX AVX2 BMI2 FMA F16C AVXVNNI AVX512F AVX512CD AVX512BW AVX512DQ AVX512VL
      AVX512VBMI AVX512VNNI AVX512BF16 AMX_TILE AMX_INT8 ARM_FEATURE_DOTPROD ARM_FEATURE_FP16_VECTOR_ARITHMETIC
      ARM_FEATURE_SVE ARM_FEATURE_SVE2 ARM_FEATURE_MATMUL_INT8)
    if(AUTOCOG_CPU_MACROS MATCHES "#define __${feature}(__)? 1")
      list(APPEND AUTOCOG_CPU_FEATURES ${feature})
    endif()
  endforeach()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(AUTOCOG_CPU_FEATURES AVX AVX2 BMI2 FMA F16C)
endif()
list(JOIN AUTOCOG_CPU_FEATURES " " AUTOCOG_CPU_FEATURES)
set_source_files_properties(native/engine/common/cpu_check.cc PROPERTIES
  COMPILE_DEFINITIONS "AUTOCOG_CPU_FEATURES=\"${AUTOCOG_CPU_FEATURES}\"")
