# Compiles our kernels (native/kernels) into ggml's CPU backend, or into each of its variants with that variant's
# instructions. ggml's traits.cpp asks them first.

set(kernels ${CMAKE_CURRENT_SOURCE_DIR}/native/kernels)
set(kernel_hook ${kernels}/hook.h)
set(kernel_sources ${kernels}/kernels.cc ${kernels}/experts.cc ${kernels}/kernel.cc
  ${kernels}/products.cc)
if(MSVC)
  set(kernel_warnings /W4 $<$<BOOL:${AUTOCOG_WERROR}>:/WX>)
  set(kernel_include /FI${kernel_hook})
else()
  # ggml-impl.h defines functions that not every file uses; GCC's own headers of intrinsics use undefined registers.
  set(kernel_warnings -Wall -Wextra -Wno-unused-function
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized> $<$<BOOL:${AUTOCOG_WERROR}>:-Werror>)
  set(kernel_include -include ${kernel_hook})
endif()
foreach(target ${cpu_targets})
  target_sources(${target} PRIVATE ${kernel_sources})
endforeach()
list(GET cpu_targets 0 target)
set_source_files_properties(${kernel_sources} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS "${kernel_warnings}")
set_source_files_properties(
  ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/ggml/src/ggml-cpu/traits.cpp
  TARGET_DIRECTORY ${target}
  PROPERTIES COMPILE_OPTIONS "${kernel_include}" OBJECT_DEPENDS ${kernel_hook})
