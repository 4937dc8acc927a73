# Applies AUTOCOG_SANITIZE to llama.cpp and to our own code. -O1 with line tables: reports have line numbers, and
# llama.cpp still builds in minutes. Must be included before the vendored tree is added.
if(AUTOCOG_SANITIZE)
  list(JOIN AUTOCOG_SANITIZE "," sanitizers)
  set(CMAKE_C_FLAGS_RELEASE "-O1 -gline-tables-only")
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -gline-tables-only")
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  # Function multiversioning is resolved by the loader, before the sanitizer runtimes are initialized.
  add_compile_definitions(AUTOCOG_NO_CLONES)
  add_link_options(-fsanitize=${sanitizers})
  if(CMAKE_JS_VERSION)
    # The addon's process is Node, which has not been linked with the runtime.
    add_link_options(-shared-libsan)
    # As in what ships: ggml asserts that no number is NaN, which it is where callers send such numbers.
    add_compile_definitions(NDEBUG)
  endif()
endif()
