# Adds the vendored llama.cpp and ggml as static, hidden libraries with everything off that the addon does not use.
# The tree itself is never edited: whatever it needs is set from here.

file(READ ${CMAKE_CURRENT_SOURCE_DIR}/scripts/llama-pin.json pin)
string(JSON AUTOCOG_LLAMA_BUILD GET "${pin}" build)
string(JSON AUTOCOG_LLAMA_COMMIT GET "${pin}" commit)

# Without these, llama.cpp and ggml ask git, find the commit of *this* repository, and recompile after each of ours.
set(LLAMA_BUILD_NUMBER ${AUTOCOG_LLAMA_BUILD})
set(LLAMA_BUILD_COMMIT ${AUTOCOG_LLAMA_COMMIT})
set(GIT_EXE "" CACHE FILEPATH "kept empty so that ggml takes its commit from the pin" FORCE)

set(BUILD_SHARED_LIBS OFF CACHE BOOL "" FORCE)
set(LLAMA_BUILD_IS_DEV OFF CACHE BOOL "" FORCE)
set(LLAMA_ALL_WARNINGS OFF CACHE BOOL "" FORCE)
set(LLAMA_OPENSSL OFF CACHE BOOL "" FORCE)
set(LLAMA_USE_PREBUILT_UI OFF CACHE BOOL "" FORCE)
foreach(part TESTS EXAMPLES APP UI)
  set(LLAMA_BUILD_${part} OFF CACHE BOOL "" FORCE)
endforeach()
foreach(part COMMON TOOLS SERVER)
  set(LLAMA_BUILD_${part} ${AUTOCOG_TOOLS} CACHE BOOL "" FORCE)
endforeach()

# ggml's own thread pool instead of OpenMP: no libgomp to find on the user's machine, and a session's threads are the
# ones that it made itself. Attach a persistent pool: without one, ggml starts new threads for each graph.
set(GGML_OPENMP OFF CACHE BOOL "" FORCE)
set(GGML_CUDA ${AUTOCOG_CUDA} CACHE BOOL "" FORCE)
set(GGML_VULKAN ${AUTOCOG_VULKAN} CACHE BOOL "" FORCE)
set(GGML_METAL ${AUTOCOG_METAL} CACHE BOOL "" FORCE)
set(GGML_METAL_EMBED_LIBRARY ${AUTOCOG_METAL} CACHE BOOL "" FORCE)
set(GGML_RPC ${AUTOCOG_RPC} CACHE BOOL "" FORCE)

# A prebuild is x86-64-v3 (AVX2, FMA, F16C, BMI2: Haswell 2013, Zen 2017, and later) and dies of SIGILL on anything
# older, so the addon checks the CPU when it is loaded. A source build takes all that this machine's CPU has.
set(GGML_NATIVE ${AUTOCOG_NATIVE} CACHE BOOL "" FORCE)
if(AUTOCOG_NATIVE)
  set(portable OFF)
else()
  set(portable ON)
endif()
foreach(feature SSE42 AVX AVX2 BMI2 FMA F16C)
  set(GGML_${feature} ${portable} CACHE BOOL "" FORCE)
endforeach()

add_subdirectory(llama.cpp EXCLUDE_FROM_ALL)

# Assertions become exceptions while a file is loaded (native/engine/common/assertion.h), and pass through ggml's C frames.
if(NOT MSVC)
  foreach(target ggml-base ggml-cpu)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-fexceptions>)
  endforeach()
endif()

# GCC 12 drops the stores that fill the AMX tile configuration as dead, and every quantised model then dies of SIGILL
# or SIGSEGV on a CPU with AMX (shown by scripts/check-amx.mjs). Which later releases are right was not established.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp
    TARGET_DIRECTORY ggml-cpu
    PROPERTIES COMPILE_OPTIONS "-fno-tree-dse;-fno-dse")
endif()

# ggml measures graphs by offsets from a null pointer, on purpose, in every context that is made. That one check is off
# for that one file, so that any other report, there or elsewhere, still ends the run.
if(AUTOCOG_SANITIZE)
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml.c
    TARGET_DIRECTORY ggml-base
    PROPERTIES COMPILE_OPTIONS "-fno-sanitize=pointer-overflow")
  # A sort by buckets makes an int of the bucket of -inf, a token that is forbidden, before it clamps it: the least int
  # on the machines that there are, and so the last bucket.
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/src/llama-sampler.cpp
    TARGET_DIRECTORY llama
    PROPERTIES COMPILE_OPTIONS "-fno-sanitize=float-cast-overflow")
endif()

# ccache and ninja see only the text "-march=native": name what it stands for here, so that objects made on another
# CPU are not taken for ours.
if(AUTOCOG_NATIVE AND NOT MSVC)
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null
    OUTPUT_VARIABLE macros ERROR_QUIET)
  string(SHA1 isa "${macros}")
  string(SUBSTRING ${isa} 0 12 isa)
  target_compile_definitions(ggml-cpu PRIVATE AUTOCOG_HOST_ISA=0x${isa})
endif()

# What `npm run test:oracles` holds the package to. The first is one of llama.cpp's tests with a main function of ours;
# llama.cpp's own CMake file for its tests would bring targets that reach for the network.
if(AUTOCOG_TOOLS)
  add_executable(write-model ${CMAKE_CURRENT_SOURCE_DIR}/test-oracles/write-model.cc)
  target_include_directories(write-model PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/tests)
  target_link_libraries(write-model PRIVATE llama llama-common)
  set_target_properties(write-model PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  # None of these computes what is compared: unoptimised, they build in two thirds of the time.
  if(NOT MSVC)
    foreach(target cpp-httplib llama-common mtmd server-context llama-server-impl write-model)
      target_compile_options(${target} PRIVATE -O0)
    endforeach()
  endif()
  add_custom_target(oracles ALL DEPENDS write-model llama-perplexity llama-server llama-bench)
endif()
